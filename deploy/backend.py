"""What `python -m build`, `pip install .` and `uv tool install .` ask to pack the bot (PEP 517). It needs nothing that must be
downloaded, so a release is packed without a network too.

A wheel holds `bot/`, and as `bot/shipped/` what a first run copies to a folder of the operator's: `config/`. The same
tree gives the same bytes."""

import base64
import hashlib
import io
import subprocess
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = "bot/shipped"
BEGINNING = (1980, 1, 1, 0, 0, 0)  # zip knows no earlier time
LEFT_OUT = ("__pycache__", ".pyc", ".venv", ".git/", "node_modules", "_cache/")
IN_SOURCES = ("bot", "config", "deploy", "requirements", "tests", "docs", "benchmarks")


def build_wheel(
    wheel_directory: str,
    config_settings: Mapping[str, Any] | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Write the wheel into a folder; its name."""
    about = project()
    name = f"{about['name']}-{about['version']}"
    info = f"{name}.dist-info"
    files = {
        **{path: data for path, data in _files("bot") if not path.startswith(f"{SHIPPED}/")},
        **{f"{SHIPPED}/{path.removeprefix('config/')}": data for path, data in _files("config")},
        f"{info}/METADATA": metadata(about).encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tightrope\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": _entry_points(about).encode(),
        f"{info}/licenses/LICENSE": (ROOT / "LICENSE").read_bytes(),
    }
    record = "".join(f"{path},sha256={_digest(data)},{len(data)}\n" for path, data in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    target = Path(wheel_directory) / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path, BEGINNING)
            entry.external_attr = 0o644 << 16
            wheel.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return target.name


def build_sdist(sdist_directory: str, config_settings: Mapping[str, Any] | None = None) -> str:
    """Write the sources into a folder; the archive's name."""
    about = project()
    name = f"{about['name']}-{about['version']}"
    target = Path(sdist_directory) / f"{name}.tar.gz"
    files = {path: data for folder in IN_SOURCES for path, data in _files(folder)}
    single = ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "tightrope")
    files |= {path: (ROOT / path).read_bytes() for path in single}
    files["PKG-INFO"] = metadata(about).encode()
    with tarfile.open(target, "w:gz", format=tarfile.PAX_FORMAT) as sources:
        for path, data in sorted(files.items()):
            entry = tarfile.TarInfo(f"{name}/{path}")
            entry.size, entry.mode = len(data), 0o755 if path == "tightrope" else 0o644
            sources.addfile(entry, io.BytesIO(data))
    return target.name


def project() -> dict[str, Any]:
    """What pyproject.toml says of the project."""
    told: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return told


def metadata(about: Mapping[str, Any]) -> str:
    """The core metadata (version 2.4) of a wheel and of the sources."""
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {about['name']}",
        f"Version: {about['version']}",
        f"Summary: {about['description']}",
        f"License-Expression: {about['license']}",
        "License-File: LICENSE",
        f"Requires-Python: {about['requires-python']}",
        *(f"Classifier: {one}" for one in about.get("classifiers", ())),
        *(f"Requires-Dist: {needed}" for needed in about["dependencies"]),
    ]
    for extra, needs in about.get("optional-dependencies", {}).items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f"Requires-Dist: {needed}; extra == '{extra}'" for needed in needs]
    lines.append("Description-Content-Type: text/markdown")
    return "\n".join(lines) + "\n\n" + (ROOT / about["readme"]).read_text(encoding="utf-8")


def _entry_points(about: Mapping[str, Any]) -> str:
    scripts = "".join(f"{name} = {where}\n" for name, where in about["scripts"].items())
    return f"[console_scripts]\n{scripts}"


def _files(folder: str) -> Iterator[tuple[str, bytes]]:
    """The files of a folder by their path from the root: in a clone those that git knows, else all that are no cache."""
    asked = subprocess.run(
        ["git", "ls-files", "-z", "--", folder], cwd=ROOT, capture_output=True, check=False
    )
    known = [name for name in asked.stdout.decode().split("\0") if name] if not asked.returncode else []
    found = known or [
        path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()
    ]
    for path in sorted(found):
        if not any(part in path for part in LEFT_OUT) and (ROOT / path).is_file():
            yield path, (ROOT / path).read_bytes()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
