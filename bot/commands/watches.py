"""`/watches`: a reader's own watches, and removing one."""

from bot.commands import Command, Option, Request
from bot.commands._telling import go_on, joined
from bot.commands.watch import named, nowhere, reader_of
from bot.commentary import exact
from bot.desk import Desk
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Figure, Profile, Watch
from bot.domain.story import Origin
from bot.errors import InputError

ALL = "all"


async def answer(desk: Desk, request: Request) -> Answer:
    """Each watch with its line and how it stands; one is removed first where its number was typed. Raises InputError."""
    profile = request.profile
    words = desk.bank(profile).words
    if request.direct is None or request.user_id is None:
        return nowhere(desk, profile, "title.watches")
    nothing = Facts(asset=desk.assets[0], at=desk.now(), known={})
    reader = reader_of(request)
    removed = await _remove(desk, reader, request.options.get("remove"))
    mine = await desk.archive.watches(reader=reader)
    said = [desk.say("answer", "watches-removed", nothing, profile)] if removed else []
    said.append(desk.say("answer", "watches" if mine else "watches-none", nothing, profile))
    if any(watch.blocked_at for watch in mine):
        since = min(watch.blocked_at for watch in mine if watch.blocked_at)
        blocked = {"last_at": Origin(kind="date", ref="blocked", value=since.isoformat())}
        said.append(desk.say("answer", "watches-blocked", nothing, profile, blocked))
    body, spans = joined(*said)
    return Answer(
        title=words["title.watches"],
        body=body,
        body_spans=spans,
        figures=tuple(_figure(desk, watch, nothing, profile) for watch in mine),
        buttons=tuple(
            go_on(words["button.unwatch"].format(number=watch.id), "watches", {"remove": str(watch.id)})
            for watch in mine
        ),
        private=True,
    )


async def _remove(desk: Desk, reader: str, typed: str | None) -> bool:
    wanted = (typed or "").strip().lower().removeprefix("#")
    if not wanted:
        return False
    if wanted == ALL:
        return await desk.archive.unwatch(reader) > 0
    if not (wanted.isdecimal() and wanted.isascii() and len(wanted) <= 9):
        raise InputError(f"remove {typed!r}: the number of a watch as /watches lists it, or {ALL}")
    if not await desk.archive.unwatch(reader, int(wanted)):
        raise InputError(f"remove {typed!r}: no watch of yours has this number; /watches lists them")
    return True


def _figure(desk: Desk, watch: Watch, nothing: Facts, profile: Profile) -> Figure:
    bank = desk.bank(profile)
    names = {
        "text": Origin(kind="input", ref="side", value=bank.words[f"watch.{watch.side}"]),
        "value": Origin(kind="setting", ref="line", value=exact(watch.fact, watch.line, bank)),
        "other": Origin(kind="setting", ref="clears", value=exact(watch.fact, watch.clears, bank)),
    }
    about = "watches-armed" if watch.armed else "watches-told" if watch.told_at else "watches-waiting"
    if watch.told_at is not None and not watch.armed:
        names["last_at"] = Origin(kind="date", ref="told", value=watch.told_at.isoformat())
    said = desk.say("answer", about, nothing, profile, names)
    return Figure(
        label=f"{watch.id} · {watch.asset}: {named(desk, watch.fact, profile)}", text=said.text, spans=said.spans
    )


COMMAND = Command(name="watches", options=(Option(name="remove"),), answer=answer, private=True)
