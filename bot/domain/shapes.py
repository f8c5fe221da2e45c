"""What replies look like: which fields an endpoint's answer has, and of which type each is."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

Shape = Mapping[str, str]
"""Each field's place (`result[].mark_iv`) and its types, joined by bars: `null|number`."""


class EndpointShapes(Struct, frozen=True, kw_only=True):
    """The shape of each endpoint's reply, by the endpoint's name, as it was at a time."""

    at: datetime
    endpoints: Mapping[str, Shape]
