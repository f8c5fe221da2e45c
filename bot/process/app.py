"""The composition root: reads files, builds every part, starts and stops them. Nothing else builds
anything."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING

import structlog
from aiohttp.web import RouteDef
from msgspec import Struct
from rich.console import Console as Terminal

from bot import sources
from bot.archive import Claims, Slots, SqlArchive, open_archive
from bot.archive.remembered import SqlPasts, SqlSmiles, SqlTellings, last_audit
from bot.charts import PngPainter
from bot.charts.pictures import Pictures
from bot.commands.summary import Summaries
from bot.commentary import in_words
from bot.delivery.console import Console
from bot.delivery.preview import Operation, OperatorSide, Preview, serve
from bot.delivery.webhook.hooks import SURFACE as WEBHOOK
from bot.delivery.webhook.surface import WebhookSurface
from bot.desk.desk import Desk, DeskSettings, build_desk
from bot.desk.market import Market, MarketSettings
from bot.desk.memory import DeskMemory
from bot.desk.poller import PollSettings
from bot.desk.smiles import SmileMemory
from bot.desk.stores import MarketStores
from bot.desk.worth import PostWorth
from bot.domain.playbook import Playbook
from bot.domain.posts import Profile, Subscription
from bot.errors import ArchiveError, ConfigError, InputError, Problem, SourceError
from bot.notices.digests import DailyNotes
from bot.notices.notices import Notices
from bot.notices.watches import Watching
from bot.ports import Clock, Source, Surface
from bot.process.doctor import Diagnosis, compare_clocks
from bot.process.operation import BotOperation
from bot.process.schedule import Schedule, SystemClock, TapeClock, TapePauses, slots_between, steady_from
from bot.process.settings import Settings
from bot.sources import deribit
from bot.sources._http import Http, Transport

if TYPE_CHECKING:
    from bot.sources._tape_table import Tape

log = structlog.get_logger()

WARM_AFTER_S = 60.0  # a start that takes no second and no memory for pictures; who asks before waits for them


class Parts(Struct, frozen=True, kw_only=True):
    """A running bot's parts, for who starts it."""

    desk: Desk
    archive: SqlArchive
    clock: Clock
    schedule: Schedule
    preview: Preview
    http: Http
    venues: tuple[Source, ...] = ()
    listening: tuple[sources.Listens, ...] = ()


def build_sources(settings: Settings, http: Http, *, any_key: str | None = None) -> list[Source]:
    """The sources that bot.toml names, in its order; one that is closed is left out, and so is a vendor
    without a key, unless `any_key` serves all (a tape asks for none). Raises ConfigError."""
    problems: list[Problem] = []
    built: list[Source] = []
    without_key: list[str] = []
    closed = settings.closed_at(http.now())
    for name in settings.sources:
        if name in closed:
            log.info("source.off", source=name, reason=f"closed since {closed[name].isoformat()}")
            continue
        try:
            source = sources.load(name)
        except ConfigError as error:
            problems += error.problems
            continue
        given = settings.keys.get(name)
        key = given.get_secret_value() if given else any_key if source.NEEDS_KEY else None
        if source.NEEDS_KEY and key is None:
            without_key.append(name)
            continue
        built.append(source(http, key=key))
    if problems:
        raise ConfigError(problems)
    if without_key:
        keys = " and ".join(f"{name.upper()}_KEY" for name in without_key)
        log.info("source.off", sources=without_key, reason=f"{keys} not set")
    return built


@asynccontextmanager
async def house(
    settings: Settings,
    playbook: Playbook,
    *,
    terminal: Terminal,
    tape: "Tape | None" = None,
    transport: Transport | None = None,
    alone: bool = True,
    url: str | None = None,
) -> AsyncIterator[Parts]:
    """All parts, built and opened; closed on leaving. With a tape: its clock, its transport, its post times,
    no file, unless `transport` and `url` say otherwise. Not `alone`, the outbox is shared: posts are claimed
    before they are sent."""
    played = TapeClock(tape.starts_at) if tape else None
    clock: Clock = played or SystemClock()
    async with AsyncExitStack() as stack:
        claims = None if alone else Claims(worker=f"{socket.gethostname()}:{os.getpid()}")
        address = url or ("sqlite://" if tape else settings.archive.url.get_secret_value())
        archive = await open_archive(address, claims=claims)
        stack.push_async_callback(archive.aclose)
        if tape and transport is None:
            transport = _tape_player().TapeTransport(tape, clock.now, venues=settings.sources)
        pauses = TapePauses(played) if played else None
        steady, sleep = (pauses.steady, pauses.sleep) if pauses else (steady_from(clock.now), asyncio.sleep)
        http = await stack.enter_async_context(
            Http(transport=transport, now=clock.now, steady=steady, sleep=sleep)
        )
        preview = Preview()
        painter = PngPainter()
        stack.callback(painter.close)
        warming = asyncio.get_running_loop().call_later(WARM_AFTER_S, painter.warm)
        stack.callback(warming.cancel)
        offered: dict[str, Surface] = {"console": Console(terminal), "preview": preview}
        if settings.hooks and tape is None:
            offered[WEBHOOK] = WebhookSurface(settings.hooks, now=clock.now, outbox=archive.outbox)
        built = build_sources(settings, http, any_key=tape.name if tape else None)
        built = [source for source in built if not tape or source.name in _tape_player().ON_THE_TAPE]
        listening = tuple(source for source in built if isinstance(source, sources.Listens))
        for source in listening:
            stack.push_async_callback(source.stop)
        slots = partial(_tape_slots, tape) if tape else slots_between
        market = Market(
            clock=clock,
            archive=archive,
            sources=built,
            playbook=playbook,
            settings=_market_settings(settings),
            memory=DeskMemory(SmileMemory(SqlSmiles(archive.notes))),
            upcoming=partial(_next_post, archive, slots),
            budgets=http.usage,
            last_audit=partial(last_audit, archive.notes),
            stores=MarketStores(pasts=SqlPasts(archive.notes), tellings=SqlTellings(archive.notes)),
        )
        desk = build_desk(
            market=market,
            archive=archive,
            sources=built,
            surfaces={name: offered[name] for name in (*settings.surfaces, WEBHOOK) if name in offered},
            settings=_desk_settings(settings),
            agenda=partial(archive.subscriptions.due_slots, slots=slots),
            pictures=Pictures(painter, of_post=Summaries(market), surfaces=("discord", WEBHOOK)),
            notices=Notices.of(
                archive,
                due=partial(
                    archive.subscriptions.due_weekly_slots,
                    slots=slots_between,
                    times=settings.posts.weekly_slots,
                ),
                hold=timedelta(seconds=settings.poll.back_after_s),
                late_after=settings.late_after,
                corrected_within=timedelta(hours=settings.posts.corrected_within_h),
                history=timedelta(days=settings.poll.history_days),
                digests=DailyNotes(
                    due=partial(archive.digests.due, slots=slots_between),
                    judge=market.verdict,
                    assets=settings.assets,
                    late_after=settings.late_after,
                ),
            ),
        )
        await _follow(archive, settings, clock.now())
        await _follow_hooks(archive, settings, clock.now())
        yield Parts(
            desk=desk,
            archive=archive,
            clock=clock,
            schedule=Schedule(clock),
            preview=preview,
            http=http,
            venues=tuple(built),
            listening=listening,
        )


def _tape_player() -> ModuleType:
    """What answers from a tape: imported where one is played."""
    from bot.sources import _tape

    return _tape


async def look_at_clock(http: Http, words: Mapping[str, str]) -> Diagnosis:
    """Whether this machine's clock is right, by a venue's."""
    try:
        reply = await http.get(f"https://{deribit.HOST}/api/v2/public/get_time", subject="deribit time")
    except SourceError as error:
        return Diagnosis(
            what="clock", well=False, says=f"nothing to compare it with: {in_words(str(error), words)}"
        )
    return compare_clocks(reply.heard_at, reply.dated_at)


async def poll_all(parts: Parts, at: datetime) -> None:
    """One poll of every asset, one after the other. One that raises anything but ArchiveError loses itself alone;
    raises what the last one raised where none is left."""
    assets, troubles = parts.desk.market.assets, parts.desk.market.memory.troubles
    lost: list[Exception] = []
    for asset in assets:
        try:
            await parts.desk.poller.poll(asset, at)
        except ArchiveError:
            raise
        except Exception as error:  # noqa: BLE001 (in the log; the other assets are polled)
            troubles.note(asset, error)
            lost.append(error)
        else:
            troubles.clear(asset)
        await parts.desk.sender.deliver()
    if len(lost) == len(assets):
        raise lost[-1]


@asynccontextmanager
async def page(
    parts: Parts,
    settings: Settings,
    terminal: Terminal,
    *,
    port: int | None = None,
    beside: Sequence[RouteDef] = (),
    operation: Operation | None = None,
) -> AsyncIterator[None]:
    """The page, served while the block runs. Raises ConfigError where its address cannot be used."""
    password = settings.page.password.get_secret_value() if settings.page.password else None
    chosen = settings.page.port if port is None else port
    host = settings.page.host
    profile = Profile(locale=settings.posts.locale, length=settings.posts.length)
    quiet = BotOperation(parts.archive, parts.desk.sender, parts.clock, settings)
    serving = serve(
        parts.desk.market,
        parts.desk.cards,
        parts.preview,
        host=host,
        port=chosen,
        password=password,
        beside=beside,
        profile=profile,
        names=settings.page.names,
        side=OperatorSide(settings=settings.describe(), operation=operation or quiet),
    )
    async with serving as address:
        terminal.print(f"The page is at {address}", highlight=False, markup=False, emoji=False)
        yield


async def _follow(archive: SqlArchive, settings: Settings, at: datetime) -> None:
    """The console and the page follow the first asset, as bot.toml says; a change there takes hold at the
    next start."""
    for surface in ("console", "preview"):
        channel = f"{surface}:"
        if surface not in settings.surfaces:
            await archive.subscriptions.remove(channel)
            continue
        known = await archive.subscriptions.find(channel=channel)
        await archive.subscriptions.add(_wish(channel, settings, at, known[0] if known else None))


def _wish(channel: str, settings: Settings, at: datetime, known: Subscription | None) -> Subscription:
    """How bot.toml wants a channel to be served that has no settings of its own."""
    return Subscription(
        channel=channel,
        asset=settings.assets[0],
        created_at=known.created_at if known else at,
        profile=Profile(locale=settings.posts.locale, length=settings.posts.length),
        post_at=settings.posts.at,
        zone=settings.posts.zone,
        last_slot_at=known.last_slot_at if known else None,
    )


async def _follow_hooks(archive: SqlArchive, settings: Settings, at: datetime) -> None:
    """Each webhook follows the first asset, as bot.toml says; one that is named no more is forgotten."""
    named = {hook.channel for hook in settings.hooks}
    known = {one.channel: one for one in await archive.subscriptions.find()}
    for channel in known:
        if channel.startswith(f"{WEBHOOK}:") and channel not in named:
            await archive.subscriptions.remove(channel)
    for channel in sorted(named):
        before = known.get(channel)
        await archive.subscriptions.add(_wish(channel, settings, at, before))


async def _next_post(archive: SqlArchive, slots: Slots, channel: str, at: datetime) -> datetime | None:
    """When a channel's next scheduled post is due, of whatever asset, within the week; None where it is
    paused or has none."""
    wishes = [wish for wish in await archive.subscriptions.find(channel=channel) if wish.paused_at is None]
    coming: list[Sequence[datetime]] = []
    for wish in wishes:
        with contextlib.suppress(InputError):  # said where the slots are looked for
            coming.append(slots(wish.post_at, wish.zone, at, at + timedelta(days=8)))
    return min((found[0] for found in coming if found), default=None)


def _tape_slots(
    tape: "Tape", post_at: Sequence[str], zone: str, since: datetime, until: datetime
) -> Sequence[datetime]:
    """A tape's own post times take the place of the settings'."""
    return [at for at in tape.post_times if since < at <= until]


def _market_settings(settings: Settings) -> MarketSettings:
    return MarketSettings(
        poll_every=timedelta(seconds=settings.poll.every_s),
        assets=settings.assets,
        history=timedelta(days=settings.poll.history_days),
        watching=Watching(
            most=settings.watches.most,
            margin_pct=settings.watches.margin_pct,
            rest=timedelta(seconds=settings.watches.rest_s),
        ),
    )


def _desk_settings(settings: Settings) -> DeskSettings:
    poll = PollSettings(deadline=timedelta(seconds=settings.poll.deadline_s), late_after=settings.late_after)
    worth = PostWorth(
        news=timedelta(hours=settings.posts.news_worth_h), scheduled=timedelta(hours=settings.posts.worth_h)
    )
    return DeskSettings(poll=poll, concurrency=settings.posts.concurrency, worth=worth)
