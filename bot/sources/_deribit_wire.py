"""What all that Deribit tells has in common: the envelope, how assets are spelled, and the names of options."""

import re
from datetime import datetime
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from bot.domain.kept import keep_for_a_day
from bot.errors import SourceChanged, SourceUnavailable
from bot.reasons import about, reason
from bot.sources._http import Reply
from bot.sources._odd import OddRows, decode_rows
from bot.sources._options import expiry
from bot.sources._wire import known_at, to_ms

# too many requests, retry, settlement, queue full, too many at once, maintenance, unavailable, unavailable, timed out
PASSING = {10028, 10040, 10041, 10047, 10066, 11051, 13028, 13503, 13888}
INVERSE = ("BTC", "ETH")
USDC = "USDC"
_OPTION = re.compile(r"(\d{1,2}[A-Z]{3}\d{2})-(\d+(?:d\d+)?)-([CP])", re.ASCII)

T = TypeVar("T")


class _Trouble(msgspec.Struct, frozen=True, gc=False):
    code: int
    message: str = ""


class Rpc(msgspec.Struct, Generic[T], frozen=True, gc=False):
    result: T | None = None
    error: _Trouble | None = None
    usOut: int | None = None  # noqa: N815  the venue's spelling


class DeribitSpelling(Struct, frozen=True, kw_only=True):
    """How Deribit spells an asset: BTC and ETH have inverse contracts of their own currency, others linear
    ones in USDC."""

    asset: str
    currency: str
    prefix: str
    index: str
    inverse: bool

    @property
    def perpetual(self) -> str:
        return f"{self.prefix}PERPETUAL"


def spelling_of(asset: str) -> DeribitSpelling:
    if asset in INVERSE:
        return DeribitSpelling(
            asset=asset, currency=asset, prefix=f"{asset}-", index=f"{asset.lower()}_usd", inverse=True
        )
    return spelling_in_usdc(asset)


def spelling_in_usdc(asset: str) -> DeribitSpelling:
    """An asset's linear contracts in USDC; of BTC and ETH they stand beside those of their own currency."""
    return DeribitSpelling(
        asset=asset, currency=USDC, prefix=f"{asset}_USDC-", index=f"{asset.lower()}_usdc", inverse=False
    )


def read_rpc(
    decoder: "msgspec.json.Decoder[Rpc[T]]", body: bytes, subject: str, odd: OddRows | None = None
) -> Rpc[T]:
    """The envelope of an answer that is no error. Raises SourceError."""
    envelope = decode_rows(decoder, body, subject, odd)
    if envelope.error is not None:
        said = about(
            subject, reason("venue_error", code=str(envelope.error.code), said=envelope.error.message)
        )
        raise SourceUnavailable(said) if envelope.error.code in PASSING else SourceChanged(said)
    return envelope


def read_result(
    decoder: "msgspec.json.Decoder[Rpc[T]]", reply: Reply, odd: OddRows | None = None
) -> tuple[T, datetime]:
    """The result and the server's time; rows of another shape are left out where `odd` takes them. Raises
    SourceError."""
    envelope = read_rpc(decoder, reply.body, reply.subject, odd)
    if envelope.result is None:
        raise SourceChanged(about(reply.subject, reason("no_result")))
    told = known_at(envelope.usOut // 1000 if envelope.usOut else None, reply.subject)
    return envelope.result, reply.server_at(told)


@keep_for_a_day(4096)
def read_option(name: str, subject: str) -> tuple[int, float, bool]:
    """Expiry in milliseconds, strike in USD and whether it is a call, from `23JAN26-90000-P` (a `d` is a
    decimal point)."""
    found = _OPTION.fullmatch(name)
    if found is None:
        raise SourceChanged(about(subject, reason("no_option_name", said=name[:40])))
    day, strike, right = found.groups()
    strike_usd = float(strike.replace("d", "."))
    if not strike_usd > 0:
        raise SourceChanged(about(subject, reason("no_strike", said=name[:40])))
    return to_ms(expiry(day, subject)), strike_usd, right == "C"
