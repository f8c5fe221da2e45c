"""The operator's side: what runs here, how each part does, what waits. It shows no reader's data."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from bot.delivery.preview.times import age, moment
from bot.desk.market import Market
from bot.domain.operation import OperationState, ServedChannel
from bot.domain.posts import Profile

POSTS = 12
SURFACES = ("console", "preview", "discord", "webhook")


class AdminPart(Struct, frozen=True, kw_only=True):
    """One part of the page: its name (a key of the words), the names of its columns likewise, its rows."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class AdminView(Struct, frozen=True, kw_only=True):
    """All that is shown: the parts, and the running bot's state, None where the page is that of none."""

    parts: Sequence[AdminPart]
    state: OperationState | None = None


async def admin_parts(
    market: Market, profile: Profile, settings: Mapping[str, str], state: OperationState | None
) -> Sequence[AdminPart]:
    """All parts, in the order in which an operator looks; `settings` as they were read, without secrets. Raises
    ArchiveError."""
    words = market.bank(profile).words
    running = (_outbox(state), _channels(state, words), _logs(state), _backups(state)) if state else ()
    return (
        _sources(market, words),
        await _posts(market),
        *running,
        await _audit(market),
        _budgets(market),
        AdminPart(name="admin_settings", columns=("name", "value"), rows=tuple(settings.items())),
        _rules(market, words),
    )


def _sources(market: Market, words: Mapping[str, str]) -> AdminPart:
    now = market.now()
    rows = [
        (
            state.source,
            age(now - state.heard_at) if state.heard_at else words["page.not_yet"],
            str(len(state.gaps)),
        )
        for state in market.source_states()
    ]
    return AdminPart(name="admin_sources", columns=("source", "age", "gaps"), rows=tuple(rows))


def _budgets(market: Market) -> AdminPart:
    rows = [(usage.host, f"{usage.used:.0f}", f"{usage.limit:.0f}") for usage in market.budgets()]
    return AdminPart(name="admin_budgets", columns=("host", "used", "limit"), rows=tuple(rows))


async def _posts(market: Market) -> AdminPart:
    """The last posts by surface: the place of a channel stays with whoever owns it."""
    found = await market.archive.posts.find(limit=POSTS)
    doubtful = {
        (post.id, post.channel)
        for surface in SURFACES
        for post in await market.archive.outbox.find_uncertain(surface)
    }
    rows = [
        (
            post.id,
            post.asset,
            post.channel.partition(":")[0],
            post.reason,
            moment(post.intended_at),
            moment(post.sent_at) if post.sent_at else "?" if (post.id, post.channel) in doubtful else "–",
        )
        for post in found
    ]
    return AdminPart(
        name="admin_posts", columns=("post", "asset", "surface", "why_sent", "due", "sent"), rows=tuple(rows)
    )


async def _audit(market: Market) -> AdminPart:
    """The last night's comparison with the venues' own histories."""
    report = await market.last_audit()
    rows = ((moment(report.at), str(report.compared), str(report.beyond)),) if report else ()
    return AdminPart(name="admin_audit", columns=("time", "compared", "beyond"), rows=rows)


def _rules(market: Market, words: Mapping[str, str]) -> AdminPart:
    playbook = market.playbook
    rows = (
        (words["page.edition_rules"], playbook.rules.hash[:12]),
        (words["page.edition_all"], playbook.hash[:12]),
        *((ladder.id, ladder.fact) for ladder in playbook.rules.ladders.values()),
    )
    return AdminPart(name="admin_rules", columns=("name", "edition"), rows=rows)


def _outbox(state: OperationState) -> AdminPart:
    rows = [(status, str(count)) for status, count in state.outbox]
    return AdminPart(name="admin_outbox", columns=("status", "posts_count"), rows=tuple(rows))


def _channels(state: OperationState, words: Mapping[str, str]) -> AdminPart:
    """Every channel of a server, never a reader's direct messages."""
    rows = [
        (
            one.wish.channel,
            one.wish.guild_id or "–",
            one.wish.asset,
            f"{', '.join(one.wish.post_at)} {one.wish.zone}",
            _state_of(one, words),
        )
        for one in state.channels
    ]
    columns = ("channel", "server", "asset", "posted_at", "state")
    return AdminPart(name="admin_channels", columns=columns, rows=tuple(rows))


def _state_of(one: ServedChannel, words: Mapping[str, str]) -> str:
    if one.wish.paused_at is not None:
        return words["page.state_paused"].format(at=moment(one.wish.paused_at))
    if one.refusals:
        return words["page.state_refused"].format(n=one.refusals)
    if one.wish.snoozed_until is not None:
        return words["page.state_muted"].format(at=moment(one.wish.snoozed_until))
    return words["page.state_active"]


def _logs(state: OperationState) -> AdminPart:
    rows = [(line.at[11:19], line.level, line.event, line.says) for line in state.logs]
    return AdminPart(name="admin_logs", columns=("time", "level", "event", "says"), rows=tuple(rows))


def _backups(state: OperationState) -> AdminPart:
    rows = [(file.name, f"{file.size_mb:.1f} MB", moment(file.at)) for file in state.backups]
    return AdminPart(name="admin_backups", columns=("name", "size", "time"), rows=tuple(rows))
