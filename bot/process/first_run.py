"""The first run of an installed wheel: what it brings of config/ is copied to a folder that the operator may edit."""

import shutil
import tempfile
from pathlib import Path

from bot.errors import InputError


def copy_shipped(shipped: Path, folder: Path) -> bool:
    """Copy what was shipped to a folder that is not there yet, as a whole or not at all; whether it was copied. Raises
    InputError where it cannot be written."""
    if not shipped.is_dir() or folder.exists():
        return False
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as beside:
            whole = Path(beside) / folder.name
            shutil.copytree(shipped, whole)
            whole.rename(folder)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror}); name another in TIGHTROPE_CONFIG"
        ) from error
    return True
