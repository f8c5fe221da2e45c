"""`python -m bot`: the command line."""

import gc

# What a start loads stays for good; looking through it for garbage again and again takes an eighth of the
# start.
gc.disable()

from bot.cli.main import main  # noqa: E402

gc.freeze()
gc.enable()
# A poll makes and drops a hundred thousand objects that point at nothing younger; the default of 700 looks at
# them all day.
gc.set_threshold(50_000, 20, 20)

if __name__ == "__main__":
    main()
