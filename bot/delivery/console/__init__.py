"""The surface "console": each post in the terminal as it is made."""

from rich.console import Console as Terminal
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from bot.commentary import in_columns
from bot.domain.posts import Card, Post

WIDEST = 80
STYLES = {
    "bearish": "bold red",
    "overheated": "bold yellow",
    "neutral": "bold",
    "bullish": "bold green",
    "unclear": "bold blue",
    "no-call": "bold dim",
}


class Console:
    """Writes cards to a terminal, at most 80 columns wide. Where that is no terminal rich leaves out every
    color."""

    def __init__(self, terminal: Terminal | None = None) -> None:
        self._terminal = terminal or Terminal()

    async def show(self, post: Post, card: Card) -> str | None:
        """Print the post. A terminal has no name for it: None. Raises nothing."""
        width = self._print_head(post, card)
        for text, style in ((card.title, "bold"), (card.body, "")):
            if text:
                self._terminal.print(Text(text, style=style), width=width)
                self._terminal.print()
        if card.table:
            self._terminal.print(Text(in_columns(card.table, len(card.table[0])), style="dim"), width=width)
            for note in card.notes:
                self._terminal.print(Text(note.text, style="dim"), width=width)
            self._terminal.print()
        if card.fields:
            self._terminal.print(_fields(card), width=width)
            self._terminal.print()
        if card.footer:
            self._terminal.print(Text(card.footer, style="dim"), width=width)
            self._terminal.print()
        return None

    async def edit(self, post: Post, card: Card) -> None:
        """Print what was corrected: what stands in a terminal cannot be changed. Raises nothing."""
        width = self._print_head(post, card)
        for text in (card.title, *_latest(post)):
            if text:
                self._terminal.print(Text(text), width=width)
                self._terminal.print()

    def _print_head(self, post: Post, card: Card) -> int:
        """The asset, the stance in words, the time, and why the post came; in two lines where one is too short. The
        width of what follows."""
        width = min(WIDEST, self._terminal.width)
        tag, when = card.stance_word or card.stance or "", _when(post, card)
        whole = _joined(post.asset, tag, *when)
        one_line = len(whole) <= width - len(" ─")
        title = Text(whole if one_line else _joined(post.asset, *when))
        line = title if one_line else Text(tag)
        if card.stance:
            line.highlight_words([tag], STYLES.get(card.stance, "bold"))
        self._terminal.print(Rule(title, align="left", style="dim", characters="─"), width=width)
        if not one_line:
            self._terminal.print(line, width=width)
        return width


def _latest(post: Post) -> list[str]:
    """The texts of the latest correction: those that go on from another ("also") with the one that they go on from."""
    texts: list[str] = []
    for text in reversed(post.corrections):
        texts.insert(0, text.text)
        if text.about != "also":
            break
    return texts


def _when(post: Post, card: Card) -> list[str]:
    at = card.at or post.intended_at
    return [f"{at.day} {at:%b %Y %H:%M} UTC", post.reason, "late" if post.late else ""]


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _fields(card: Card) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", max_width=32)
    table.add_column()
    for figure in card.fields:
        table.add_row(Text(figure.label), Text(figure.text))
    return table
