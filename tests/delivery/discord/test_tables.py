"""Tables in letters of one width: never wider than 30 columns, whatever is in them."""

from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.discord.embed import pages
from bot.delivery.discord.tables import WIDTH, fence, lines_of
from bot.domain.posts import Card, Figure, Table, TableRow


def table(*rows: tuple[str, ...], columns: tuple[str, ...] = ()) -> Table:
    made = [
        TableRow(label=label, cells=tuple(Figure(label="", text=text) for text in cells))
        for label, *cells in rows
    ]
    return Table(rows=tuple(made), columns=columns)


def test_labels_stand_to_the_left_and_cells_to_the_right() -> None:
    assert lines_of(table(("now", "20%"), ("a week ago", "18.5%"))) == [
        "now                        20%",
        "a week ago               18.5%",
    ]


def test_columns_have_their_words_over_them() -> None:
    lines = lines_of(table(("dollars", "+1%", "−12%"), ("coins", "–", "+0.4%"), columns=("24 h", "7 d")))
    assert [line.split() for line in lines] == [
        ["24", "h", "7", "d"],
        ["dollars", "+1%", "−12%"],
        ["coins", "–", "+0.4%"],
    ]
    assert {len(line) for line in lines} == {WIDTH}


def test_a_label_that_does_not_fit_stands_above_its_cells_and_what_never_fits_gets_lines_of_its_own() -> None:
    assert lines_of(table(("a label of many letters", "35 800 M$", "35 900 M$"), ("short", "1", "2"))) == [
        "a label of many letters",
        f"{'35 800 M$':>18}{'35 900 M$':>12}",
        f"short{'1':>13}{'2':>12}",
    ]
    stacked = lines_of(table(("price", "1" * 15, "2" * 15), columns=("now", "1 d ago")))
    assert stacked == ["price", f" now {'1' * 15}", f" 1 d ago {'2' * 15}"]


cells = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=12)


@given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=4))
def test_no_line_is_wider_than_a_telephone_and_none_ends_the_block(rows: list[tuple[str, str, str]]) -> None:
    block = fence([table(*rows)])
    assert block.count("```") == 2
    for line in block.splitlines()[1:-1]:
        assert len(line) <= WIDTH


def test_an_answer_shows_number_sentence_table_and_small_print_in_this_order() -> None:
    card = Card(
        title="BTC: skew",
        lead=Figure(label="skew", text="20%"),
        body="Puts cost more.",
        tables=(table(("now", "20%")),),
        notes=(Figure(label="By venue", text="Deribit 19% · OKX 21%"), Figure(label="", text="* old")),
    )
    (page,) = pages(card)
    assert page.embeds[0].description == (
        "# 20%\nPuts cost more.\n```\nnow                        20%\n```\n"
        "-# By venue: Deribit 19% · OKX 21%\n-# * old"
    )
