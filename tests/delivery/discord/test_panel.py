"""The setup panel walked as an admin would, on the fake: in every state of a channel, in every language, each button is
pressed and each list opened; what comes is a panel or a form, in the words of who asked, within a telephone's width."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.delivery.discord.answering import Cooldown
from bot.delivery.discord.client import TightropeClient
from bot.domain.channels import KeptChannel
from bot.domain.posts import Profile, Subscription
from tests.delivery.discord.fake import CHANNEL, GUILD, READER, FakeDiscord, Pressed
from tests.delivery.discord.stand import AT, Memory, wish

THREAD = 7500
MANAGES = str(1 << 5)
HIDES = {"id": str(GUILD), "type": 0, "allow": "0", "deny": str(1 << 10)}
SENDS_ONLY = str(1 << 11)
ENGLISH = frozenset(
    {"the", "of", "and", "is", "not", "until", "posts", "alerts", "saved", "undone", "channel"}
)
ACROSS = {"back", "channel", "change", "remove-sure"}
"""Controls that lead elsewhere; each is used where it stands."""


def told_of(payload: Mapping[str, Any]) -> str:
    """All words of a message or a form."""
    words = [str(payload.get("title") or "")]
    for embed in payload.get("embeds") or ():
        words += [embed.get("title") or "", embed.get("description") or ""]
    for row in payload.get("components") or ():
        words += [str(row.get("label") or ""), str(row.get("description") or "")]
        for item in row.get("components") or ():
            words += [str(item.get(part) or "") for part in ("label", "placeholder")]
            for option in item.get("options") or ():
                words += [str(option.get(part) or "") for part in ("label", "description")]
    return "\n".join(words)


class Admin:
    """One who manages the server and uses the panel of a channel; `shown` is what they see."""

    def __init__(self, fake: FakeDiscord, locale: str, channel: int) -> None:
        self.fake, self.locale, self.channel = fake, locale, channel
        self.shown: dict[str, Any] = {}

    async def open(self) -> None:
        asked = await self._press(2, self._command("settings"))
        self.shown = dict(asked.shown)
        await self.use("channel", str(self.channel))

    async def use(self, action: str, *values: str) -> Mapping[str, Any]:
        """Press a button, or choose in a list; gives what came of it."""
        item = next(one for one in self.controls if one["custom_id"].split(":")[1] == action)
        data: dict[str, Any] = {"component_type": item["type"], "custom_id": item["custom_id"]}
        if item["type"] != 2:
            data["values"] = list(values)
        if item["type"] == 8:
            known = {value: {"id": value, "type": 0, "name": "there", "permissions": "0"} for value in values}
            data["resolved"] = {"channels": known}
        asked = await self._press(3, data, message=self.shown)
        (answer, *_) = asked.callbacks
        if answer["type"] == 6:
            self.shown = dict(asked.shown)
        elif answer["type"] == 7:
            self.shown = {**self.shown, **answer["data"]}
        assert answer["type"] in (6, 7, 9), action  # put off, shown in place, a form
        return dict(answer["data"]) if answer["type"] == 9 else self.shown

    @property
    def controls(self) -> list[dict[str, Any]]:
        return [item for row in self.shown["components"] for item in row["components"]]

    @property
    def actions(self) -> list[str]:
        return [item["custom_id"].split(":")[1] for item in self.controls]

    def _command(self, name: str) -> dict[str, Any]:
        found = next(one for one in self.fake.commands if one["name"] == name)
        return {"id": found["id"], "name": name, "type": 1, "options": []}

    async def _press(self, kind: int, data: Mapping[str, Any], **given: Any) -> Pressed:
        return await self.fake.press(
            kind, data, channel=self.channel, permissions=MANAGES, locale=self.locale, **given
        )


async def stand(fake: FakeDiscord, memory: Memory, state: str, locale: str) -> int:
    """A channel in a state, and its number."""
    channel = THREAD if state == "thread" else CHANNEL
    first = replace(wish(channel, GUILD), profile=Profile(locale=locale))
    wishes: list[Subscription] = [first]
    kept = KeptChannel(channel=first.channel)
    changed = {**fake.channel(CHANNEL), "guild_id": str(GUILD)}
    match state:
        case "begins":
            wishes = []
        case "two assets":
            wishes.append(replace(first, asset="ETH"))
        case "paused":
            wishes = [replace(first, paused_at=AT)]
            kept = replace(kept, paused_by=str(READER), paused_until=AT + timedelta(days=1))
        case "refused":
            wishes = [replace(first, paused_at=AT)]
            kept = replace(kept, refused_at=(AT,), told_at=AT)
        case "hidden":
            await fake.dispatch("GUILD_ROLE_UPDATE", {"guild_id": str(GUILD), "role": everyone(SENDS_ONLY)})
            hidden = {"name": "___hidden___", "topic": None, "permission_overwrites": [HIDES]}
            await fake.dispatch("CHANNEL_UPDATE", changed | hidden)
        case "announcements":
            await fake.dispatch("CHANNEL_UPDATE", changed | {"type": 5})
        case "thread":
            await fake.dispatch("THREAD_CREATE", thread())
    memory.subscriptions.wishes = wishes
    memory.channels.kept = {first.channel: kept}
    return channel


def everyone(permissions: str) -> dict[str, Any]:
    look = {"color": 0, "hoist": False, "position": 0, "managed": False, "mentionable": False, "flags": 0}
    return {"id": str(GUILD), "name": "@everyone", "permissions": permissions, **look}


def thread() -> dict[str, Any]:
    times = {
        "archived": False,
        "auto_archive_duration": 60,
        "locked": False,
        "archive_timestamp": AT.isoformat(),
    }
    counts = {"message_count": 0, "member_count": 1, "total_message_sent": 0, "rate_limit_per_user": 0}
    whose = {"guild_id": str(GUILD), "parent_id": str(CHANNEL), "owner_id": str(READER)}
    named = {"id": str(THREAD), "name": "talk", "type": 11, "last_message_id": None, "flags": 0}
    return {**named, **whose, **counts, "thread_metadata": times}


STATES = ("begins", "one asset", "two assets", "paused", "refused", "hidden", "announcements", "thread")


@pytest.mark.parametrize("locale", ["en", "es"])
@pytest.mark.parametrize("state", STATES)
async def test_every_control_of_the_panel_leads_on_in_the_words_of_who_asked(
    client: TightropeClient, fake: FakeDiscord, memory: Memory, state: str, locale: str
) -> None:
    fake.checked = False  # whole channels and roles are not what the document's events hold
    client.cooldown = client.reception.cooldown = Cooldown(count=1000)
    admin = Admin(fake, {"en": "en-US", "es": "es-ES"}[locale], await stand(fake, memory, state, locale))
    seen: list[str] = []

    async def walk(action: str, *values: str) -> None:
        seen.append(told_of(await admin.use(action, *values)))

    if state == "begins":
        memory.subscriptions.wishes = [replace(wish(7009, GUILD), profile=Profile(locale=locale))]
    await admin.open()
    seen.append(told_of(admin.shown))
    if state == "begins":
        await walk("start")
    offered = next(one for one in admin.controls if one["custom_id"].split(":")[1] == "change")["options"]
    for option in offered:
        await walk("change", option["value"])
        if "back" in admin.actions:
            await walk("back")
    for action in [name for name in admin.actions if name not in ACROSS]:
        values = ("BTC",) if action == "assets" else ()
        await walk(action, *values)
        if "back" in admin.actions:
            await walk("back")
    if "resume" in admin.actions:
        await walk("resume")
    await walk("pause")
    await walk("pause", "day")
    await walk("remove")
    await walk("remove-sure")
    await walk("undo")
    assert len(seen) > 25
    for told in seen:
        assert told.strip()
        if locale == "es":
            assert not ENGLISH & set(re.findall(r"[a-z]+", told.lower())), told
    lacks = {"en": "grant View Channel", "es": "conceda Ver canal"}[locale]
    assert (lacks in seen[0]) is (state == "hidden")
