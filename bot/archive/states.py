"""What decide() remembers of each asset and profile, and each evaluation's verdict."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.codec import decode, encode
from bot.archive.engine import upsert
from bot.archive.schema import evaluations, playbooks, states
from bot.domain.judgement import Call, Verdict
from bot.domain.posts import Decision, Profile, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """Who a post was for, and what was remembered before it: with the facts all that its words depend on."""

    profile: Profile
    state: State


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
        "before": encode(Before(profile=profile, state=replace(before, routes=()))) if decision.posts else None,
    }
    statement = upsert(connection, evaluations).values(row)
    key = ("asset", "profile", "at")
    changed = {name: statement.excluded[name] for name in row if name not in key}
    numbered = statement.on_conflict_do_update(index_elements=key, set_=changed).returning(evaluations.c.id)
    number: int = (await connection.execute(numbered)).scalar_one()
    return number


async def edition(connection: AsyncConnection, asset: str) -> str | None:
    """The playbook of the latest evaluation; None before the first."""
    wanted = select(evaluations.c.playbook_hash).where(evaluations.c.asset == asset)
    found: str | None = (await connection.execute(wanted.order_by(evaluations.c.at.desc()).limit(1))).scalar()
    return found


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


async def calls(
    connection: AsyncConnection, asset: str, profile: Profile, since: datetime, until: datetime | None = None
) -> tuple[Call, ...]:
    """Each change of stance or of the rules between two times, oldest first, with the edition of the rules that judged (the
    playbook's, where its files were not kept)."""
    edition = func.coalesce(playbooks.c.rules_hash, evaluations.c.playbook_hash)
    wanted = (
        select(evaluations.c.at, evaluations.c.stance, edition)
        .outerjoin(playbooks, playbooks.c.hash == evaluations.c.playbook_hash)
        .where(evaluations.c.asset == asset, evaluations.c.profile == profile.id, evaluations.c.at >= since)
        .order_by(evaluations.c.at)
    )
    if until is not None:
        wanted = wanted.where(evaluations.c.at <= until)
    found: list[Call] = []
    for at, stance, rules in await connection.execute(wanted):
        if not found or (stance, rules) != (found[-1].stance, found[-1].rules):
            found.append(Call(at=at, stance=stance, rules=rules))
    return tuple(found)
