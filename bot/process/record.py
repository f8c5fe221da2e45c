"""A poll written down: every reply of every source, and what the sockets pushed meanwhile; and read again, as if
the venues said it now."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from bot import sources
from bot.domain.readings import Gap, Heard, Quantity, Snapshot
from bot.domain.shapes import EndpointShapes, Shape
from bot.errors import InputError, SourceError
from bot.given import read_given
from bot.lab.shapes import endpoint_name, shapes_of_replies
from bot.ports import Source
from bot.sources._http import Http, Transport
from bot.sources._record import RecordingTransport, ReplayTransport, listen
from bot.sources._recording import (
    INDEX,
    RecordedMessages,
    RecordedReply,
    Recording,
    read_recording,
    recording_files,
)

log = structlog.get_logger()

Build = Callable[[Http], Sequence[Source]]
"""Builds the sources that are asked."""

GOOD = 200
HISTORY = timedelta(days=1)


async def record(
    build: Build,
    assets: Sequence[str],
    *,
    now: Callable[[], datetime],
    listen_s: float,
    secrets: Iterable[str] = (),
    transport: Transport | None = None,
) -> Recording:
    """One poll of every asset, after it the last day of each source's history, and for `listen_s` seconds what the
    sockets push; 0: none is opened. What a venue refuses is part of the recording."""
    replies: list[RecordedReply] = []
    secrets = tuple(secrets)
    recorder = RecordingTransport(replies.append, now, inner=transport, secrets=secrets)
    taken_at = now()
    async with Http(now=now, transport=recorder) as http:
        built = tuple(build(http))
        listening = asyncio.create_task(_listen(built, assets, listen_s, now, secrets))
        try:
            for asset in assets:
                await asyncio.gather(*(_hear(source, asset, taken_at) for source in built))
            for asset in assets:
                await asyncio.gather(*(_recall(source, asset, taken_at) for source in built))
            sockets = await listening
        finally:
            listening.cancel()
    return Recording(
        taken_at=taken_at,
        assets=tuple(assets),
        sources=tuple(source.name for source in built),
        replies=tuple(replies),
        sockets=sockets,
    )


async def replay(recording: Recording, asset: str) -> Snapshot:
    """What the sources hear in a recording, as one snapshot. Raises InputError where the asset is not in
    it."""
    if asset not in recording.assets:
        raise InputError(f"{asset} is not in the recording: {', '.join(recording.assets)} are")
    transport = ReplayTransport(recording)
    async with Http(now=transport.now, transport=transport, sleep=_no_pause) as http:
        built = [sources.load(name)(http, key="recorded") for name in recording.sources]
        heard = [await _hear(source, asset, recording.taken_at) for source in built]
    return Snapshot(
        asset=asset,
        taken_at=transport.heard_until,
        readings=tuple(reading for one in heard for reading in one.readings),
        gaps=tuple(gap for one in heard for gap in one.gaps),
        asked=_asked(built),
    )


def is_recording(folder: Path) -> bool:
    """Whether a folder was written by `bot record`."""
    return (folder / INDEX).is_file()


def load_recording(folder: Path) -> Recording:
    """The recording in a folder. Raises InputError."""
    files = {
        path.relative_to(folder).as_posix(): read_given(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return read_recording(files)


def check_folder(folder: Path) -> None:
    """Raises InputError where something is there already: a recording is never written over."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: is there already; name a new folder")


def write_recording(recording: Recording, folder: Path) -> None:
    """Write a recording's files into a new folder. Raises InputError where something is there already."""
    check_folder(folder)
    for name, content in recording_files(recording).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def recorded_shapes(recording: Recording) -> EndpointShapes:
    """The shape of each endpoint's reply in a recording."""
    return EndpointShapes(at=recording.taken_at, endpoints=shapes_of(recording.replies))


def shapes_of(replies: Iterable[RecordedReply]) -> Mapping[str, Shape]:
    """The shape of each endpoint that answered well, by its name."""
    return shapes_of_replies(
        (endpoint_name(reply.method, reply.url, reply.asked), reply.body)
        for reply in replies
        if reply.status == GOOD
    )


async def _hear(source: Source, asset: str, at: datetime) -> Heard:
    try:
        return await source.poll(asset, at)
    except SourceError as error:
        return Heard(readings=(), gaps=(Gap(who=source.name, reason=str(error)),))


async def _recall(source: Source, asset: str, at: datetime) -> None:
    """Ask for what the audit asks for; the replies are what is wanted."""
    try:
        await source.backfill(asset, at - HISTORY, at)
    except SourceError as error:
        log.info("record.history", source=source.name, asset=asset, reason=str(error))


async def _listen(
    built: Iterable[Source],
    assets: Sequence[str],
    seconds: float,
    now: Callable[[], datetime],
    secrets: Sequence[str],
) -> tuple[RecordedMessages, ...]:
    if seconds <= 0:
        return ()
    streams = [
        (source.name, stream)
        for source in built
        if isinstance(source, sources.Listens)
        for stream in source.streams(assets)
    ]
    return tuple(
        await asyncio.gather(*(listen(name, stream, seconds, now, secrets) for name, stream in streams))
    )


def _asked(built: Iterable[Source]) -> Mapping[Quantity, tuple[str, ...]]:
    asked: dict[Quantity, tuple[str, ...]] = {}
    for source in built:
        for quantity in sorted(source.brings):
            asked[quantity] = (*asked.get(quantity, ()), source.name)
    return asked


async def _no_pause(_: float) -> None:
    """A recording makes nobody wait."""
