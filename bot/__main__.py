"""`python -m bot`: the command line."""

import gc
import signal
import sys

if sys.argv[1:2] == ["run"]:
    # Who asks a bot that is still starting to read its files anew would end it; they are read in a moment.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

# What a start loads stays for good; looking through it for garbage again and again takes an eighth of the
# start.
gc.disable()

from bot.late import put_off  # noqa: E402

put_off(("numpy", "httpx"))

from bot.cli.main import main  # noqa: E402

gc.freeze()
gc.enable()
# A poll makes and drops a hundred thousand objects that point at nothing younger; the default of 700 looks at
# them all day.
gc.set_threshold(50_000, 20, 20)

if __name__ == "__main__":
    main()
