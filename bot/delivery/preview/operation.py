"""What the operator's side asks of the running bot."""

from typing import Protocol

from bot.domain.operation import OperationState


class Operation(Protocol):
    """The running bot as its operator sees it. What is asked for never raises: its outcome tells."""

    async def look(self) -> OperationState:
        """How it is now. Raises ArchiveError."""
        ...

    async def check(self) -> None:
        """Check settings, rules, phrases and cases as they lie on the disk."""
        ...

    async def reload(self) -> None:
        """Read rules and phrases anew."""
        ...

    async def back_up(self) -> None:
        """Copy the archive beside itself."""
        ...

    async def send_test(self, channel: str, title: str, body: str) -> None:
        """Show a card in a channel that says that it is a test."""
        ...
