"""One profile's words for what one evaluation came to."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from bot.commentary import SpokenMarket, speak
from bot.domain.facts import Facts
from bot.domain.playbook import Playbook
from bot.domain.posts import Decision, Profile
from bot.domain.story import Origin, PhraseBank, Slot, Text


class Speaker(Struct, frozen=True, kw_only=True):
    """Says things one by one, in a profile's language, on the facts of a decision."""

    decision: Decision
    profile: Profile
    playbook: Playbook

    @property
    def facts(self) -> Facts:
        """What the decision was made on."""
        return self.decision.facts

    @property
    def bank(self) -> PhraseBank:
        """The profile's words."""
        return self.playbook.banks[self.profile.locale]

    @property
    def spoken(self) -> SpokenMarket:
        """What is said from, as the commentary takes it."""
        return SpokenMarket(
            facts=self.facts,
            book=self.playbook.rules,
            bank=self.bank,
            at=self.facts.at,
            ranges=self.profile.ranges,
        )

    def say(self, slot: Slot, about: str, names: Mapping[str, Origin]) -> Text:
        """One gated text, which remembers the names that it was given."""
        said = speak(
            slot=slot,
            about=about,
            facts=self.facts,
            catalog=self.playbook.catalog,
            book=self.playbook.rules,
            bank=self.bank,
            names=names,
            ranges=self.profile.ranges,
            at=self.facts.at,
        )
        return replace(said, given=tuple(names.items()))
