"""A release by one command: what must hold is checked, the wheel is packed, the commit gets its tag, and how the image is
built from it is said.

Run: ./tightrope release [--for-real]

Without --for-real nothing outside dist/ changes: the tree is looked at, the wheel is packed, and what would be done is said.
With it lint and every test run first, and the tag is set. Nothing is pushed or uploaded."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import backend

ROOT = Path(__file__).resolve().parents[1]

CHECKS = (("lint",), ("test", "--all"))


def problems(version: str, changelog: str, dirty: str, tags: str) -> list[str]:
    """What stands against a release of a version: the tree has changes, the tag exists, the code says another version, or
    the changelog has no heading for it."""
    found = []
    if dirty.strip():
        found.append(f"{len(dirty.strip().splitlines())} file(s) are not committed")
    if f"v{version}" in tags.split():
        found.append(f"the tag v{version} is there already: raise the version in pyproject.toml")
    told = re.search(r'__version__ = "([^"]+)"', (ROOT / "bot" / "__init__.py").read_text(encoding="utf-8"))
    if told is None or told[1] != version:
        found.append(f"bot/__init__.py says another version than pyproject.toml ({version})")
    if not re.search(rf"^## {re.escape(version)}\b", changelog, re.MULTILINE):
        found.append(f"CHANGELOG.md has no heading ## {version}: what is unreleased becomes it")
    return found


def image_recipe(version: str) -> str:
    """The command that builds the image of a version from its tag, whatever lies in the tree."""
    return f"git archive v{version} | docker build --tag tightrope:{version} -"


def git(*arguments: str) -> str:
    """What git says. Raises CalledProcessError."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def main(arguments: list[str]) -> int:
    """Release, or say what would be done; 1 where something stands against it."""
    parser = argparse.ArgumentParser(prog="./tightrope release", description=__doc__)
    parser.add_argument("--for-real", action="store_true", help="run every check and set the tag")
    for_real = parser.parse_args(arguments).for_real
    version = backend.project()["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    against = problems(version, changelog, git("status", "--porcelain"), git("tag"))
    for problem in against:
        print(f"FAIL {problem}")
    if against and for_real:
        return 1
    for check in CHECKS:
        told = f"./tightrope {' '.join(check)}"
        if not for_real:
            print(f"would run {told}")
        elif subprocess.run([ROOT / "tightrope", *check], cwd=ROOT, check=False).returncode:
            print(f"FAIL {told}")
            return 1
    folder = ROOT / "dist"
    folder.mkdir(exist_ok=True)
    print(f"ok   dist/{backend.build_wheel(str(folder))}")
    if for_real:
        git("tag", "--annotate", f"v{version}", "--message", f"Tightrope {version}")
        print(f"ok   tag v{version}; git push origin v{version} publishes it")
    else:
        print(f"would set the tag v{version}")
    print(f"the image, from that tag alone: {image_recipe(version)}")
    return 1 if against else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
