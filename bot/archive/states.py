"""What decide() remembers of each asset and profile, and each evaluation's verdict."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.codec import decode, encode
from bot.archive.engine import upsert
from bot.archive.schema import evaluations, states
from bot.domain.judgement import Verdict
from bot.domain.posts import Decision, Profile, State


async def load(connection: AsyncConnection, asset: str, profile: Profile) -> State:
    """The last state, without routes; an empty one at first."""
    wanted = select(states.c.state).where(states.c.asset == asset, states.c.profile == profile.id)
    text = (await connection.execute(wanted)).scalar()
    return State() if text is None else decode(text, State, f"state of {asset}, profile {profile.id}")


async def save(connection: AsyncConnection, asset: str, profile: Profile, decision: Decision) -> None:
    """Keep the decision's state, without its routes: those are subscriptions."""
    text = encode(replace(decision.state, routes=()))
    row = {"asset": asset, "profile": profile.id, "at": decision.verdict.at, "state": text}
    statement = upsert(connection, states).values(row)
    changed = {"at": statement.excluded.at, "state": statement.excluded.state}
    await connection.execute(statement.on_conflict_do_update(index_elements=["asset", "profile"], set_=changed))


async def record(
    connection: AsyncConnection,
    asset: str,
    profile: Profile,
    decision: Decision,
    *,
    before: State,
    evidence: str | None,
) -> int:
    """One row for the evaluation: its number. The whole verdict is kept where the stance changed or something was posted."""
    verdict = decision.verdict
    telling = verdict.stance != before.stance or bool(decision.posts)
    row = {
        "asset": asset,
        "profile": profile.id,
        "at": verdict.at,
        "stance": verdict.stance,
        "confidence": verdict.confidence,
        "score_low": verdict.score[0],
        "score_high": verdict.score[1],
        "coverage": verdict.coverage,
        "playbook_hash": decision.playbook_hash,
        "verdict": encode(verdict) if telling else None,
        "evidence": evidence,
    }
    statement = upsert(connection, evaluations).values(row)
    key = ("asset", "profile", "at")
    changed = {name: statement.excluded[name] for name in row if name not in key}
    numbered = statement.on_conflict_do_update(index_elements=key, set_=changed).returning(evaluations.c.id)
    number: int = (await connection.execute(numbered)).scalar_one()
    return number


async def verdicts(
    connection: AsyncConnection, asset: str, profile: Profile, since: datetime, until: datetime | None = None
) -> tuple[Verdict, ...]:
    """The verdicts since a time, oldest first: each one that changed the stance, and each one that was posted."""
    wanted = select(evaluations.c.verdict).where(
        evaluations.c.asset == asset, evaluations.c.profile == profile.id, evaluations.c.at >= since,
        evaluations.c.verdict.is_not(None),
    )  # fmt: skip
    if until is not None:
        wanted = wanted.where(evaluations.c.at <= until)
    texts = (await connection.execute(wanted.order_by(evaluations.c.at))).scalars()
    return tuple(decode(text, Verdict, f"verdict on {asset}") for text in texts)
