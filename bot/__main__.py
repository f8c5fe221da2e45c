"""`python -m bot`: the command line."""

import gc

# What a start loads stays for good; looking through it for garbage again and again takes an eighth of the start.
gc.disable()

from bot.cli import main  # noqa: E402

gc.freeze()
gc.enable()

if __name__ == "__main__":
    main()
