"""What decide() remembers of each asset and profile, and each evaluation's verdict."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.codec import decode, encode
from bot.archive.engine import Database, run_to_the_end, upsert
from bot.archive.schema import evaluations, playbooks, states
from bot.archive.subscriptions import SqlSubscriptions
from bot.domain.judgement import Call, Verdict
from bot.domain.posts import Decision, Profile, State


class Before(Struct, frozen=True, kw_only=True):
    """Who a post was for, and what was remembered before it: with the facts all that its words depend on."""

    profile: Profile
    state: State


class SqlStates:
    """The tables of states and evaluations."""

    def __init__(self, database: Database, subscriptions: SqlSubscriptions) -> None:
        self._database = database
        self._subscriptions = subscriptions
        self._read: dict[tuple[str, str], tuple[str | None, State]] = {}

    @run_to_the_end
    async def load(self, asset: str, profile: Profile) -> State:
        """What decide() remembered last, routes of the profile's subscriptions included; an empty State at
        first."""
        async with self._database.read(f"state of {asset}") as connection:
            texts = await _texts(connection, asset, (profile,))
            routes = await self._subscriptions.routes(connection, asset, profile)
            return replace(_decoded(texts.get(profile.id), asset, profile), routes=routes.get(profile.id, ()))

    @run_to_the_end
    async def load_all(self, asset: str, profiles: Sequence[Profile]) -> Callable[[Profile], State]:
        """What `load` tells of each of these profiles, read at once. Asking for one raises ArchiveError where it was stored in
        a shape that this version does not read."""
        async with self._database.read(f"state of {asset}") as connection:
            texts = await _texts(connection, asset, profiles)
            routes = await self._subscriptions.routes(connection, asset)
        self._read = {}

        def state_of(profile: Profile) -> State:
            text = texts.get(profile.id)
            kept = _decoded(text, asset, profile)
            self._read[asset, profile.id] = text, kept
            return replace(kept, routes=routes.get(profile.id, ()))

        return state_of

    def _before(self, asset: str, profile: Profile, text: str | None) -> State:
        """The state of a text, without routes; it is known where `load_all` has read the same."""
        known = self._read.get((asset, profile.id))
        return known[1] if known is not None and known[0] == text else _decoded(text, asset, profile)

    async def record(
        self,
        connection: AsyncConnection,
        asset: str,
        decided: Sequence[tuple[Profile, Decision]],
        shown: Sequence[str | None],
    ) -> Sequence[int]:
        """Keep each decision's state, without its routes (those are subscriptions), and one row for its evaluation, with
        its evidence of `shown`: their numbers. The whole verdict is kept where the stance changed or something was
        posted."""
        texts = await _texts(connection, asset, [profile for profile, _ in decided])
        rows = [
            _row(profile, decision, self._before(asset, profile, texts.get(profile.id)), evidence)
            for (profile, decision), evidence in zip(decided, shown, strict=True)
        ]
        statement, key = upsert(connection, evaluations), ("asset", "profile", "at")
        changed = {name: statement.excluded[name] for name in rows[0] if name not in key}
        rows = [row | {"asset": asset} for row in rows]
        await connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changed), rows)
        wanted = select(evaluations.c.profile, evaluations.c.at, evaluations.c.id).where(
            evaluations.c.asset == asset, evaluations.c.at.in_({row["at"] for row in rows})
        )
        numbers = {(profile, at): number for profile, at, number in await connection.execute(wanted)}
        await _save(connection, asset, decided)
        self._read = {}
        return [numbers[row["profile"], row["at"]] for row in rows]

    @run_to_the_end
    async def playbook_hash(self, asset: str) -> str | None:
        """The hash of the playbook that judged last; None where nothing was judged yet."""
        wanted = select(evaluations.c.playbook_hash).where(evaluations.c.asset == asset)
        async with self._database.read(f"evaluations of {asset}") as connection:
            newest = await connection.execute(wanted.order_by(evaluations.c.at.desc()).limit(1))
            found: str | None = newest.scalar()
            return found

    @run_to_the_end
    async def verdicts(
        self, asset: str, since: datetime, *, until: datetime | None = None, profile: Profile | None = None
    ) -> Sequence[Verdict]:
        """Verdicts, oldest first: each that changed the stance, and each that was posted."""
        wanted = select(evaluations.c.verdict).where(
            evaluations.c.asset == asset,
            evaluations.c.profile == (profile or Profile()).id,
            evaluations.c.at >= since,
            evaluations.c.verdict.is_not(None),
        )
        if until is not None:
            wanted = wanted.where(evaluations.c.at <= until)
        async with self._database.read(f"verdicts on {asset}") as connection:
            texts = (await connection.execute(wanted.order_by(evaluations.c.at))).scalars()
            return tuple(decode(text, Verdict, f"verdict on {asset}") for text in texts)

    @run_to_the_end
    async def calls(
        self, asset: str, since: datetime, *, until: datetime | None = None, profile: Profile | None = None
    ) -> Sequence[Call]:
        """Each change of stance, or of the rules that judge, oldest first, with the edition of the rules that
        judged (the playbook's, where its files were not kept); the first row is the stance at the
        beginning."""
        edition = func.coalesce(playbooks.c.rules_hash, evaluations.c.playbook_hash)
        wanted = (
            select(evaluations.c.at, evaluations.c.stance, edition)
            .outerjoin(playbooks, playbooks.c.hash == evaluations.c.playbook_hash)
            .where(
                evaluations.c.asset == asset,
                evaluations.c.profile == (profile or Profile()).id,
                evaluations.c.at >= since,
            )
            .order_by(evaluations.c.at)
        )
        if until is not None:
            wanted = wanted.where(evaluations.c.at <= until)
        found: list[Call] = []
        async with self._database.read(f"verdicts on {asset}") as connection:
            for at, stance, rules in await connection.execute(wanted):
                if not found or (stance, rules) != (found[-1].stance, found[-1].rules):
                    found.append(Call(at=at, stance=stance, rules=rules))
        return tuple(found)


async def _texts(connection: AsyncConnection, asset: str, profiles: Sequence[Profile]) -> Mapping[str, str]:
    """The last states as they are stored, by the ids of profiles; of one that has none yet there is none."""
    wanted = select(states.c.profile, states.c.state).where(
        states.c.asset == asset, states.c.profile.in_([profile.id for profile in profiles])
    )
    return dict((await connection.execute(wanted)).all())


def _decoded(text: str | None, asset: str, profile: Profile) -> State:
    """A state of `_texts`, without routes; an empty one at first."""
    return State() if text is None else decode(text, State, f"state of {asset}, profile {profile.id}")


def _row(profile: Profile, decision: Decision, before: State, evidence: str | None) -> dict[str, object]:
    """One evaluation as a row, but for its asset."""
    verdict = decision.verdict
    if decision.told_by is not None:
        before = replace(before, memory=decision.told_by)
    telling = verdict.stance != before.stance or bool(decision.posts)
    return {
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
        "before": encode(Before(profile=profile, state=before)) if decision.posts else None,
    }


async def _save(connection: AsyncConnection, asset: str, decided: Sequence[tuple[Profile, Decision]]) -> None:
    rows = [
        {
            "asset": asset,
            "profile": profile.id,
            "at": decision.verdict.at,
            "state": encode(replace(decision.state, routes=())),
        }
        for profile, decision in decided
    ]
    statement = upsert(connection, states)
    changed = {"at": statement.excluded.at, "state": statement.excluded.state}
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["asset", "profile"], set_=changed), rows
    )
