"""How each venue and vendor would tell a moment of the tape, in its own wire format: one file each, named as
its source."""
