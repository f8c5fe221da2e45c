"""How a message looks on a telephone: the markdown that Discord draws, in Chromium, 390 pixels wide."""

import html
import itertools
import re
import textwrap
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.delivery.preview.chromium import browser, found

WIDTH: Final = 390
MOST_ROWS: Final = 16
LETTERS: Final = 44  # what a line of an embed holds at that width
SMALL_LETTERS: Final = 52
TITLE_LETTERS: Final = 40
TONES: Final = ("dark", "light")
STYLE: Final = """
body.dark { --ground: #313338; --ink: #dbdee1; --small: #b5bac1; --faint: #949ba4; --embed: #2b2d31; --block: #1e1f22;
  --button: #4e5058; }
body.light { --ground: #fff; --ink: #313338; --small: #4e5058; --faint: #5c5e66; --embed: #f2f3f5; --block: #e3e5e8;
  --button: #6d6f78; }
body { margin: 0; padding: 12px; background: var(--ground); color: var(--ink);
  font: 15px/1.3 "Noto Sans", "DejaVu Sans", sans-serif; }
h6 { margin: 14px 0 4px; color: var(--small); font-size: 13px; }
.embed { background: var(--embed); border-left: 4px solid; border-radius: 4px; padding: 8px 12px 12px; margin: 4px 0; }
.author { font-size: 13px; font-weight: 600; }
.title { font-weight: 700; margin: 6px 0; }
.text h1 { margin: 6px 0; font-size: 22px; }
.text small { display: block; color: var(--faint); font-size: 12px; }
.text div { margin: 2px 0; }
pre { background: var(--block); padding: 7px; margin: 6px 0; border-radius: 4px; white-space: pre-wrap;
  font: 13px/1.25 "Noto Sans Mono", "DejaVu Sans Mono", monospace; }
.field b { display: block; font-size: 13px; }
.field { margin-top: 6px; font-size: 14px; }
footer { margin-top: 8px; font-size: 11px; color: var(--small); }
.buttons span { display: inline-block; background: var(--button); color: #fff; border-radius: 3px; padding: 6px 12px;
  margin: 4px 6px 0 0; font-size: 14px; }
.picture { border: 1px dashed #555; color: #888; font-size: 12px; padding: 8px; }
"""


def rows_of_embed(embed: Mapping[str, Any]) -> int:
    """The rows that an embed takes on a telephone, its footer not counted."""
    count, in_block = int("author" in embed), False
    count += len(textwrap.wrap(embed.get("title") or "", TITLE_LETTERS))
    for line in embed.get("description", "").splitlines():
        if line == "```":
            in_block = not in_block
        elif in_block:
            count += 1
        else:
            count += len(textwrap.wrap(line, SMALL_LETTERS if line.startswith("-# ") else LETTERS)) or 1
    for field in embed.get("fields", ()):
        count += sum(len(textwrap.wrap(field[part], LETTERS)) for part in ("name", "value"))
    return count


async def draw(told: Mapping[str, Any], folder: Path, name: str) -> None:
    """All answers of a golden file, six a picture, on dark and on light. Raises OSError, and RuntimeError without a browser."""
    path = found()
    if path is None:
        raise RuntimeError("no browser: install chromium")
    lines = list(told)
    async with browser(path) as tab:
        for number, tone in itertools.product(range(0, len(lines), 6), TONES):
            page = "".join(as_html(line, told[line]) for line in lines[number : number + 6])
            file = folder / f"{name}-{number // 6}-{tone}.html"
            head = f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>"
            file.write_text(f"{head}<body class={tone}>{page}", encoding="utf-8")
            await tab.open(file.as_uri(), width=WIDTH, height=900)
            await tab.page.screenshot(path=file.with_suffix(".png"), full_page=True)


def as_html(line: str, answer: Mapping[str, Any]) -> str:
    """One answer under the line that asked for it."""
    parts = [f"<h6>{html.escape(line)}{' · only you see this' if answer['private'] else ''}</h6>"]
    for message in answer["messages"]:
        parts += [_embed(embed, answer["picture"]) for embed in message]
    labels = [button["label"] for row in answer["components"] for button in row["components"]]
    parts.append(
        f"<div class=buttons>{''.join(f'<span>{html.escape(label)}</span>' for label in labels)}</div>"
    )
    return "".join(parts)


def _embed(embed: Mapping[str, Any], picture: str | None) -> str:
    made = [f'<div class=embed style="border-color:#{embed.get("color") or 0x1E1F22:06x}">']
    if "author" in embed:
        made.append(f"<div class=author>{html.escape(embed['author']['name'])}</div>")
    if embed.get("title"):
        made.append(f"<div class=title>{_inline(embed['title'])}</div>")
    made.append(f"<div class=text>{_blocks(embed.get('description', ''))}</div>")
    made += [
        f"<div class=field><b>{_inline(field['name'])}</b>{_blocks(field['value'])}</div>"
        for field in embed.get("fields", ())
    ]
    if picture:
        made.append(f"<div class=picture>{html.escape(picture[:160])}</div>")
    if "footer" in embed:
        made.append(
            f"<footer>{html.escape(embed['footer']['text'])} · {embed.get('timestamp', '')[:16]}</footer>"
        )
    return "".join([*made, "</div>"])


def _blocks(text: str) -> str:
    parts = re.split(r"```\n?(.*?)```", text, flags=re.DOTALL)
    return "".join(
        f"<pre>{html.escape(part.rstrip())}</pre>"
        if number % 2
        else "".join(map(_line, part.removeprefix("\n").splitlines()))
        for number, part in enumerate(parts)
    )


def _line(line: str) -> str:
    if line.startswith("# "):
        return f"<h1>{_inline(line[2:])}</h1>"
    if line.startswith("-# "):
        return f"<small>{_inline(line[3:])}</small>"
    return f"<div>{_inline(line) or '&nbsp;'}</div>"


def _inline(text: str) -> str:
    shown = re.sub(
        r"<t:(\d+):f>", lambda found: f"{datetime.fromtimestamp(int(found[1]), UTC):%-d %B %Y %H:%M}", text
    )
    shown = re.sub(r"\\([*_~`|<>\\])", r"\1", shown)
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", html.escape(shown))
