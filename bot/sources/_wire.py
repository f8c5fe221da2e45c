"""What the sources share in reading wire formats: strict decoding, numbers written as text, times in
milliseconds."""

import re
from array import array
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Annotated, TypeVar

import msgspec
from msgspec.structs import replace

from bot.domain.instruments import Instrument
from bot.domain.readings import FundingRate, FutureQuote, Gap, Heard, Reading, SeriesReading
from bot.errors import SourceChanged, SourceError, SourceUnavailable
from bot.reasons import about, reason

T = TypeVar("T")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FUTURE = timedelta(seconds=30)
LARGEST = 1e15  # a thousand times what the whole market is worth in dollars, and more than any count of coins
_FAR_MS = 32_503_680_000_000  # the year 3000: venues write such times for "never"
RATE_LIMIT = 1.0  # all of a position, paid in one interval
HOUR_MS = 3_600_000
WHERE = re.compile(r"`\$([^`]*)`\Z")
FUNDING_HOURS = (1.0, 2.0, 4.0, 6.0, 8.0)
FUNDING = "funding"  # how `who` ends in a gap that is about funding alone
Ms = Annotated[int, msgspec.Meta(gt=0, lt=_FAR_MS)]
Figure = str | float | None


def decode(decoder: "msgspec.json.Decoder[T]", body: bytes, subject: str) -> T:
    """The typed value of a JSON body. Raises SourceChanged that says where the shape differs."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceChanged(about(subject, other_shape(error))) from error


def other_shape(error: Exception) -> str:
    """The reason for what cannot be decoded: where it differs, in the names of our own fields. A library's sentence and
    what the body holds stay out of it."""
    found = WHERE.search(str(error)) if isinstance(error, msgspec.ValidationError) else None
    return reason("shape_at", place=found[1].lstrip(".") or "$") if found else reason("shape")


def refusal_check(
    decoder: "msgspec.json.Decoder[T]", code: Callable[[T], object], codes: Collection[object]
) -> Callable[[bytes], bool]:
    """What a host's refusals are judged by: whether the body is of its shape and names one of the `codes`."""

    def helps_to_wait(body: bytes) -> bool:
        try:
            return code(decoder.decode(body)) in codes
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False

    return helps_to_wait


def utc(ms: int) -> datetime:
    """A moment from milliseconds since 1970 UTC."""
    return EPOCH + timedelta(milliseconds=ms)


def known_at(ms: int | None, subject: str) -> datetime | None:
    """A moment that a venue tells in milliseconds; 0 and absence tell nothing. Raises SourceChanged for what
    is no time."""
    if not ms:
        return None
    if not 0 < ms < _FAR_MS:
        raise SourceChanged(about(subject, reason("not_a_time", said=ms)))
    return utc(ms)


def to_ms(at: datetime) -> int:
    """Milliseconds since 1970 UTC of a moment."""
    since = at - EPOCH
    return since.days * 86_400_000 + since.seconds * 1_000 + since.microseconds // 1_000


def observed_at(ms: int | None, server_at: datetime, subject: str) -> datetime:
    """When a reading was observed: its own time, else the server's. Raises SourceUnavailable for one from the
    future."""
    at = known_at(ms, subject) or server_at
    if at > server_at + FUTURE:
        raise SourceUnavailable(about(subject, reason("future_time", at=f"{at:%Y-%m-%dT%H:%M:%SZ}")))
    return min(at, server_at)


def number(text: Figure, subject: str) -> float | None:
    """A number that a venue writes as text (or as a number). Empty and absent tell nothing: None. Raises
    SourceChanged for text that is no decimal number, and for one too large to mean anything."""
    if text is None or text == "":
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise SourceChanged(about(subject, reason("not_a_number", said=str(text)[:40]))) from error
    # float() also takes spaces around, underscores between and digits of other scripts, which no venue means
    if isinstance(text, str) and ("_" in text or not text.isascii() or text != text.strip()):
        raise SourceChanged(about(subject, reason("not_a_number", said=str(text)[:40])))
    if not abs(value) < LARGEST:
        raise SourceChanged(about(subject, reason("implausible_number", said=str(text)[:40])))
    return value


def numbers(texts: Sequence[Figure], subject: str) -> list[float | None]:
    """A column of figures, each as `number` reads it; a column of plain figures, some of them absent or empty, is read at
    once."""
    given = [text for text in texts if text is not None and text != ""]
    if not given:
        return [None] * len(texts)
    try:
        told = "".join(given)  # type: ignore[arg-type]  # a column with anything but text is read one by one
        values = list(map(float, given))
    except (TypeError, ValueError):
        return [number(text, subject) for text in texts]
    plain = told.isascii() and "_" not in told and told.split(maxsplit=1) == [told]
    # The sum of sizes is not below the largest where one of them is not, or is no number.
    if not plain or not sum(map(abs, values)) < LARGEST:
        return [number(text, subject) for text in texts]
    if len(given) == len(texts):
        return [*values]
    left = iter(values)
    return [None if text is None or text == "" else next(left) for text in texts]


def positive(text: Figure, subject: str) -> float | None:
    """As `number`; zero and below tell nothing (a price of 0 is a venue's way to say that there is none)."""
    value = number(text, subject)
    return value if value is not None and value > 0 else None


def amount(text: Figure, subject: str) -> float | None:
    """As `number`; below zero tells nothing (nothing can be open or traded less than not at all). Zero is a
    figure."""
    value = number(text, subject)
    return value if value is not None and value >= 0 else None


def quote(
    *,
    source: str,
    observed_at: datetime,
    instrument: Instrument,
    mark_usd: float | None,
    index_usd: float | None,
    open_interest: float | None,
    index_at: datetime | None = None,
    open_interest_at: datetime | None = None,
) -> FutureQuote | Gap:
    """A future as told, or a gap where it has no mark or no index. Open interest is in dollars for an inverse
    contract, in coins for any other. `observed_at` is the mark's time, and that of what has no time of its own."""
    if mark_usd is None or index_usd is None:
        missing = "mark" if mark_usd is None else "index"
        return Gap(
            who=f"{source} {instrument.symbol}",
            reason=about(f"{source} {instrument.symbol}", reason("not_in_reply", what=missing)),
        )
    return FutureQuote(
        source=source,
        observed_at=observed_at,
        instrument=instrument,
        mark_usd=mark_usd,
        index_usd=index_usd,
        open_interest_coin=None if instrument.inverse else open_interest,
        open_interest_usd=open_interest if instrument.inverse else None,
        index_at=index_at,
        open_interest_at=open_interest_at,
    )


def funding(
    *,
    source: str,
    observed_at: datetime,
    instrument: Instrument,
    rate: float | None,
    interval_hours: float | None,
) -> FundingRate | Gap:
    """A perpetual's funding from the fraction of one interval, or a gap where rate or interval is missing or
    cannot be."""
    who = f"{source} {instrument.symbol} {FUNDING}"
    if rate is None or not abs(rate) < RATE_LIMIT:
        return Gap(who=who, reason=about(who, reason("not_in_reply", what="rate")))
    if interval_hours not in FUNDING_HOURS:
        return Gap(who=who, reason=about(who, reason("interval_unknown")))
    return FundingRate(
        source=source,
        observed_at=observed_at,
        instrument=instrument,
        rate_pct=rate * 100,
        interval_hours=interval_hours,
    )


def gather(
    who: str, parts: Mapping[str, Sequence[Reading | Gap] | BaseException], futures: Collection[str] = ()
) -> Heard:
    """One poll from the outcomes of its requests, by what each is about. A failure becomes a gap. Raises the
    first failure where nothing at all was heard, and any exception that is not a SourceError.

    `futures` names the parts that bring contracts: where one of these failed, or a contract of theirs is a
    gap, no open interest is told, for a sum with a contract missing would look like a move."""
    readings: list[Reading] = []
    gaps: list[Gap] = []
    failures: list[SourceError] = []
    for part in parts.values():
        if isinstance(part, SourceError):
            failures.append(part)
        elif isinstance(part, BaseException):
            raise part
        else:
            readings += [one for one in part if not isinstance(one, Gap)]
            gaps += [one for one in part if isinstance(one, Gap)]
    if failures and not readings and not gaps:
        raise failures[0]
    gaps += [
        Gap(who=f"{who} {about}", reason=str(part))
        for about, part in parts.items()
        if isinstance(part, SourceError)
    ]
    quoted = any(isinstance(one, FutureQuote) for one in readings)
    if quoted and any(_lacks_a_contract(parts[about]) for about in futures):
        readings = [_without_open_interest(one) for one in readings]
        gaps.append(
            Gap(who=f"{who} open interest", reason=about(f"{who} open interest", reason("contracts_unheard")))
        )
    return Heard(readings=tuple(readings), gaps=tuple(gaps))


def _lacks_a_contract(part: Sequence[Reading | Gap] | BaseException) -> bool:
    if isinstance(part, BaseException):
        return True
    return any(isinstance(one, Gap) and not one.who.endswith(FUNDING) for one in part)


def _without_open_interest(reading: Reading) -> Reading:
    if not isinstance(reading, FutureQuote):
        return reading
    return replace(reading, open_interest_coin=None, open_interest_usd=None)


def column(
    *,
    source: str,
    subject: str,
    asset: str,
    metric: str,
    interval: timedelta,
    rows: Sequence[tuple[int, float]],
    server_at: datetime,
) -> SeriesReading | Gap:
    """Rows of milliseconds and value as a series, or a gap where there is none. Raises SourceChanged where
    times do not ascend, SourceUnavailable for a row of the future."""
    if not rows:
        return Gap(who=subject, reason=about(subject, reason("not_in_reply", what=metric)))
    ascending([at_ms for at_ms, _ in rows], subject)
    if utc(rows[-1][0]) > server_at + FUTURE:
        raise SourceUnavailable(about(subject, reason("future_row")))
    return SeriesReading(
        source=source,
        observed_at=server_at,
        venue=source,
        asset=asset,
        metric=metric,
        interval_s=int(interval.total_seconds()),
        at_ms=array("q", [at_ms for at_ms, _ in rows]),
        value=array("d", [value for _, value in rows]),
    )


def funding_column(
    *, source: str, subject: str, asset: str, rows: Sequence[tuple[int, float | None]], server_at: datetime
) -> SeriesReading | Gap:
    """Payments of funding (milliseconds, fraction of the interval that ended then; any order) as percent for
    eight hours.

    A payment's interval is the time since the one before it; where that is none of the intervals that venues
    use, a payment is missing, and the row is left out."""
    paid = sorted(set(rows))
    hours = [(later[0] - earlier[0]) / HOUR_MS for earlier, later in pairwise(paid)]
    eight_hours = [
        (at_ms, rate * 100 * 8 / since)
        for (at_ms, rate), since in zip(paid[1:], hours, strict=True)
        if rate is not None and abs(rate) < RATE_LIMIT and since in FUNDING_HOURS
    ]
    usual = sorted(hours)[len(hours) // 2] if hours else 0.0
    interval = timedelta(hours=usual if usual in FUNDING_HOURS else 8)
    return column(
        source=source,
        subject=subject,
        asset=asset,
        metric="funding_8h_pct",
        interval=interval,
        rows=eight_hours,
        server_at=server_at,
    )


def ascending(times_ms: Sequence[int], subject: str) -> None:
    """Raises SourceChanged where a time does not come after the one before it."""
    if any(later <= earlier for earlier, later in pairwise(times_ms)):
        raise SourceChanged(about(subject, reason("out_of_order")))


def unique(names: Iterable[str], subject: str) -> None:
    """Raises SourceChanged where a name comes twice: what it counts would be counted twice."""
    told = tuple(names)
    if len(set(told)) == len(told):
        return
    seen: set[str] = set()
    for name in told:
        if name in seen:
            raise SourceChanged(about(subject, reason("twice", name=name)))
        seen.add(name)
