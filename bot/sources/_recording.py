"""A recording as a folder: `recording.json` says when it was taken, of which assets and sources, and lists each
reply with its question; the bodies lie beside it in `replies/`, byte for byte, and what sockets pushed in
`sockets/`, a message a line."""

import json
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from msgspec import Struct

from bot.errors import InputError

INDEX = "recording.json"
VERSION = 1


class RecordedReply(Struct, frozen=True, kw_only=True):
    """One question and what came of it. `failure` says why nothing did; then status and body are empty."""

    method: str
    url: str
    asked: str
    heard_at: datetime
    status: int = 0
    headers: Mapping[str, str]
    body: bytes = b""
    failure: str = ""


class RecordedMessages(Struct, frozen=True, kw_only=True):
    """What one socket pushed: whose it is, its address, each message with its time; `failure` says why there
    are no more."""

    source: str
    url: str
    messages: tuple[tuple[datetime, str], ...] = ()
    failure: str = ""


class Recording(Struct, frozen=True, kw_only=True):
    """A poll as it was heard: all replies, in the order in which they came."""

    taken_at: datetime
    assets: tuple[str, ...]
    sources: tuple[str, ...]
    replies: tuple[RecordedReply, ...]
    sockets: tuple[RecordedMessages, ...] = ()


def recording_files(recording: Recording) -> Mapping[str, bytes]:
    """The files of a recording's folder, by their paths in it."""
    files: dict[str, bytes] = {}
    replies, sockets = [], []
    for number, reply in enumerate(recording.replies, 1):
        parts = urlsplit(reply.url)
        name = f"replies/{number:03d}-{parts.hostname}-{parts.path.rpartition('/')[2] or 'root'}.txt"
        if not reply.failure:
            files[name] = reply.body
        replies.append(
            {
                "file": None if reply.failure else name,
                "method": reply.method,
                "url": reply.url,
                "asked": reply.asked,
                "heard_at": reply.heard_at.isoformat(),
                "status": reply.status,
                "headers": dict(reply.headers),
                "failure": reply.failure,
            }
        )
    for number, socket in enumerate(recording.sockets, 1):
        name = f"sockets/{number:02d}-{socket.source}.jsonl"
        lines = [json.dumps({"at": at.isoformat(), "text": text}) for at, text in socket.messages]
        files[name] = "".join(f"{line}\n" for line in lines).encode()
        sockets.append({"file": name, "source": socket.source, "url": socket.url, "failure": socket.failure})
    index = {
        "version": VERSION,
        "taken_at": recording.taken_at.isoformat(),
        "assets": list(recording.assets),
        "sources": list(recording.sources),
        "replies": replies,
        "sockets": sockets,
    }
    files[INDEX] = json.dumps(index, indent=1).encode()
    return files


def read_recording(files: Mapping[str, bytes]) -> Recording:
    """A recording from its files, by their paths in its folder. Raises InputError."""
    try:
        told = json.loads(files[INDEX])
        if told["version"] != VERSION:
            raise InputError(f"{INDEX}: of version {told['version']}, known is {VERSION}")
        return Recording(
            taken_at=datetime.fromisoformat(told["taken_at"]),
            assets=tuple(told["assets"]),
            sources=tuple(told["sources"]),
            replies=tuple(_reply(row, files) for row in told["replies"]),
            sockets=tuple(_messages(row, files) for row in told["sockets"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{INDEX}: cannot be read: {type(error).__name__} {error}") from error


def _reply(row: Mapping[str, object], files: Mapping[str, bytes]) -> RecordedReply:
    told = {name: value for name, value in row.items() if name not in {"file", "heard_at"}}
    body = files[str(row["file"])] if row["file"] is not None else b""
    heard_at = datetime.fromisoformat(str(row["heard_at"]))
    return RecordedReply(**told, heard_at=heard_at, body=body)  # type: ignore[arg-type]  # a wrong one is a TypeError


def _messages(row: Mapping[str, object], files: Mapping[str, bytes]) -> RecordedMessages:
    lines = [json.loads(line) for line in files[str(row["file"])].splitlines()]
    return RecordedMessages(
        source=str(row["source"]),
        url=str(row["url"]),
        failure=str(row["failure"]),
        messages=tuple((datetime.fromisoformat(line["at"]), str(line["text"])) for line in lines),
    )
