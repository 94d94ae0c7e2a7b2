"""`make image`: build the image without a registry, and have `serve` and `worker` make a report from it.

Needs root, podman and mmdebstrap. The base image, unless it is there, is stood in for by the Debian that it
is made of, with that Debian's Python; so this shows that the Dockerfile is right and that what it makes runs,
not that the layers of the base do. No container runtime starts anything, for that needs rights which a build
machine seldom has: the image's file system is mounted, read-only, and entered as the image's user, with the
environment and the entry point that the image names.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
from ast import literal_eval
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import demo

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DOCKERFILE = ROOT / "Dockerfile"
REQUIREMENTS = ROOT / "requirements.txt"
PIP = (sys.executable, "-m", "pip")
TAG = "storewatch:checked"
USER = "10001:10001"
STORES = 50
PATIENCE = 120  # seconds for a process to answer

# As it is in the base: a Python that pip may change, and a pip that may be removed.
WHEEL = "/usr/share/python-wheels/pip-*.whl"
AS_IN_THE_BASE = (
    "ln -s python3 /usr/bin/python; rm /usr/lib/python3*/EXTERNALLY-MANAGED; "
    f"PYTHONPATH=$(echo {WHEEL}) python -m pip install -q --no-index {WHEEL}"
)
SEARCHED = "PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"

MACHINES = ("x86_64", "aarch64")
GLIBC = range(17, 42)  # wheels for which minor versions the base takes: Debian 13 has 2.41

# In a mount namespace of its own: root, home, folder for /tmp, user, and the words to run.
ENTER = """
mount --bind "$2" "$1/var/lib/storewatch"
mount --bind "$3" "$1/tmp"
mount --rbind /proc "$1/proc"
mount --rbind /dev "$1/dev"
root=$1 user=$4
shift 4
exec chroot --userspec="$user" "$root" "$@"
"""


def main() -> int:
    if missing := [name for name in ("podman", "mmdebstrap", "unshare") if shutil.which(name) is None]:
        sys.exit(f"{' and '.join(missing)} must be installed (apt-get install podman mmdebstrap util-linux)")
    if os.geteuid() != 0:
        sys.exit("only root may mount the file system of an image")
    began = time.monotonic()
    check_wheels()
    stand_in()
    build()
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as image:
        check_content(image)
        show_sizes(image)
        check_report(image)
    say(f"all of it took {time.monotonic() - began:.0f} s; nothing is left running")
    return 0


# --- made


def check_wheels() -> None:
    """See that every package has a wheel, by its hash, for both machines: the image is built for either."""
    for machine in MACHINES:
        platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in GLIBC]
        target = ("--target=unused", f"--python-version={python()}", "--only-binary=:all:", *platforms)
        run(*PIP, "install", "--dry-run", "--no-deps", "--require-hashes", *target, "-r", str(REQUIREMENTS))
    say(f"there are wheels for {' and '.join(MACHINES)}")


def python() -> str:
    """Return the Python that the image is to have, as in 3.13."""
    (version,) = set(re.findall(r"(?m)^FROM python:([\d.]+)-", DOCKERFILE.read_text("utf-8")))
    return str(version)


def stand_in() -> None:
    """Make what the Dockerfile calls its base from Debian's packages, unless it is there."""
    (name,) = set(re.findall(r"(?m)^FROM (\S+)", DOCKERFILE.read_text("utf-8")))
    full = f"docker.io/library/{name}"
    if run("podman", "images", "--quiet", full):
        return
    suite = name.rpartition("-")[2]
    say(f"a stand-in for {name}, from the packages of Debian {suite}")
    with tempfile.TemporaryDirectory() as folder:
        archive = f"{folder}/base.tar"
        packages = "--include=ca-certificates,python3,python3-venv"
        hook = f"--customize-hook=chroot \"$1\" sh -euc '{AS_IN_THE_BASE}'"
        run("mmdebstrap", "--quiet", "--variant=minbase", packages, hook, suite, archive)
        run("podman", "import", "--quiet", "--change", f"ENV {SEARCHED}", archive, full)


def build() -> None:
    """Build the image as `docker build` does, with this machine's settings for pip."""
    settings = pip_settings()
    with tempfile.TemporaryDirectory() as folder:
        secret = Path(folder, "pip.conf")
        secret.write_text("[global]\n" + "".join(f"{k} = {v}\n" for k, v in settings.items()), "utf-8")
        volumes = [f"--volume={path}:{path}:ro" for path in files_named_in(settings)]
        options = ("--isolation=chroot", "--format=docker", "--pull=never", f"--tag={TAG}")
        say("building the image")
        run("podman", "build", *options, f"--secret=id=pip.conf,src={secret}", *volumes, str(ROOT))


def pip_settings() -> dict[str, str]:
    """Return what pip is told on this machine, by files and environment."""
    lines = run(*PIP, "config", "list").splitlines()
    return {k.rpartition(".")[2]: literal_eval(v) for k, _, v in (line.partition("=") for line in lines)}


def files_named_in(settings: dict[str, str]) -> list[str]:
    """Return the files and folders that pip's settings name; of an index, what lies beside it too."""
    words = [word for value in settings.values() for word in value.split()]
    beside = {str(Path(word.removeprefix("file://")).parent) for word in words if word.startswith("file://")}
    return sorted(beside | {word for word in words if word.startswith("/") and Path(word).exists()})


# --- looked at


@dataclass(frozen=True, kw_only=True)
class Image:
    """The image's file system, mounted, and what it says about itself."""

    root: Path
    home: Path
    scratch: Path  # what its processes have at /tmp
    config: dict[str, Any]
    health: list[str]  # its health check

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the image sets."""
        return dict(line.split("=", 1) for line in self.config["Env"])

    def command(self, *words: str) -> list[str]:
        """Return how to run words in it as its user, read-only but for home and /tmp."""
        places = [str(self.root), str(self.home), str(self.scratch), self.config["User"]]
        return ["unshare", "--mount", "--propagation=private", "sh", "-euc", ENTER, "sh", *places, *words]

    def storewatch(self, *words: str) -> list[str]:
        """Return how to run its entry point."""
        return self.command(*self.config["Entrypoint"], *words)


@contextmanager
def opened(folder: Path) -> Iterator[Image]:
    """Mount the image, with a home and a /tmp for its user."""
    (description,) = json.loads(run("podman", "image", "inspect", TAG))
    uid, gid = map(int, USER.split(":"))
    folder.chmod(0o755)
    for name in ("home", "scratch"):
        (folder / name).mkdir(mode=0o700)
        os.chown(folder / name, uid, gid)
    root = Path(run("podman", "image", "mount", TAG).strip())
    try:
        yield Image(
            root=root,
            home=folder / "home",
            scratch=folder / "scratch",
            config=description["Config"],
            health=description["Healthcheck"]["Test"],
        )
    finally:
        run("podman", "image", "umount", TAG)


def check_content(image: Image) -> None:
    """Check whose the image is, that only the home can be written, and that nothing is left of the build."""
    expect(image.config["User"], USER, "the image's user")
    expect(answer(image, "id -u; id -g; id -G"), "10001\n10001\n10001\n", "who runs in it")
    expect(answer(image, "touch /var/lib/storewatch/a /tmp/a && rm /var/lib/storewatch/a /tmp/a"), "", "home")
    for place in ("/", "/opt/storewatch", "/etc", "/usr/local/bin", "/var"):
        expect(
            answer(image, f"touch {place}/a 2>/dev/null || echo refused"), "refused\n", f"a file in {place}"
        )
    venv = image.root / "opt" / "storewatch"
    for path in ("bin/pip", "lib/*/site-packages/pip", "lib/*/site-packages/**/tests"):
        expect([str(p) for p in venv.glob(path)], [], f"{path} in the image")
    expect(answer(image, "! command -v pip"), "", "pip on the path")
    secret = image.root / "etc" / "pip.conf"
    expect(secret.exists() and secret.read_text(), False, "pip's settings in the image")
    expect(answer(image, "python --version").startswith(f"Python {python()}."), True, f"Python {python()}")


def answer(image: Image, script: str) -> str:
    """Return what a shell script prints in the image."""
    return run(*image.command("sh", "-euc", script), env=image.environment)


def show_sizes(image: Image) -> None:
    """Say how large the image is, and which packages make it so."""
    (packages,) = (image.root / "opt" / "storewatch").glob("lib/*/site-packages")
    sizes = sorted(((size(path), path.name) for path in packages.iterdir()), reverse=True)
    everything = size(image.root)
    say(f"{everything / 1e6:.0f} MB, {sum(n for n, _ in sizes) / 1e6:.0f} of them packages:")
    say("  " + ", ".join(f"{name} {n / 1e6:.0f}" for n, name in sizes[:10]))


def size(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder."""
    files = path.rglob("*") if path.is_dir() and not path.is_symlink() else [path]
    return sum(file.lstat().st_size for file in files if file.is_symlink() or file.is_file())


# --- run


def check_report(image: Image) -> None:
    """Have the service and a worker, each a process of the image, make a report; compare it with ours."""
    run(*image.storewatch("sample", "/tmp/fleet", "--stores", str(STORES)), env=image.environment)  # noqa: S108  its own
    run(*image.storewatch("load", "/tmp/fleet"), env=image.environment)  # noqa: S108  the same
    port, metrics = free_port(), free_port()
    with ExitStack() as stack:
        serve = ("serve", "--host", "127.0.0.1", "--port", str(port), "--workers", "0")
        stack.enter_context(started(image, *serve, at=f"http://127.0.0.1:{port}/readyz"))
        work = ("worker", "--metrics-host", "127.0.0.1", "--metrics-port", str(metrics))
        stack.enter_context(started(image, *work, at=f"http://127.0.0.1:{metrics}/healthz"))
        check_health(image, port)
        url, took = demo.report(f"http://127.0.0.1:{port}")
        theirs = demo.fetch(url)
    ours = run(
        sys.executable, "-m", "storewatch.entrypoints.cli", "report", "--data", f"{image.scratch}/fleet"
    )
    expect(theirs.decode(), ours, "the report")
    say(f"serve and worker made the report of {STORES} stores in {took:.1f} s, the same as this checkout's")


@contextmanager
def started(image: Image, *words: str, at: str) -> Iterator[None]:
    """Run a command of the image until the block ends, and wait until it answers at an address."""
    log = image.home.parent / f"{words[0]}.log"
    with (
        log.open("wb") as out,
        subprocess.Popen(image.storewatch(*words), env=image.environment, stdout=out, stderr=out) as process,
    ):
        try:
            deadline = time.monotonic() + PATIENCE
            while not answers(at):
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"{words[0]} does not answer:\n{log.read_text(errors='replace')}")
                time.sleep(0.1)
            yield
        finally:
            process.terminate()
    expect(process.returncode, 0, f"how {words[0]} ended")


def answers(url: str) -> bool:
    try:
        demo.fetch(url)
    except (urllib.error.URLError, ConnectionError):
        return False
    return True


def check_health(image: Image, port: int) -> None:
    """Run the image's own health check, at the port that is in use here."""
    kind, *words = image.health
    expect(kind, "CMD", "the health check")
    there = [word.replace("8000", str(port)) for word in words]
    expect(run(*image.command(*there), env=image.environment), "", "the health check's words")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


# --- said


def run(*words: str, env: dict[str, str] | None = None) -> str:
    """Return what a command prints; end, with all that it said, if it fails."""
    done = subprocess.run(words, check=False, capture_output=True, text=True, env=env)
    if done.returncode != 0:
        sys.exit(
            f"{' '.join(words[:8])} … failed ({done.returncode}):\n{done.stdout[-8000:]}{done.stderr[-8000:]}"
        )
    return done.stdout


def expect(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        sys.exit(f"{what}: {found!r} where {wanted!r} was expected")


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  what this script is for


if __name__ == "__main__":
    sys.exit(main())
