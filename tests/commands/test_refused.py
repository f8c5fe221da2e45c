"""What is typed and cannot be taken: said in the reader's own words, with what would be right, whatever the argument."""

import re
from collections.abc import Awaitable, Callable, Mapping

import pytest
from msgspec.structs import replace

from bot.commands import Request, discover, run
from bot.desk.market import Market
from bot.domain.playbook import Playbook
from bot.domain.posts import Answer, Profile
from tests.commentary.make import bank

Ask = Callable[..., Awaitable[Answer]]
GIVEN: Mapping[str, Mapping[str, str]] = {
    "watch": {"metric": "skew", "side": "above", "value": "25"},
    "compare": {"metric": "skew"},
    "history": {"metric": "skew"},
    "venues": {"metric": "skew"},
    "explain": {"term": "skew"},
    "odds": {"level": "80000"},
    "hedge": {"fall": "10"},
}
OPTIONS = [(name, option.name) for name, command in discover().items() for option in command.options]
TYPED = ("fundin", "9999 bananas", "skew_60d_pct.rank")
INTERNAL = re.compile(r"\b[a-z0-9]+_[a-z0-9_]+")


@pytest.fixture
def in_language(market: Market, playbook: Playbook) -> Ask:
    """Ask in a language, with what else the command must be given."""
    market.adopt(replace(playbook, banks={**playbook.banks, "es": bank("es")}))

    async def asked(locale: str, name: str, **options: str) -> Answer:
        request = Request(
            options={**GIVEN.get(name, {}), **options},
            profile=Profile(locale=locale),
            surface="discord",
            channel="discord:1",
            user_id="6001",
            direct="discord:dm:6001",
        )
        return await run(market, discover()[name], request)

    return asked


@pytest.mark.parametrize(
    ("name", "option", "typed", "english", "spanish"),
    [
        ("watch", "metric", "fundin", "annualised funding rate", "financiación (funding)"),
        ("watch", "metric", "asdfgh", "pick one that is offered", "elija una de las que se ofrecen"),
        ("watch", "side", "beside", "above or below", "above (encima) o below (debajo)"),
        ("watch", "value", "a lot", "a number such as", "va un número como"),
        ("watch", "value", "$20", "is in % of ATM IV", "va en % de la volatilidad ATM"),
        ("watch", "value", "5000", "60-day put-call skew: 5000 is", "skew put-call a 60 días: 5000 queda"),
        ("watch", "asset", "DOGE", "unknown asset 'DOGE'", "activo desconocido, 'DOGE'"),
        ("digest", "at", "soon", "at 'soon'", "horas 'soon'"),
        ("digest", "zone", "Nowhere", "zone 'Nowhere'", "zona 'Nowhere'"),
        ("digest", "metrics", "fundin", "annualised funding rate", "financiación (funding)"),
        ("watches", "remove", "the first", "remove 'the first'", "quitar 'the first'"),
        ("history", "window", "a while", "unknown window", "ventana desconocida"),
        ("changes", "since", "a while", "since 'a while'", "desde 'a while'"),
        ("brief", "length", "long", "unknown length", "extensión desconocida"),
        ("help", "command", "sing", "unknown command", "desconocido, 'sing'"),
    ],
)
async def test_each_kind_is_refused_in_the_readers_words(
    in_language: Ask, name: str, option: str, typed: str, english: str, spanish: str
) -> None:
    for locale, said in (("en", english), ("es", spanish)):
        answer = await in_language(locale, name, **{option: typed})
        assert answer.private
        assert said in answer.body.replace("\u00a0", " ")


@pytest.mark.parametrize(("name", "option"), OPTIONS)
async def test_no_refusal_shows_a_name_of_ours_or_another_language(
    in_language: Ask, name: str, option: str
) -> None:
    for typed in TYPED:
        english, spanish = [await in_language(locale, name, **{option: typed}) for locale in ("en", "es")]
        assert english.private == spanish.private
        if english.title == "That did not work":
            assert spanish.title == "No ha podido ser"
            assert english.body != spanish.body
            for answer in (english, spanish):
                assert not INTERNAL.search(answer.body.replace(typed, ""))


@pytest.mark.parametrize("locale", ["en", "es"])
@pytest.mark.parametrize("typed", ["fundin", "skuw", "max pian", "opn interest", "liquidationes"])
async def test_the_nearest_that_are_offered_are_taken(in_language: Ask, locale: str, typed: str) -> None:
    answer = await in_language(locale, "explain", term=typed)
    offered = answer.body.rstrip(".").partition("; ")[2].partition(": ")[2].split(" · ")
    assert offered != [""]
    for title in offered:
        assert (await in_language(locale, "explain", term=title)).title.lower() == title.lower()


@pytest.mark.parametrize(
    ("locale", "typed", "side"),
    [
        ("en", "Above", "above"),
        ("en", "under", "below"),
        ("es", "por encima de", "above"),
        ("es", " debajo ", "below"),
        ("es", "below", "below"),
    ],
)
async def test_a_side_is_taken_as_the_reader_says_it(
    in_language: Ask, archive, locale: str, typed: str, side: str
) -> None:
    await in_language(locale, "watch", side=typed)
    assert [one.side for one in archive.watches.kept] == [side]
