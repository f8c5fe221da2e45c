"""A `ChartSpec` as plain values for the page's own charts: the same spec that becomes a PNG elsewhere."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.domain.colors import STANCE_COLORS
from bot.domain.posts import ChartSeries, ChartSpec, Post

Json = Mapping[str, object]


def chart_json(spec: ChartSpec, posts: Sequence[Post] = ()) -> Json:
    """Times in seconds since 1970, None where there is a gap; stances as runs with their colors; `posts` where a post
    went out."""
    return {
        "kind": spec.kind,
        "title": spec.title,
        "unit": spec.unit,
        "caption": spec.caption,
        "alt": spec.alt,
        "band": spec.band,
        "bandLabel": spec.band_label,
        "series": [_column(column) for column in spec.series],
        "price": _column(spec.price) if spec.price else None,
        "stances": [
            {
                "at": _seconds(mark.at),
                "word": mark.label,
                "dark": STANCE_COLORS[mark.kind].dark,
                "light": STANCE_COLORS[mark.kind].light,
            }
            for mark in spec.marks
            if mark.at is not None and mark.kind in STANCE_COLORS
        ],
        "posts": [
            {"at": _seconds(post.sent_at or post.intended_at), "id": post.id, "reason": post.reason}
            for post in posts
        ],
        "months": spec.speech.months,
    }


def _column(column: ChartSeries) -> Json:
    return {
        "label": column.label,
        "at": [_seconds(at) for at in column.at],
        "y": list(column.y),
        "text": column.text,
    }


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else round(at.timestamp())
