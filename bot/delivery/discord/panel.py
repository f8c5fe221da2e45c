"""The setup panel: one message that shows all settings of a channel and changes each. Only who was let in by the
server's own command permissions sees it."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import discord
import structlog
from discord import ui

from bot.commands.zones import Zones
from bot.delivery.discord.asking import translate_errors
from bot.delivery.discord.changes import CHANGES, PAUSES, change_by_form
from bot.delivery.discord.components import Interaction, Press, SettingsModal, add_buttons, custom_id
from bot.delivery.discord.embed import pages, picture
from bot.delivery.discord.panelview import FORMS, PanelView
from bot.delivery.discord.permissions import name_permissions
from bot.delivery.discord.settings import ChannelSettings, SettingsStore
from bot.desk.cards import Cards
from bot.desk.market import Market
from bot.domain.posts import Card, Profile, Subscription
from bot.domain.story import PhraseBank
from bot.errors import ChannelGone, ChannelRefused, DeliveryError, InputError, PostRejected

log = structlog.get_logger()

Preview = Callable[[Subscription], Coroutine[Any, Any, Card]]
Apology = Callable[[Interaction, BaseException], Coroutine[Any, Any, None]]


class Panel:
    """Shows the settings of channels and changes them. `preview` gives what a post would say now, `bank` the words of
    who asks, `apologize` tells them of what went wrong."""

    def __init__(
        self,
        *,
        market: Market,
        cards: Cards,
        settings: SettingsStore,
        zones: Zones,
        preview: Preview,
        bank: Callable[[Interaction], PhraseBank],
        apologize: Apology,
    ) -> None:
        self.settings = settings
        self.zones = zones
        self.view = PanelView(market)
        self._market = market
        self._cards = cards
        self._preview = preview
        self._bank = bank
        self._apologize = apologize
        self._special: Mapping[
            str, Callable[[Interaction, ChannelSettings, Press], Coroutine[Any, Any, None]]
        ] = {
            "start": self._start,
            "resume": self._start,
            "pause": self._pause,
            "undo": self._undo,
            "remove": self._ask_to_remove,
            "remove-sure": self._remove,
            "test": self._test,
            "change": self._open,
        }

    async def show(self, interaction: Interaction, settings: ChannelSettings, *, note: str = "") -> None:
        """The panel as the answer, or in place of what was there. Raises ArchiveError."""
        bank = self._bank(interaction)
        embed = await self.view.render(interaction, settings, bank, note)
        await put(interaction, embed, self.view.controls(interaction, settings, bank))

    async def preview(self, interaction: Interaction, settings: ChannelSettings) -> None:
        """What a post would say now, with its picture, to who asked alone."""
        if settings.first is None:
            return
        card = await self._preview(settings.first)
        for page in pages(card):
            files = picture(card) if page.pictured else []
            await interaction.followup.send(embeds=page.embeds, files=files, ephemeral=True)

    async def use(self, interaction: Interaction, press: Press) -> None:
        """Do what a component says. Raises nothing: who pressed it hears of what went wrong."""
        number = int(press.values[0]) if press.action == "channel" and press.values else press.channel
        await self.guard(interaction, number, lambda settings: self._use(interaction, settings, press))

    async def guard(
        self,
        interaction: Interaction,
        number: int,
        act: Callable[[ChannelSettings], Coroutine[Any, Any, None]],
    ) -> None:
        """Do something with a channel's settings. Raises nothing: who asked hears of what went wrong."""
        try:
            if interaction.guild_id is not None:
                await act(await self.settings.load(number, interaction.guild_id))
        except InputError as error:
            await self._refuse(interaction, error)
        except Exception as error:  # noqa: BLE001  discord.py would log it and leave the admin without an answer
            await self._apologize(interaction, error)

    async def save(self, interaction: Interaction, before: ChannelSettings, after: ChannelSettings) -> None:
        """Keep a change and show what holds now. Raises InputError, ArchiveError."""
        kept = await self.settings.save(before, after)
        await self.show(interaction, kept, note=self._bank(interaction).words["discord.setup_done"])

    async def _use(self, interaction: Interaction, settings: ChannelSettings, press: Press) -> None:
        if press.action in CHANGES:
            after = CHANGES[press.action](settings, press.values, self._market)
            await self.save(interaction, settings, after)
        elif press.action in self._special:
            await self._special[press.action](interaction, settings, press)
        else:
            await self.show(interaction, settings)

    async def _refuse(self, interaction: Interaction, error: InputError) -> None:
        refused = self._market.refuse(error, Profile(locale=self._bank(interaction).locale))
        embeds = [embed for page in pages(await self._cards.of_answer(refused)) for embed in page.embeds]
        if interaction.response.is_done():
            await interaction.followup.send(embeds=embeds, ephemeral=True)
        else:
            await interaction.response.send_message(embeds=embeds, ephemeral=True)

    async def _start(self, interaction: Interaction, settings: ChannelSettings, press: Press) -> None:
        after = self.settings.begin(settings, self._market.assets[0], interaction.user.id)
        await self.save(interaction, settings, after)

    async def _pause(self, interaction: Interaction, settings: ChannelSettings, press: Press) -> None:
        """For how long is asked first."""
        lasts = next((name for name in PAUSES if name in press.values), None)
        if lasts is None:
            await put(interaction, *self.view.choice("pause", settings, self._bank(interaction)))
            return
        after = self.settings.pause(settings, PAUSES[lasts], interaction.user.id)
        await self.save(interaction, settings, after)

    async def _undo(self, interaction: Interaction, settings: ChannelSettings, press: Press) -> None:
        after = await self.settings.undo(settings)
        await self.show(interaction, after, note=self._bank(interaction).words["panel.undone"])

    async def _ask_to_remove(self, interaction: Interaction, settings: ChannelSettings, press: Press) -> None:
        words, view = self._bank(interaction).words, ui.View(timeout=None)
        answers = [
            ("remove-sure", "panel.remove_sure", discord.ButtonStyle.danger),
            ("back", "panel.back", discord.ButtonStyle.secondary),
        ]
        add_buttons(view, settings.number, words, answers, row=0)
        asks = words["panel.remove_asks"].format(channel=f"<#{settings.number}>")
        await put(interaction, discord.Embed(title=words["panel.remove"], description=asks), view)

    async def _remove(self, interaction: Interaction, settings: ChannelSettings, press: Press) -> None:
        after = await self.settings.remove(settings)
        await self.show(interaction, after, note=self._bank(interaction).words["panel.removed"])

    async def _test(self, interaction: Interaction, settings: ChannelSettings, press: Press) -> None:
        """A post as it would be now, into the channel itself: whether Discord takes it is the test."""
        if settings.first is None:
            await self.show(interaction, settings)
            return
        await interaction.response.defer()
        words = self._bank(interaction).words
        place = interaction.client.get_partial_messageable(settings.number)
        card = await self._preview(settings.first)
        try:
            with translate_errors(settings.channel):
                for page in pages(card):
                    files = picture(card) if page.pictured else []
                    await place.send(
                        content=f"-# {words['panel.test_mark']}", embeds=page.embeds, files=files
                    )
        except DeliveryError as error:
            log.info("test.refused", channel=settings.channel, reason=str(error))
            lacking = self.view.lacking(interaction, settings)
            why = name_permissions(lacking, words) if lacking else words[f"panel.why.{_why(error)}"]
            await self.show(interaction, settings, note=words["panel.test_failed"].format(why=why))
        else:
            await self.show(interaction, settings, note=words["panel.tested"])

    async def _open(self, interaction: Interaction, settings: ChannelSettings, press: Press) -> None:
        """What changes one setting: a form for what is typed, a list for what is chosen."""
        what, bank = (press.values or ("",))[0], self._bank(interaction)
        if what not in FORMS:
            await put(interaction, *self.view.choice(what, settings, bank))
            return

        async def take(interaction: Interaction, given: Mapping[str, tuple[str, ...]]) -> None:
            async def change(before: ChannelSettings) -> None:
                after = change_by_form(what, before, given, self._market, self.zones)
                await self.save(interaction, before, after)

            await self.guard(interaction, settings.number, change)

        form = SettingsModal(
            title=bank.words[f"panel.{what}"],
            name=custom_id(what, settings.number),
            labels=self.view.labels(what, settings, bank),
            done=take,
        )
        await interaction.response.send_modal(form)


def _why(error: DeliveryError) -> str:
    """The word for why Discord did not take a test; its own words are in the log."""
    if isinstance(error, PostRejected):
        return "stopped" if error.by_server else "ours"
    return {ChannelGone: "gone", ChannelRefused: "refused"}.get(type(error), "busy")


async def put(interaction: Interaction, embed: discord.Embed, view: ui.View) -> None:
    """An embed and its controls as the answer to a command, or in place of the message whose control was used."""
    if interaction.response.is_done():
        await interaction.edit_original_response(embed=embed, view=view)
    elif interaction.type is discord.InteractionType.application_command:
        await interaction.response.send_message(embed=embed, view=view, ephemeral=True)
    else:
        await interaction.response.edit_message(embed=embed, view=view)
