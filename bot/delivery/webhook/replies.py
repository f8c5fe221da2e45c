"""What an answer to a webhook means. Discord's is read by the bot's own table, and by what only webhooks are told; Slack's
by its status. A page where a word was expected comes from what stands between, and says nothing of the webhook.

Docs: https://docs.discord.com/developers/resources/webhook, https://api.slack.com/messaging/webhooks"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from msgspec import Struct

from bot.delivery.webhook.hooks import Hook
from bot.errors import (
    ChannelGone,
    ChannelRefused,
    DeliveryError,
    DeliveryUnavailable,
    DeliveryUncertain,
    PostRejected,
)

log = structlog.get_logger()

GONE_CODES: Final = frozenset({10015, 50027})
"""There is no such webhook, or its address has another secret by now."""

NO_PLACE_CODES: Final = frozenset({220001, 220002, 220003, 220004})
"""It belongs to a forum, where a message needs a thread."""

NEVER_ARRIVED: Final = frozenset({503, 521, 523})
"""What stands before the service could not reach it."""

LONGEST_WORDS: Final = 200


class HookReply(Struct, frozen=True, kw_only=True):
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def told(self) -> Mapping[str, Any]:
        """The JSON object that it is; an empty one for anything else."""
        try:
            found = json.loads(self.text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def code(self) -> int:
        """Discord's own code; 0 where it has none."""
        code = self.told.get("code")
        return code if isinstance(code, int) else 0

    @property
    def is_page(self) -> bool:
        """Whether it is a page of HTML."""
        return self.text.lstrip().startswith("<")


def is_taken(hook: Hook, reply: HookReply) -> bool:
    """Whether the message is there. Raises DeliveryUncertain where it says so in no way that the service has."""
    if not 200 <= reply.status < 300:
        return False
    if reply.is_page or (hook.kind == "discord" and not reply.told.get("id")):
        raise DeliveryUncertain(f"{hook.channel}: HTTP {reply.status}, and no answer of its own")
    return True


def meaning_of(hook: Hook, reply: HookReply) -> DeliveryError:
    """The answer as an error of ours; no address is in it."""
    says = f"{hook.channel}: HTTP {reply.status}"
    if reply.status >= 500 and reply.status not in NEVER_ARRIVED:
        return DeliveryUncertain(says)
    return _of_discord(says, reply) if hook.kind == "discord" else _of_slack(says, reply)


def _of_discord(says: str, reply: HookReply) -> DeliveryError:
    from bot.delivery.discord.meanings import (  # discord.py takes 0.4 s to import
        Meaning,
        read_retry_after,
        row_of,
    )

    says = f"{says} {reply.code}: {str(reply.told.get('message', ''))[:LONGEST_WORDS]}"
    if reply.code in GONE_CODES:
        return ChannelGone(says)
    if reply.code in NO_PLACE_CODES:
        return ChannelRefused(f"{says}: choose a channel that is no forum")
    row = row_of(reply.status, reply.code, is_html=not reply.told, is_apis=bool(reply.headers.get("Via")))
    match row.meaning:
        case Meaning.GONE:
            return ChannelGone(says)
        case Meaning.FORBIDDEN | Meaning.CLOSED | Meaning.DONE:
            return ChannelRefused(says)
        case Meaning.BLOCKED:
            return PostRejected(says, by_server=True)
        case Meaning.OURS:
            log.error("webhook.ours", reason=says)
            return PostRejected(says)
        case Meaning.WAIT:
            asked_s = read_retry_after(reply.headers, datetime.now(UTC))
            return DeliveryUnavailable(
                says,
                retry_after_s=row.rest_s if asked_s is None else asked_s,
                everywhere=row.everywhere,
                unsent=True,
            )


def _of_slack(says: str, reply: HookReply) -> DeliveryError:
    waits = reply.is_page or reply.status in (408, 409, 429) or reply.status >= 500 or reply.status < 400
    if waits:
        return DeliveryUnavailable(
            says, retry_after_s=_seconds(reply.headers.get("Retry-After", "")), unsent=True
        )
    if reply.status in (404, 410):
        return ChannelGone(says)
    if reply.status in (401, 403):
        return ChannelRefused(says)
    return PostRejected(says)


def _seconds(told: str) -> float | None:
    try:
        seconds = float(told)
    except ValueError:
        return None
    return seconds if seconds >= 0.0 else None  # "nan" is none
