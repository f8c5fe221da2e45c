"""What a database's error means, and what the operator can do about it: in our own words, since a library's own
text may hold an address or a value."""

import errno
import socket
import sqlite3
from collections.abc import Iterator

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

# SQLite's result codes: https://www.sqlite.org/rescode.html
SQLITE = {
    "SQLITE_FULL": "the disk is full: free some space (`df -h` shows where); nothing that was stored is lost",
    "SQLITE_READONLY": "the file or its folder may not be written: give the bot's user the right to write there",
    "SQLITE_PERM": "the file or its folder may not be used: give the bot's user the right to read and write there",
    "SQLITE_CANTOPEN": "the file cannot be opened: check that its folder exists and may be written",
    "SQLITE_CORRUPT": "the file is damaged: stop the bot and run `./tightrope restore BACKUP`",
    "SQLITE_NOTADB": "the file is not a database or is damaged: stop the bot and run `./tightrope restore BACKUP`",
    "SQLITE_BUSY": "another process holds the file: is the bot running twice?",
    "SQLITE_LOCKED": "another process holds the file: is the bot running twice?",
    "SQLITE_ERROR": "the file does not hold what this version stores: look whether it is the right one, or run"
    " `./tightrope restore BACKUP`",
    "SQLITE_IOERR": "the disk cannot be read or written: look at it (`dmesg` tells why), then run"
    " `./tightrope doctor`; where the file is damaged, `./tightrope restore BACKUP`",
}

# PostgreSQL's error codes, whole or by class: https://www.postgresql.org/docs/current/errcodes-appendix.html
POSTGRESQL = {
    "25006": "the server only reads, as a standby does: after a failover the next try connects anew",
    "53100": "the server's disk is full: free some space there; nothing that was stored is lost",
    "53300": "the server has no connection left: raise its max_connections, or run fewer processes",
    "57P01": "the server is being stopped or restarted: the next try connects anew",
    "57P02": "the server is being stopped or restarted: the next try connects anew",
    "57P03": "the server is starting or stopping: the next try connects anew",
    "28": "the server refuses this user or password: mend DATABASE_URL",
    "3D000": "the server has no database of this name: create it, or mend DATABASE_URL",
    "42501": "this user lacks a right there: let it own the database",
    "08": "the connection to the server was lost: the next try connects anew",
    "40": "others changed the same at the same time, again and again: try again",
}

REPEATED = ("40001", "40P01", "53300")

GONE = (
    "was taken away or replaced while it was in use: stop the bot, put the file back or run"
    " `./tightrope restore BACKUP`, and start it again"
)
LOST = "the connection to the server was lost: the next try connects anew"
BUSY = "every connection is in use: try again in a moment"
UNREACHED = "the server cannot be reached: check that it runs, and DATABASE_URL"


def advise(error: BaseException) -> str:
    """What an error of the database or of its driver means for the operator, by its code alone."""
    code = _sqlstate(error)
    if code is not None:
        known = POSTGRESQL.get(code) or POSTGRESQL.get(code[:2])
        return known or f"the server answered with SQLSTATE {code}"
    if isinstance(error, PoolTimeoutError):
        return BUSY
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return LOST
    for one in _causes(error):
        if isinstance(one, sqlite3.Error):
            name = getattr(one, "sqlite_errorname", type(one).__name__)
            known = next((text for sign, text in SQLITE.items() if name.startswith(sign)), None)
            return known or f"SQLite answered with {name}"
        if isinstance(one, OSError):
            return UNREACHED if _is_of_network(one) else (one.strerror or type(one).__name__).lower()
    return f"the database's driver gave up with {type(error).__name__}"


def may_be_repeated(error: BaseException | None) -> bool:
    """Whether a server undid a transaction that it could not bring into an order with others', or had no
    connection left for it: nothing of it was stored."""
    return error is not None and _sqlstate(error) in REPEATED


def is_read_only(error: BaseException | None) -> bool:
    """Whether a server takes no writes."""
    return error is not None and _sqlstate(error) == "25006"


def _is_of_network(error: OSError) -> bool:
    # A server's socket that is not there is told without a name, a file that is not there with its name.
    away = error.errno is None or (error.errno == errno.ENOENT and error.filename is None)
    return away or isinstance(error, ConnectionError | TimeoutError | socket.gaierror)


def _sqlstate(error: BaseException) -> str | None:
    found = (getattr(one, "sqlstate", None) for one in _causes(error))
    return next((code for code in found if isinstance(code, str)), None)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error, and what it came of."""
    one: BaseException | None = error
    while one is not None:
        yield one
        one = getattr(one, "orig", None) or one.__cause__
