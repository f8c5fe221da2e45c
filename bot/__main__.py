"""`python -m bot`: the command line."""

import gc
import os
import signal
import sys

starts = sys.argv[1:2] == ["run"]
if starts:
    # Who asks a bot that is still starting to read its files anew would end it; they are read in a moment.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

# No plugin is written for these shapes; looking for one reads what every installed library says of itself.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

# What a start loads stays for good; looking through it for garbage again and again takes an eighth of the
# start.
gc.disable()

from bot.late import put_off, put_off_parts  # noqa: E402

put_off(("numpy", "httpx", "jinja2"))
put_off_parts(
    {
        # What asks others over HTTP reads the certificates of this machine, twice: a page that answers needs none.
        "aiohttp.connector": (
            "AddrInfoType",
            "BaseConnector",
            "HTTP_AND_EMPTY_SCHEMA_SET",
            "NamedPipeConnector",
            "SocketFactoryType",
            "TCPConnector",
            "UnixConnector",
        ),
        # A command line of its own, with a highlighter and tables for it.
        "httpx._main": ("main",),
        # An ORM, where tables and statements are all that is used of SQLAlchemy.
        "sqlalchemy.ext.asyncio.scoping": ("async_scoped_session",),
        "sqlalchemy.ext.asyncio.session": (
            "AsyncAttrs",
            "AsyncSession",
            "AsyncSessionTransaction",
            "async_object_session",
            "async_session",
            "async_sessionmaker",
            "close_all_sessions",
        ),
        # A highlighter of source code: a log's tracebacks are plain.
        "rich.traceback": ("Traceback",),
    }
)

from bot.cli.main import main  # noqa: E402

if not starts:  # a bot that starts does so itself, once its page answers
    gc.freeze()
    gc.enable()
# A poll makes and drops a hundred thousand objects that point at nothing younger; the default of 700 looks at
# them all day.
gc.set_threshold(50_000, 20, 20)

if __name__ == "__main__":
    main()
