"""How the settings of a channel look: one embed that tells all of them, and under it what changes each.

Limits: five rows of components, 25 options in a select."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import discord
from discord import ui

from bot.commands.zones import label_zone
from bot.delivery.discord.changes import LOUD, PAUSES, SEVERITIES, lengths
from bot.delivery.discord.components import Interaction, PanelItem, add_buttons, custom_id
from bot.delivery.discord.embed import escape_mentions
from bot.delivery.discord.permissions import missing, name_permissions
from bot.delivery.discord.settings import ChannelSettings
from bot.desk.market import Market
from bot.domain.posts import Subscription
from bot.domain.rulebook import Severity
from bot.domain.story import PhraseBank

MOST_OPTIONS: Final = 25
HIDDEN: Final = "___hidden___"  # what Discord calls a channel that we may not see
FORMS: Final = ("times", "ranges", "pings")
CHOICES: Final = ("length", "language", "level", "moves", "notices")
KINDS: Final = (
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.public_thread,
    discord.ChannelType.private_thread,
    discord.ChannelType.news_thread,
)


class PanelView:
    """Draws the panel in the words of a language."""

    def __init__(self, market: Market) -> None:
        self._market = market

    async def render(
        self, interaction: Interaction, settings: ChannelSettings, bank: PhraseBank, note: str
    ) -> discord.Embed:
        """All settings of the channel, under a note."""
        words = bank.words
        lines = [f"**{escape_mentions(note)}**", ""] if note else []
        lines.append(f"<#{settings.number}>: {self._status(interaction, settings, words)}")
        lines += await self.describe(interaction, settings, bank)
        return discord.Embed(title=words["panel.title"], description="\n".join(lines))

    def _status(self, interaction: Interaction, settings: ChannelSettings, words: Mapping[str, str]) -> str:
        kept = settings.kept
        if not settings.wishes:
            return words["panel.nothing"]
        if settings.is_paused and kept.paused_until is not None:
            return words["panel.paused_until"].format(when=_moment(kept.paused_until))
        if settings.is_paused and kept.paused_by is not None:
            return words["panel.paused_by"].format(who=f"<@{kept.paused_by}>")
        if lacking := self.lacking(interaction, settings):
            return words["panel.lacking"].format(what=name_permissions(lacking, words))
        return words["panel.refused"] if settings.is_paused else words["panel.served"]

    def lacking(self, interaction: Interaction, settings: ChannelSettings) -> Sequence[str]:
        """What we lack in the channel, as far as Discord tells us of it."""
        found = interaction.client.get_channel(settings.number)
        return missing(found) if isinstance(found, discord.abc.GuildChannel | discord.Thread) else ()

    async def describe(
        self, interaction: Interaction, settings: ChannelSettings, bank: PhraseBank
    ) -> list[str]:
        """All settings of a channel that it can have, a line each."""
        words, wish, now = bank.words, settings.first, self._market.now()
        if wish is None:
            return []
        style, on = settings.kept.style, {True: words["discord.on"], False: words["discord.off"]}
        coming = await self._market.upcoming(settings.channel, now) if wish.post_at else None
        values = {
            "assets": ", ".join(one.asset for one in settings.wishes),
            "posts": _times(wish, words, now) + (f", {_relative(coming)}" if coming is not None else ""),
            "length": words[f"panel.length.{wish.profile.length}"],
            "language": words.get(f"panel.language.{wish.profile.locale}", wish.profile.locale),
            "alerts": words["panel.alerts_from"].format(level=words[f"panel.level.{wish.severity}"])
            if wish.alerts
            else on[False],
            "moves": self._moves(wish, words),
            "quiet": f"{wish.quiet[0]:02}:00–{wish.quiet[1]:02}:00" if wish.quiet else words["discord.never"],
            "weekly": on[wish.weekly],
            "ranges": _ranges(wish, words["short.range"]) or words["panel.usual"],
            "pings": _pings(style.pings, words) or words["panel.none"],
            **{name: on[state] for name, state in _extras(interaction, settings).items()},
            "notices": f"<#{style.notices.removeprefix('discord:')}>"
            if style.notices
            else f"<@{settings.kept.set_up_by}>"
            if settings.kept.set_up_by
            else words["panel.owner"],
        }
        lines = [f"**{words[f'panel.{name}']}** {value}" for name, value in values.items()]
        if wish.snoozed_until is not None and wish.snoozed_until > now:
            lines.append(words["panel.muted"].format(when=_moment(wish.snoozed_until)))
        own = (
            one
            for one in settings.wishes[1:]
            if (one.post_at, one.zone, one.profile) != (wish.post_at, wish.zone, wish.profile)
        )
        return [*lines, *(f"-# {one.asset}: {summarize([one], words, now)}" for one in own)]

    def _moves(self, wish: Subscription, words: Mapping[str, str]) -> str:
        known = self._market.playbook.moves
        muted = [words.get(f"rule.{name}", name) for name in known if name in wish.muted_moves]
        told = [words.get(f"rule.{name}", name) for name in known if name not in wish.muted_moves]
        if not wish.alerts or not told:
            return words["panel.none"]
        if not muted:
            return words["panel.all"]
        if len(told) < len(muted):
            return words["panel.only"].format(what="; ".join(told))
        return words["panel.all_but"].format(what="; ".join(muted))

    def controls(self, interaction: Interaction, settings: ChannelSettings, bank: PhraseBank) -> ui.View:
        """What changes each of them."""
        words, number = bank.words, settings.number
        view = ui.View(timeout=None)
        view.add_item(
            PanelItem(
                ui.ChannelSelect(
                    custom_id=custom_id("channel", number),
                    channel_types=list(KINDS),
                    placeholder=words["panel.other_channel"],
                    row=0,
                )
            )
        )
        if not settings.wishes:
            begin = [("start", "panel.start", discord.ButtonStyle.primary)]
            undo = [("undo", "panel.undo", discord.ButtonStyle.secondary)] if settings.kept.before else []
            add_buttons(view, number, words, [*begin, *undo], row=1)
            return view
        followed = {wish.asset for wish in settings.wishes}
        options = [
            discord.SelectOption(label=asset, value=asset, default=asset in followed)
            for asset in self._market.assets[:MOST_OPTIONS]
        ]
        view.add_item(
            PanelItem(
                ui.Select(
                    custom_id=custom_id("assets", number),
                    options=options,
                    min_values=1,
                    max_values=len(options),
                    placeholder=words["panel.assets"],
                    row=1,
                )
            )
        )
        changes = [
            discord.SelectOption(
                label=words[f"panel.{name}"][:100], value=name, description=words[f"panel.about.{name}"][:100]
            )
            for name in (FORMS[0], *CHOICES[:4], *FORMS[1:], *CHOICES[4:])
        ]
        view.add_item(
            PanelItem(
                ui.Select(
                    custom_id=custom_id("change", number),
                    options=changes,
                    placeholder=words["panel.change"],
                    row=2,
                )
            )
        )
        add_buttons(view, number, words, self._toggles(interaction, settings, words), row=3)
        paused = ("resume", "panel.resume") if settings.is_paused else ("pause", "panel.pause")
        last = [
            ("test", "panel.test", discord.ButtonStyle.primary),
            (*paused, discord.ButtonStyle.secondary),
            *([("undo", "panel.undo", discord.ButtonStyle.secondary)] if settings.kept.before else []),
            ("remove", "panel.remove", discord.ButtonStyle.danger),
        ]
        add_buttons(view, number, words, last, row=4)
        return view

    def _toggles(
        self, interaction: Interaction, settings: ChannelSettings, words: Mapping[str, str]
    ) -> Iterable[tuple[str, str, discord.ButtonStyle]]:
        wish = settings.first
        states = {
            "alerts": wish is not None and wish.alerts,
            "weekly": wish is not None and wish.weekly,
            **_extras(interaction, settings),
        }
        for name, on in states.items():
            label = f"{words[f'panel.{name}']}: {words['discord.on' if on else 'discord.off']}"
            yield name, label, discord.ButtonStyle.success if on else discord.ButtonStyle.secondary

    def choice(self, what: str, settings: ChannelSettings, bank: PhraseBank) -> tuple[discord.Embed, ui.View]:
        """A list of what one setting may be."""
        words, number = bank.words, settings.number
        view = ui.View(timeout=None)
        if what == "notices":
            item: Any = ui.ChannelSelect(
                custom_id=custom_id("notices", number),
                channel_types=list(KINDS[:2]),
                min_values=0,
                placeholder=words["panel.about.notices"][:150],
            )
        else:
            options = self._options(what, settings, words)
            least, most = (0, len(options)) if what == "moves" else (1, 1)
            item = ui.Select(
                custom_id=custom_id(what, number), options=options, min_values=least, max_values=most
            )
        view.add_item(PanelItem(item))
        add_buttons(view, number, words, [("back", "panel.back", discord.ButtonStyle.secondary)], row=1)
        embed = discord.Embed(
            title=words.get(f"panel.{what}", what), description=words.get(f"panel.about.{what}", "")
        )
        return embed, view

    def _options(
        self, what: str, settings: ChannelSettings, words: Mapping[str, str]
    ) -> list[discord.SelectOption]:
        wish = settings.first
        if wish is None:
            return []
        moves = self._market.playbook.moves
        names: Mapping[str, tuple[Sequence[str], Collection[str], str]] = {
            "moves": (moves, [name for name in moves if name not in wish.muted_moves], "rule."),
            "length": (lengths(self._market, wish.profile.locale), [wish.profile.length], "panel.length."),
            "language": (tuple(self._market.playbook.banks), [wish.profile.locale], "panel.language."),
            "level": (SEVERITIES, [wish.severity], "panel.level."),
            "pause": (tuple(PAUSES), [], "panel.pause."),
        }
        offered, now, key = names[what]
        return [
            discord.SelectOption(
                label=words.get(f"{key}{name}", name)[:100],
                value=name,
                default=name in now,
                description=words.get(f"{key}{name}.about", "")[:100] or None,
            )
            for name in offered[:MOST_OPTIONS]
        ]

    def labels(self, form: str, settings: ChannelSettings, bank: PhraseBank) -> list[ui.Label[Any]]:
        """The fields of a form, filled with what holds now."""
        words, wish, now = bank.words, settings.first, self._market.now()
        if form == "pings" or wish is None:
            return [_role_label(severity, settings.kept.style.pings, words) for severity in LOUD]
        if form == "ranges":
            return [_text_label("ranges", _ranges(wish, words["short.range"]), words, long=True)]
        quiet = f"{wish.quiet[0]}-{wish.quiet[1]}" if wish.quiet else ""
        zone = label_zone(wish.zone, now) if wish.zone.startswith("Etc/") else wish.zone
        values = {"at": ", ".join(wish.post_at), "zone": zone, "quiet": quiet}
        return [_text_label(name, value, words) for name, value in values.items()]


def _extras(interaction: Interaction, settings: ChannelSettings) -> Mapping[str, bool]:
    """What goes with posts where the channel is of a kind that has it, and whether it does: a thread has no threads, and
    only an announcement channel passes on."""
    style, states = settings.kept.style, dict[str, bool]()
    found = interaction.client.get_channel(settings.number)
    if not isinstance(found, discord.Thread):
        states["threads"] = style.threads
    if isinstance(found, discord.TextChannel) and found.is_news():
        states["publishes"] = style.publishes
    return states


def channel_name(interaction: Interaction, channel: str, words: Mapping[str, str]) -> str:
    """A channel's name where nothing else can be shown, as in a list; a hidden one by its number."""
    number = int(channel.removeprefix("discord:"))
    found = interaction.client.get_channel(number)
    name = getattr(found, "name", None)
    if not name or name == HIDDEN:
        return words["panel.hidden"].format(number=number)
    return f"#{name}"


def summarize(wishes: Sequence[Subscription], words: Mapping[str, str], now: datetime) -> str:
    """What a channel follows and when, in one line."""
    wish = wishes[0]
    assets = ", ".join(one.asset for one in wishes)
    state = f" · {words['panel.is_paused']}" if all(one.paused_at is not None for one in wishes) else ""
    alerts = words["discord.on" if wish.alerts else "discord.off"]
    length = words[f"panel.length.{wish.profile.length}"]
    said = words["panel.summary"].format(
        assets=assets, times=_times(wish, words, now), length=length, alerts=alerts
    )
    return f"{said}{state}"


def _text_label(name: str, value: str, words: Mapping[str, str], *, long: bool = False) -> ui.Label[Any]:
    style = discord.TextStyle.paragraph if long else discord.TextStyle.short
    field: ui.TextInput[Any] = ui.TextInput(
        custom_id=name, default=value, required=False, max_length=300, style=style
    )
    return ui.Label(
        text=words[f"panel.{name}"][:45], description=words[f"panel.about.{name}"][:100], component=field
    )


def _role_label(severity: Severity, pings: Mapping[Severity, str], words: Mapping[str, str]) -> ui.Label[Any]:
    known = pings.get(severity)
    select: ui.RoleSelect[Any] = ui.RoleSelect(
        custom_id=severity,
        min_values=0,
        max_values=1,
        required=False,
        default_values=[discord.Object(int(known), type=discord.Role)] if known else [],
    )
    return ui.Label(text=words[f"panel.level.{severity}"][:45], component=select)


def _times(wish: Subscription, words: Mapping[str, str], now: datetime) -> str:
    return f"{', '.join(wish.post_at) or words['discord.never']}, {label_zone(wish.zone, now)}"


def _ranges(wish: Subscription, form: str) -> str:
    """A server's own ranges, in a language's form for them, as they may be typed too."""
    own = sorted(wish.profile.ranges.items())
    return ", ".join(
        f"{name} {form.format(low=f'{usual.low:g}', high=f'{usual.high:g}')}" for name, usual in own
    )


def _pings(pings: Mapping[Severity, str], words: Mapping[str, str]) -> str:
    return ", ".join(f"{words[f'panel.level.{severity}']} <@&{role}>" for severity, role in pings.items())


def _moment(at: datetime) -> str:
    return f"<t:{int(at.timestamp())}:f>"


def _relative(at: datetime) -> str:
    return f"<t:{int(at.timestamp())}:R>"
