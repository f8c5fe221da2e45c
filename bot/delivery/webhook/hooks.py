"""Incoming webhooks by their addresses, which are secrets: who has one may write to its channel."""

import hashlib
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit

Kind = Literal["discord", "slack"]

SURFACE: Final = "webhook"
HOSTS: Final[dict[str, Kind]] = {
    "discord.com": "discord",
    "discordapp.com": "discord",
    "ptb.discord.com": "discord",
    "canary.discord.com": "discord",
    "hooks.slack.com": "slack",
    "hooks.slack-gov.com": "slack",
}
PATHS: Final[dict[Kind, str]] = {"discord": "/api/", "slack": "/services/"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """One address: whose it is, and the channel's name, from which the address cannot be told."""

    kind: Kind
    channel: str
    url: str = field(repr=False)


def read_hook(url: str) -> Hook | None:
    """The webhook of an address; None where it is none of Discord's or Slack's over HTTPS."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    kind = HOSTS.get(host)
    plain = parts.scheme == "https" and port is None and "@" not in parts.netloc and not parts.query
    if kind is None or not plain or not parts.path.startswith(PATHS[kind]):
        return None
    if kind == "discord" and "/webhooks/" not in parts.path:
        return None
    return Hook(kind=kind, channel=name_of(kind, url), url=url)


def name_of(kind: Kind, url: str) -> str:
    """The channel's name: the same for the same address, at every start."""
    return f"{SURFACE}:{kind}-{hashlib.sha256(url.encode()).hexdigest()[:8]}"
