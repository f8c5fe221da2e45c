"""`/watches`: a reader's own watches, and removing one."""

from bot.commands import Command, CommandOption, Request
from bot.commands._telling import go_on, join_texts
from bot.commands.watch import name_fact, nowhere, reader_of
from bot.commentary import exact
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Figure, Profile, Watch
from bot.domain.story import Origin
from bot.errors import InputError
from bot.reasons import reason

ALL = "all"


async def answer(market: Market, request: Request) -> Answer:
    """Each watch with its line and how it stands; one is removed first where its number was typed. Raises
    InputError."""
    profile = request.profile
    words = market.bank(profile).words
    if request.direct is None or request.user_id is None:
        return nowhere(market, profile, "title.watches")
    nothing = Facts(asset=market.assets[0], at=market.now(), known={})
    reader = reader_of(request)
    removed = await _remove(market, reader, request.options.get("remove"))
    mine = await market.archive.watches.find(reader=reader)
    said = [market.say("answer", "watches-removed", nothing, profile)] if removed else []
    said.append(market.say("answer", "watches" if mine else "watches-none", nothing, profile))
    if any(watch.blocked_at for watch in mine):
        since = min(watch.blocked_at for watch in mine if watch.blocked_at)
        blocked = {"last_at": Origin(kind="date", ref="blocked", value=since.isoformat())}
        said.append(market.say("answer", "watches-blocked", nothing, profile, blocked))
    body, spans = join_texts(*said)
    return Answer(
        title=words["title.watches"],
        body=body,
        body_spans=spans,
        figures=tuple(_figure(market, watch, nothing, profile) for watch in mine),
        buttons=tuple(
            go_on(words["button.unwatch"].format(number=watch.id), "watches", {"remove": str(watch.id)})
            for watch in mine
        ),
        private=True,
    )


async def _remove(market: Market, reader: str, typed: str | None) -> bool:
    wanted = (typed or "").strip().lower().removeprefix("#")
    if not wanted:
        return False
    if wanted == ALL:
        return await market.archive.watches.remove(reader) > 0
    if not (wanted.isdecimal() and wanted.isascii() and len(wanted) <= 9):
        raise InputError(reason("watch_number", typed=typed or "", all=ALL))
    if not await market.archive.watches.remove(reader, int(wanted)):
        raise InputError(reason("no_such_watch", typed=typed or ""))
    return True


def _figure(market: Market, watch: Watch, nothing: Facts, profile: Profile) -> Figure:
    bank = market.bank(profile)
    names = {
        "text": Origin(kind="input", ref="side", value=bank.words[f"watch.{watch.side}"]),
        "value": Origin(kind="setting", ref="line", value=exact(watch.fact, watch.line, bank)),
        "other": Origin(kind="setting", ref="clears", value=exact(watch.fact, watch.clears, bank)),
    }
    about = "watches-armed" if watch.armed else "watches-told" if watch.told_at else "watches-waiting"
    if watch.told_at is not None and not watch.armed:
        names["last_at"] = Origin(kind="date", ref="told", value=watch.told_at.isoformat())
    said = market.say("answer", about, nothing, profile, names)
    return Figure(
        label=f"{watch.id} · {watch.asset}: {name_fact(market, watch.fact, profile)}",
        text=said.text,
        spans=said.spans,
    )


COMMAND = Command(name="watches", options=(CommandOption(name="remove"),), answer=answer, private=True)
