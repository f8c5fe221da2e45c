"""What replies look like: which fields an endpoint's answer has, and of which type each is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

Shape = Mapping[str, str]
"""Each field's place (`result[].mark_iv`) and its types, joined by bars: `null|number`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointShapes:
    """The shape of each endpoint's reply, by the endpoint's name, as it was at a time."""

    at: datetime
    endpoints: Mapping[str, Shape]
