"""The error tree, and who catches what.

::

    TightropeError
    ├── ConfigError            problems in config/ or the environment, all at once      → cli: listed, exit 2
    ├── InputError             a reader's or caller's input, named                      → cli: exit 2; commands: a private answer
    ├── SourceError            one source, one asset                                    → desk: becomes a Gap, said aloud
    │   ├── SourceUnavailable  waiting helps (network, 429, 5xx); may say how long
    │   └── SourceChanged      waiting does not help: an unknown shape, a person is needed
    ├── GateRefused            a text that could be wrong                               → commentary: the plain card goes out, logged
    ├── ArchiveError           the database cannot be read or written                   → app: logged, the poll is repeated
    └── DeliveryError          one channel                                              → sender: the outbox keeps the post
        ├── ChannelGone        it does not exist any more: drop the route
        ├── ChannelRefused     we may not write there: pause the route, tell once
        ├── PostRejected       this post is not taken, the channel is well: drop the post
        ├── DeliveryUncertain  it may have gone out, and nobody can look: not sent again, shown in /status
        └── DeliveryUnavailable  waiting helps; may say how long
"""

from msgspec import Struct


class TightropeError(Exception):
    """Every error that Tightrope raises on purpose."""


class Problem(Struct, frozen=True, kw_only=True):
    """One thing wrong in a configuration file: where, what about, and the way out."""

    file: str
    id: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.id}: {self.reason}" if self.id else f"{self.file}: {self.reason}"


class ConfigError(TightropeError):
    """Configuration that cannot be used. `problems` holds every one found, not only the first."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


class InputError(TightropeError):
    """Input that cannot be taken: the message names the word that is wrong and what would be right."""


class SourceError(TightropeError):
    """A source did not give a reading. The message starts with the source and the asset."""


class SourceUnavailable(SourceError):
    """The source may answer later. `retry_after_s` is its own word on when, if it gave one."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class SourceChanged(SourceError):
    """The source answered in a shape that is not known. Nobody but a person can mend this."""


class GateRefused(TightropeError):
    """A text that did not pass the gate; `failures` says at which rules and why."""

    def __init__(self, failures: list[str]) -> None:
        self.failures = tuple(failures)
        super().__init__("; ".join(failures))


class ArchiveError(TightropeError):
    """The archive cannot be read or written; the message says what to do."""


class DeliveryError(TightropeError):
    """A post did not reach its channel. `unsent`: it is certain that nothing of it is there, from no try."""

    unsent = False


class ChannelGone(DeliveryError):
    """The channel does not exist any more."""

    unsent = True


class ChannelRefused(DeliveryError):
    """The channel exists, and we may not write to it."""

    unsent = True


class PostRejected(DeliveryError):
    """The channel is well, and does not take this one post: the server's rules against spam stopped it
    (`by_server`), or it is made as the surface does not allow."""

    unsent = True

    def __init__(self, message: str, *, by_server: bool = False) -> None:
        self.by_server = by_server
        super().__init__(message)


class DeliveryUncertain(DeliveryError):
    """The post may have gone out before, and the channel may not be read: sending it again could double
    it."""


class DeliveryUnavailable(DeliveryError):
    """The surface may take the post later. `retry_after_s` is its own word on when, if it gave one;
    `everywhere` that its other channels should not be asked either."""

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float | None = None,
        everywhere: bool = False,
        unsent: bool = False,
    ) -> None:
        self.retry_after_s = retry_after_s
        self.everywhere = everywhere
        self.unsent = unsent
        super().__init__(message)
