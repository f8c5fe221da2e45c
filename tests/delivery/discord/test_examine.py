"""What the doctor learns from Discord."""

import pytest

from bot.delivery.discord import examine
from tests.delivery.discord.fake import APP, FakeDiscord, Fault


async def test_a_good_token_is_answered_with_the_invitation(fake: FakeDiscord) -> None:
    well, says = await examine("token")
    assert well
    assert "Tightrope" in says
    assert f"client_id={APP}" in says


@pytest.mark.parametrize(
    ("fault", "way_out"),
    [
        (Fault(status=401, body={"code": 0, "message": "401: Unauthorized"}), "developer portal"),
        (Fault(status=503), "cannot be reached"),
    ],
)
async def test_what_is_wrong_is_said_without_the_token(fake: FakeDiscord, fault: Fault, way_out: str) -> None:
    fake.fault("GET", "/users/@me", fault)
    well, says = await examine("my.secret.token")
    assert not well
    assert way_out in says
    assert "secret" not in says
