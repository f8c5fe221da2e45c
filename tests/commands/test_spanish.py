"""Every command as a reader of Spanish gets it."""

from datetime import UTC, datetime
from itertools import combinations
from typing import get_args

import pytest
from msgspec.structs import replace

from bot.charts.draw import lay_out
from bot.charts.sheet import Sheet
from bot.commands import Request, discover, run
from bot.commands import _charts as charts
from bot.commands._charts import caption
from bot.commands._telling import title
from bot.commands.summary import OPEN
from bot.desk.market import Market
from bot.domain.playbook import Playbook
from bot.domain.posts import Answer, Mark, Profile
from bot.domain.rulebook import Stance
from tests.charts.samples import summary
from tests.commentary.make import bank

SPANISH = Profile(locale="es")


@pytest.fixture
def market(market: Market, playbook: Playbook) -> Market:
    """The market, which knows Spanish as well."""
    market.adopt(replace(playbook, banks={**playbook.banks, "es": bank("es")}))
    return market


@pytest.fixture
def pregunta(market: Market):
    """Run a command by name, asked in Spanish."""

    async def asked(name: str, **options: str) -> Answer:
        return await run(
            market, discover()[name], Request(options=options, channel="preview:", profile=SPANISH)
        )

    return asked


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        (
            "skew",
            {},
            "las puts superan en volatilidad implícita a las calls equivalentes por un 20 % de la ATM",
        ),
        ("basis", {}, "Los futuros a 60 días pagan 2 % al año sobre el contado"),
        ("basis", {"tenor": "90"}, "Es demasiado antigua para juzgar con ella."),
        ("oi", {}, "35 800 millones de dólares, unas 527 850 monedas"),
        ("funding", {}, "los largos pagan a los cortos 1,5 % al año"),
        ("liquidations", {}, "todavía no se ha oído nada de ello"),
        ("price", {}, "Bitcoin cotiza a 67 800 dólares"),
        ("history", {"metric": "skew"}, "lo habitual es ±6 %"),
        ("explain", {"term": "base"}, "Cuánto más cuestan los futuros con vencimiento"),
        ("treasuries", {}, "Es un hecho, nada más"),
        ("status", {}, "reglas y frases de la edición abc123"),
        ("help", {}, "Cada respuesta sale de lo que está guardado"),
        ("why", {}, "todavía no hay ninguna publicación"),
        ("price", {"asset": "XRP"}, "activo desconocido, 'XRP'"),
        ("explain", {"term": "zzzz"}, "escriba unas letras"),
    ],
)
async def test_a_command_answers_in_spanish(pregunta, name, options, said):
    answer = await pregunta(name, **options)
    assert said in answer.body.replace("\u00a0", " ")
    for span in answer.body_spans:
        assert answer.body[span.start : span.end] == span.text


@pytest.mark.parametrize(
    "name", ["skew", "basis", "oi", "funding", "price", "options", "liquidations", "brief", "help"]
)
async def test_nothing_of_an_answer_is_left_in_english(pregunta, name):
    answer = await pregunta(name)
    figures = [
        f"{figure.label} {figure.text}" for figure in answer.figures if not figure.label.startswith("/")
    ]
    words = {
        word.strip(".,;:()«»").lower()
        for word in " ".join([answer.title, answer.body, answer.footer, *figures]).split()
    }
    assert (
        words & {"the", "of", "and", "is", "not", "at", "year", "day", "week", "open", "interest", "usual"}
        == set()
    )


async def test_an_article_is_answered_in_spanish(pregunta):
    answer = await pregunta("brief", length="article")
    assert answer.stance_word.startswith("BTC · ")
    assert "todavía no se escriben" not in answer.body
    assert len(answer.body.split()) >= 300


async def test_a_button_and_a_chart_carry_spanish_labels(pregunta):
    answer = await pregunta("explain", term="base")
    assert [button.label for button in answer.buttons] == ["Histórico"]
    chart = (await pregunta("funding")).chart
    assert chart.title == "BTC: financiación por mercado, siete días"
    assert "Últimos valores" in chart.alt


async def test_a_metric_is_found_by_its_title_in_either_language(pregunta, market):
    assert (
        await pregunta("history", metric="interés abierto en monedas")
    ).title == "BTC: interés abierto en monedas"
    assert (await pregunta("history", metric="60-day put-call skew")).title == "BTC: skew put-call a 60 días"
    offered = discover()["history"].options[0].suggest
    assert offered is not None
    assert "base de futuros a 60 días" in offered(market, SPANISH, "base de fut")


def test_a_charts_caption_names_the_month_in_spanish(market):
    at = datetime(2026, 4, 6, 14, tzinfo=UTC)
    assert caption(market, SPANISH, ("deribit",), at) == "6 abr 2026, 14:00 UTC · Deribit"
    assert caption(market, Profile(), ("deribit",), at) == "6 Apr 2026, 14:00 UTC · Deribit"


def test_every_unit_has_a_word_of_the_language_in_charts(market):
    units = {metric.unit for metric in market.playbook.catalog.metrics.values()} - {"USD"}
    told = dict(charts.speech(market, Profile(locale="es")).units)
    assert units - told.keys() == set()
    assert units - dict(charts.speech(market, Profile()).units).keys() == set()
    assert {word for unit, word in told.items() if word == unit} <= {"%", "ratio"}
    assert charts.speech(market, Profile(locale="es")).unit("% a year") == "% anual"


def test_numbers_in_a_charts_description_have_a_comma(market):
    assert charts.decimal(-2.64, market.bank(Profile(locale="es")).words) == "−2,6"
    assert charts.decimal(-2.64, market.bank(Profile()).words) == "−2.6"


@pytest.fixture(scope="module")
def sheet() -> Sheet:
    return Sheet()


@pytest.mark.parametrize("stance", get_args(Stance))
def test_a_card_has_room_for_every_stance_in_spanish(market: Market, stance: str, sheet: Sheet) -> None:
    """In its longest words: none is cut off and none touches another."""
    words = market.bank(SPANISH).words
    directions = [word for key, word in words.items() if key.startswith("chart.direction.")]
    sure = [word for key, word in words.items() if key.startswith("confidence.")]
    spec = summary()
    assert spec.price is not None
    balance, *readings = spec.series
    names = ("skew_180d_pct", "liquidations_24h_short_usd", "open_interest_usd")
    longest = (
        words[f"stance.{stance}"],
        words["chart.day"].format(n="365"),
        max(directions, key=len),
        *([] if stance in OPEN else [words["chart.confidence"].format(confidence=max(sure, key=len))]),
    )
    told = replace(
        spec,
        speech=charts.speech(market, SPANISH),
        title=max((words[f"asset.{asset}"] for asset in ("BTC", "ETH", "SOL")), key=len),
        price=replace(
            spec.price, text="167\u00a0820 dólares", note=words["chart.in.24h"].format(change="−12,6\u00a0%")
        ),
        series=(
            replace(
                balance,
                label=words["chart.balance"],
                note=words["chart.balance_year"].format(low="−100", high="+100"),
            ),
            *(
                replace(reading, label=title(market, name, SPANISH))
                for reading, name in zip(readings, names, strict=True)
            ),
        ),
        marks=(Mark(label=longest[0], kind=stance), *(Mark(label=word) for word in longest[1:])),
    )
    lay_out(told, sheet)
    said = [word.text for word in sheet.words]
    assert [word for word in said if word.endswith("…")] == []
    assert {longest[0], " · ".join(longest[1:])} <= set(said)
    assert [(a.text, b.text) for a, b in combinations(sheet.words, 2) if a.meets(b, -3)] == []
