"""Cards as embeds: within every limit, nothing cut, nothing that a reader typed taken for markup."""

import re
from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.discord.embed import (
    DESCRIPTION,
    EMBEDS,
    FIELD_NAME,
    FIELD_VALUE,
    FIELDS,
    FOOTER,
    MESSAGE,
    TITLE,
    EmbedPage,
    escape_mentions,
    pages,
    picture,
    plain,
    render_text,
    split_text,
)
from bot.domain.posts import Card, Figure
from bot.domain.story import Origin, Span
from tests.delivery.discord.wire import own

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=60)


def span(text: str, part: str, origin: Origin, format_name: str) -> Span:
    start = text.index(part)
    return Span(start=start, end=start + len(part), text=part, origin=origin, filter=format_name)


def within_limits(page: EmbedPage) -> bool:
    total = 0
    for embed in page.embeds:
        data = embed.to_dict()
        footer, author = data.get("footer", {}).get("text", ""), data.get("author", {}).get("name", "")
        fields = [(field["name"], field["value"]) for field in data.get("fields", [])]
        total += sum(map(len, [data.get("title", ""), data.get("description", ""), footer, author]))
        total += sum(len(name) + len(value) for name, value in fields)
        if len(fields) > FIELDS or len(footer) > FOOTER or len(data.get("title", "")) > TITLE:
            return False
        if any(
            not 0 < len(name) <= FIELD_NAME or not 0 < len(value) <= FIELD_VALUE for name, value in fields
        ):
            return False
        if len(data.get("description", "")) > DESCRIPTION:
            return False
    return total <= MESSAGE and 0 < len(page.embeds) <= EMBEDS


def said(made: tuple[EmbedPage, ...]) -> str:
    """All letters of all pages, without blanks."""
    texts = []
    for page in made:
        for embed in page.embeds:
            texts += [embed.title or "", embed.description or ""]
            texts += [part for field in embed.fields for part in (field.name or "", field.value or "")]
    return re.sub(r"[\s*\u200b]", "", "".join(texts))


def test_a_small_card_is_one_embed_with_its_stance_in_words() -> None:
    card = Card(
        title="Bitcoin calls for caution",
        body="Puts cost more.",
        footer="Post k7m2p",
        stance="bearish",
        stance_word="caution",
        at=AT,
        post_id="k7m2p",
        fields=(Figure(label="Skew", text="20%"),),
    )
    (page,) = pages(card)
    (embed,) = page.embeds
    assert (embed.title, embed.description) == ("Bitcoin calls for caution", "Puts cost more.")
    assert embed.author.name == "caution"
    assert embed.footer.text == "Post k7m2p"
    assert [(field.name, field.value) for field in embed.fields] == [("Skew", "20%")]
    assert embed.timestamp == AT


def test_an_article_goes_on_in_further_messages_at_paragraph_ends() -> None:
    paragraphs = [f"Paragraph {number}." + " word" * 150 for number in range(14)]
    made = pages(Card(title="T", body="\n\n".join(paragraphs), footer="the end. Post k7m2p", post_id="k7m2p"))
    assert len(made) > 1
    assert all(within_limits(page) for page in made)
    pieces = [embed.description or "" for page in made for embed in page.embeds]
    assert "\n\n".join(pieces) == "\n\n".join(paragraphs)
    footers = [page.embeds[-1].footer.text for page in made]
    assert footers == [f"k7m2p {number}/{len(made)}" for number in range(1, len(made))] + [
        "the end. Post k7m2p"
    ]


def test_the_picture_is_on_the_last_message() -> None:
    made = pages(Card(title="T", body="word " * 2500, image=b"png", alt="a line"))
    assert [page.pictured for page in made] == [False] * (len(made) - 1) + [True]
    assert made[-1].embeds[-1].image.url == "attachment://chart.png"
    assert len(made) > 1


def test_the_words_of_a_picture_go_with_it() -> None:
    (attached,) = picture(Card(title="", body="", image=b"png", alt="a line that falls"))
    assert (attached.filename, attached.description, attached.fp.read()) == (
        "chart.png",
        "a line that falls",
        b"png",
    )
    assert picture(Card(title="", body="")) == []


@given(
    title=st.text(max_size=600),
    body=st.lists(WORDS, max_size=300).map(" ".join),
    footer=st.text(max_size=2500),
    fields=st.lists(st.tuples(st.text(max_size=300), st.text(max_size=2500)), max_size=40),
)
def test_no_card_breaks_a_limit_and_none_loses_a_letter(
    title: str, body: str, footer: str, fields: list[tuple[str, str]]
) -> None:
    figures = tuple(Figure(label=label, text=text) for label, text in fields)
    card = Card(
        title=title,
        body=body,
        footer=footer,
        fields=figures,
        stance="neutral",
        stance_word="neutral",
        post_id="k7m2p",
    )
    made = pages(card)
    assert all(within_limits(page) for page in made)
    wanted = re.sub(r"[\s*\u200b]", "", title + body + "".join(label + text for label, text in fields))
    assert not Counter(wanted) - Counter(said(made))
    for page in made:
        body_sent = {"embeds": [embed.to_dict() for embed in page.embeds], "allowed_mentions": {"parse": []}}
        assert own().request("POST", "/channels/1/messages", body_sent) == []


@given(st.text(max_size=400), st.integers(10, 100))
def test_splitting_keeps_every_letter_and_the_limit(text: str, limit: int) -> None:
    pieces = split_text(text, limit)
    assert all(0 < len(piece.encode("utf-16-le")) // 2 <= limit for piece in pieces)
    assert re.sub(r"\s", "", "".join(pieces)) == re.sub(r"\s", "", text)


def test_what_a_reader_typed_is_shown_as_typed() -> None:
    text = "That cannot be answered: unknown asset '@everyone <@123> **x** [a](http://b)'."
    typed = "unknown asset '@everyone <@123> **x** [a](http://b)'"
    made = render_text(text, [span(text, typed, Origin(kind="input", ref="typed", value=typed), "text")])
    assert "@everyone" not in made
    assert "<@" not in made.replace("\\<", "")
    assert "\\*\\*x\\*\\*" in made
    assert made.startswith("That cannot be answered: unknown asset")


@given(st.text(max_size=200))
def test_no_text_of_others_becomes_a_mention(text: str) -> None:
    for made in (
        plain(text),
        escape_mentions(text),
        render_text(text, ()),
        render_text(text, (), typed=True),
    ):
        assert not re.search(r"@(everyone|here)|(?<!\\)<[@#:/t]", made)


def test_a_moment_is_shown_in_each_readers_zone() -> None:
    text = "Seen at 6 February 2026, 14:00 UTC, and no later."
    origin = Origin(kind="date", ref="spot_usd", value=AT.isoformat())
    made = render_text(text, [span(text, "6 February 2026, 14:00 UTC", origin, "moment")])
    assert made == f"Seen at <t:{int(AT.timestamp())}:f>, and no later."
    assert render_text(text, [span(text, "6 February 2026, 14:00 UTC", origin, "date")]) == text


def test_a_span_that_does_not_fit_its_text_changes_nothing() -> None:
    wrong = Span(
        start=0, end=4, text="else", origin=Origin(kind="input", ref="x", value="else"), filter="text"
    )
    assert render_text("a **text**", [wrong]) == "a **text**"
