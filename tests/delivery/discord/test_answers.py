"""Every row of the table of what an answer means, on real sockets, and answers that are in no table: what becomes of the
post, of its channel, of the next post."""

from datetime import timedelta
from typing import Any

import pytest

from bot.delivery.discord.meanings import TABLE, Meaning, Row
from bot.delivery.discord.routes import Routes
from bot.delivery.discord.sender import DiscordSurface
from bot.desk.desk import Desk
from bot.errors import ChannelGone, ChannelRefused, DeliveryError, DeliveryUnavailable, PostRejected
from tests.delivery.discord.fake import FakeDiscord, Fault
from tests.delivery.discord.stand import Clock, Memory, make_card, make_post, wish

BECOMES: dict[Meaning, type[DeliveryError] | None] = {
    Meaning.WAIT: DeliveryUnavailable,
    Meaning.GONE: ChannelGone,
    Meaning.FORBIDDEN: ChannelRefused,
    Meaning.CLOSED: ChannelRefused,
    Meaning.BLOCKED: PostRejected,
    Meaning.OURS: PostRejected,
    Meaning.DONE: None,
}
STATUSES = (400, 403, 404, 429)
HTML = "<html><h1>Bad gateway</h1></html>"
ODD_SECONDS: tuple[Any, ...] = ("soon", None, [], 31_536_000.0)
ODD_BODIES: tuple[Any, ...] = ([], [{"id": "1"}], {}, {"id": None}, 7, "sent")
ODD_ERRORS: tuple[Any, ...] = ([], ["no"], "no", {"code": "50013"}, {"code": None}, 50013)
IN_NO_TABLE = (
    *(Fault(status=status, body={"code": 0, "message": "no"}) for status in (402, 405, 410, 418, 451, 499)),
    *(Fault(status=403, body={"code": code, "message": "no"}) for code in (1, 99_999, 10_062, -1)),
    *(Fault(status=status, raw=HTML) for status in (400, 401, 403, 404, 409, 418, 429, 500, 502, 503, 520)),
    *(Fault(status=status, raw="") for status in (200, 403, 404, 429, 502)),
    *(Fault(status=200, body=odd) for odd in ODD_BODIES),
    *(Fault(status=403, body=odd) for odd in ODD_ERRORS),
    Fault(status=429, raw="error code: 1015", via=False),
    *(
        Fault(status=409, body={"code": 0, "message": "later"}, headers={"Retry-After": text})
        for text in ("99999999999", "-5", "nan", "inf", "1e400", "soon", "", "Fri, 31 Dec 9999 23:59:59 GMT")
    ),
    *(
        Fault(status=429, body={"message": "slow down", "retry_after": odd, "global": False})
        for odd in ODD_SECONDS
    ),
)


@pytest.fixture
def here(surface: DiscordSurface, client: Any, fake: FakeDiscord, memory: Memory, desk: Desk) -> Any:
    """Shows a post of its own after an answer, and gives what it raised."""
    fake.checked = False  # such answers are in no document
    routes = Routes(surface, client)
    numbers = iter(range(1, 10_000))

    async def meet(*faults: Fault) -> tuple[DeliveryError | None, Routes]:
        number = next(numbers)
        memory.subscriptions.wishes = [wish(7100 + number)]
        post = make_post(f"p{number}", channel=7100 + number)
        fake.fault("POST", f"/channels/{7100 + number}/messages", *faults)
        try:
            await routes.show(post, make_card(post, desk))
        except DeliveryError as error:
            return error, routes
        return None, routes

    return meet


@pytest.mark.parametrize("row", TABLE, ids=lambda row: str(row.code or row.status))
async def test_each_row_of_the_table_becomes_what_it_means(
    here: Any, memory: Memory, clock: Clock, row: Row
) -> None:
    for status in (row.status,) if row.status else STATUSES:
        body = {"code": row.code or 0, "message": "no", "retry_after": 0.0}
        error, _ = await here(*[Fault(status=status, body=body, headers={"Retry-After": "3600"})] * 6)
        expected = BECOMES[row.meaning]
        assert error is None if expected is None else type(error) is expected, (status, row)
        assert [one.paused_at for one in memory.subscriptions.wishes] in ([None], [])
        assert (memory.subscriptions.wishes == []) is (row.meaning is Meaning.GONE)
        clock.at += timedelta(days=2)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("number", range(len(IN_NO_TABLE)))
async def test_an_answer_that_is_in_no_table_is_waited_for_and_harms_nobody(
    here: Any, memory: Memory, clock: Clock, fake: FakeDiscord, desk: Desk, number: int
) -> None:
    fault = IN_NO_TABLE[number]
    error, routes = await here(*[fault] * 6)
    assert isinstance(error, DeliveryUnavailable), fault
    (followed,) = memory.subscriptions.wishes
    assert followed.paused_at is None
    fake.faults.clear()
    clock.at += timedelta(days=1, seconds=1)
    later = make_post("later", channel=int(followed.channel.removeprefix("discord:")), at=clock.at)
    assert await routes.is_ready(followed.channel)
    await routes.show(later, make_card(later, desk))
    assert len(fake.posted(int(followed.channel.removeprefix("discord:")))) == 1
