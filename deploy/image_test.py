"""Build the image without a Docker engine and try it as a careful host runs it: no root, no network, nothing
writable.

Needs buildah, podman, runc and, for the base image, mmdebstrap; says which are missing (exit 2), and which command
failed (exit 1). Exit 0 when all of it holds. The size is that of the unpacked layers, in millions of bytes."""

import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BASE = "localhost/debian:trixie-slim"
IMAGE = "localhost/tightrope:test"
TOOLS = ("buildah", "podman", "mmdebstrap", "runc")
CERTIFICATES = Path("/usr/local/share/ca-certificates")
READY_WITHIN_S = 90
ASK_EVERY_S = 0.2
HEALTHY_GOAL_S = 5  # told and not held: a busy machine is no fault of the image
LARGEST_MB = 380
STOP_WITHIN_S = 10

PODMAN = ["podman", "--runtime", "runc", "--cgroup-manager", "cgroupfs"]
# As in compose.yaml; the archive is in the image's own volume. Limits of files and processes are stated,
# since nested hosts refuse podman's own.
STRICT = [
    "--network=none",
    "--no-healthcheck",
    "--ulimit",
    "nofile=1024:1024",
    "--ulimit",
    "nproc=4096:4096",
    "--read-only",
    "--tmpfs",
    "/tmp",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    "--memory=512m",
]


def say(line: str) -> None:
    """One line of progress."""
    print(f"image-test: {line}", flush=True)


def run(command: Sequence[str]) -> str:
    """What a command prints; what it said besides is shown where it fails. Raises CalledProcessError."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        print(done.stderr, file=sys.stderr, flush=True)
    done.check_returncode()
    return done.stdout.strip()


def logs(container: str) -> str:
    """What a container said, on either stream."""
    return subprocess.run(
        [*PODMAN, "logs", container], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ).stdout


def has_image(name: str) -> bool:
    """Whether the local store holds an image."""
    return subprocess.run([*PODMAN, "image", "exists", name], check=False).returncode == 0


def make_base() -> None:
    """A minimal Debian as a base image, from Debian's own packages, without what its slim image leaves out too."""
    if has_image(BASE):
        return
    say("making the base image")
    with tempfile.TemporaryDirectory() as folder:
        archive = str(Path(folder) / "trixie.tar")
        slim = [
            f"--dpkgopt=path-exclude=/usr/share/{one}/*"
            for one in ("doc", "locale", "man", "info", "lintian")
        ]
        bare = ["--customize-hook=rm -rf $1/var/cache/apt/* $1/var/lib/apt/lists/*"]
        run(["mmdebstrap", "--quiet", "--variant=minbase", *slim, *bare, "trixie", archive])
        run([*PODMAN, "import", "--quiet", archive, BASE])


def build() -> None:
    """The image from the Dockerfile. Host certificates are mounted, not copied: they are no part of it."""
    mounts = ["-v", "/etc/resolv.conf:/etc/resolv.conf:ro"]
    if CERTIFICATES.is_dir():
        mounts += ["-v", f"{CERTIFICATES}:{CERTIFICATES}:ro"]
    isolation = ["--isolation", "chroot", "--format", "docker", "--pull-never"]
    run(
        [
            "buildah",
            "bud",
            "--quiet",
            *isolation,
            *mounts,
            "--build-arg",
            f"BASE={BASE}",
            "-t",
            IMAGE,
            str(ROOT),
        ]
    )


def inside(program: str) -> str:
    """What a Python program prints in the image."""
    return run([*PODMAN, "run", "--rm", *STRICT, "--entrypoint", "python", IMAGE, "-P", "-c", program])


def wait_until_healthy(container: str, started: float) -> float:
    """Seconds from `started` (of the monotonic clock) until the health command answered 0. Raises TimeoutError."""
    health = [*PODMAN, "exec", container, "python", "-P", "-m", "bot", "health"]
    while time.monotonic() - started < READY_WITHIN_S:
        if subprocess.run(health, check=False, capture_output=True).returncode == 0:
            return time.monotonic() - started
        if run([*PODMAN, "inspect", "--format", "{{.State.Running}}", container]) == "false":
            raise TimeoutError(f"it ended by itself:\n{logs(container)}")
        time.sleep(ASK_EVERY_S)
    raise TimeoutError(f"not healthy within {READY_WITHIN_S} s:\n{logs(container)}")


def try_it() -> list[str]:
    """What does not hold of the image."""
    problems = []
    if (user := inside("import os; print(os.getuid())")) != "10001":
        problems.append(f"runs as user {user}, not 10001")
    unwanted = "gcc cc make pip pip3 pytest"
    found = inside(f"import shutil; print(*[name for name in '{unwanted}'.split() if shutil.which(name)])")
    if found:
        problems.append(f"holds what only a build needs: {found}")
    if inside("from pathlib import Path; print((Path('/opt/tightrope') / 'tests').exists())") != "False":
        problems.append("holds the tests")
    started = time.monotonic()
    container = run([*PODMAN, "run", "--detach", *STRICT, IMAGE])
    try:
        say(f"healthy after {wait_until_healthy(container, started):.1f} s (goal: {HEALTHY_GOAL_S} s)")
        run([*PODMAN, "stop", "--time", str(STOP_WITHIN_S), container])
        code = run([*PODMAN, "inspect", "--format", "{{.State.ExitCode}}", container])
        if code != "0":
            problems.append(f"a stop ended with exit code {code}, not 0")
    except TimeoutError as error:
        problems.append(str(error))
    finally:
        run([*PODMAN, "rm", "--force", "--volumes", container])
    return problems


def build_and_try() -> list[str]:
    """What does not hold of the image, its size included. Raises CalledProcessError where it cannot be had."""
    started = time.monotonic()
    make_base()
    build()
    size_mb = int(run([*PODMAN, "image", "inspect", "--format", "{{.Size}}", IMAGE])) / 1e6
    say(f"built after {time.monotonic() - started:.0f} s, {size_mb:.0f} MB (at most {LARGEST_MB} MB)")
    problems = try_it()
    if size_mb > LARGEST_MB:
        problems.append(f"it takes {size_mb:.0f} MB, more than {LARGEST_MB}")
    return problems


def main() -> int:
    """Build, try, report."""
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        say(
            f"missing: {', '.join(missing)}. On Debian and Ubuntu: sudo apt-get install -y {' '.join(missing)}"
        )
        return 2
    try:
        problems = build_and_try()
    except subprocess.CalledProcessError as error:
        problems = [
            f"`{shlex.join(error.cmd)}` ended with exit code {error.returncode}; what it said is above"
        ]
    for problem in problems:
        say(problem)
    say("all of it holds" if not problems else "FAILED")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
