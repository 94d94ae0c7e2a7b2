"""Slices as tasks of a Ray cluster; the report's driver is a child process, since Ray may end its process."""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import Pipe
from typing import TYPE_CHECKING
from urllib.parse import quote

from storewatch import __version__
from storewatch.adapters.location import local_path, scheme_of
from storewatch.bootstrap import open_shelf
from storewatch.config import OF_RAY, PREFIX
from storewatch.domain.account import account
from storewatch.engines.ray_task import TRIES, SliceTask, plain
from storewatch.errors import EngineError, Port, SettingsError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from multiprocessing.connection import Connection

    from storewatch.config import Settings
    from storewatch.domain.ask import Ask
    from storewatch.domain.slices import Within
    from storewatch.engines.part import Part, Rules, Tell
    from storewatch.engines.ray_task import Shelved
    from storewatch.ports.polls import Snapshot

JOINING_SECONDS = 30.0  # that a driver has to join the cluster that there is
STARTING_SECONDS = 180.0  # that a cluster on this machine has to start
DIALLING_SECONDS = 5.0

_CLIENT = (
    "ray:// is Ray Client, which Ray's own documentation advises against for long work: make this machine a "
    "node of the cluster (ray start --address=HEAD:6379 --num-cpus=0), and write ray:auto"
)


@dataclass(frozen=True, kw_only=True)
class RayEngine:
    """Computes slices as tasks of a Ray cluster; an `Engine`.

    A new driver joins or starts it for each report. Parts come by the report shelf.
    """

    settings: Settings
    workers: int | None  # of a cluster on this machine, for one report; None: the cluster that there is
    software: str = __version__  # that Ray workers have to have

    def parts(
        self,
        snapshot: Snapshot,
        ask: Ask,
        slices: Sequence[Within],
        *,
        rules: Rules,
        tell: Tell,  # noqa: ARG002  parts of several slices, whoever takes them knows more
        folder: str | None = None,
    ) -> Generator[Part]:
        """Yield the part of each slice, in their order.

        Raises:
            EngineError: The cluster is not there, or could not compute a slice.
            UnavailableError: A Ray worker was not answered by poll store or shelf.
        """
        assert rules is account  # noqa: S101  the reference is for this machine
        shelf = open_shelf(self.settings)
        folder = f"{folder or f'{uuid.uuid4().hex}/1'}/parts"
        tasks = [self._task(snapshot.shared, ask, within, folder) for within in slices]
        found: dict[int, Shelved] = {}
        if self.workers is None:
            _dial(os.environ.get("RAY_ADDRESS", ""))
        try:
            with _driver(self._environment(), (self.workers, tasks)) as driver:
                _hear(driver, seconds=JOINING_SECONDS if self.workers is None else STARTING_SECONDS)
                for place in range(len(slices)):
                    while place not in found:
                        found.update([_hear(driver)])
                    yield found.pop(place).load(shelf)
        finally:
            with suppress(UnavailableError):  # what is left goes with the job
                shelf.sweep(folder, keep=None)

    def _task(self, version: str, ask: Ask, within: Within, folder: str) -> SliceTask:
        return SliceTask(
            software=self.software,
            settings=_anywhere(self.settings),
            version=version,
            ask=ask.values(),
            within=plain(within),
            folder=folder,
        )

    def _environment(self) -> dict[str, str]:
        """Return the driver's environment; Ray reads its own settings there only, before it is imported."""
        always = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
        given = {"RAY_task_oom_retries": str(TRIES)} | dict(os.environ) | always  # without end if not said
        if self.workers is None:
            return given
        # Said, or Ray would write a token into HOME. A Ray worker has one core: Polars is not to take all.
        local = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "POLARS_MAX_THREADS": "1"}
        return given | local


def ray_engine(settings: Settings) -> RayEngine:
    """Return the engine of `ray:auto` or `ray:local?workers=2`.

    Raises:
        SettingsError: It is another one, or Ray is not installed.
    """
    url = settings.engine_url
    joined = os.environ.get("RAY_ADDRESS", "") if url == "ray:auto" else url
    if joined.startswith("ray://"):
        raise SettingsError(_CLIENT)
    form = re.fullmatch(r"ray:(auto|local\?workers=([1-9]\d{0,2}))", url)
    if not form:
        raise SettingsError(f"there is no engine {url!r}: write {OF_RAY}")
    if find_spec("ray") is None:
        raise SettingsError(f"{url} needs Ray: pip install 'storewatch[ray]'")
    return RayEngine(settings=settings, workers=int(form[2]) if form[2] else None)


def _anywhere(settings: Settings) -> dict[str, str]:
    """Return the settings as variables, with whole paths: a Ray worker has a working directory of its own."""
    given = settings.environment()
    for name in (f"{PREFIX}POLLS_URL", f"{PREFIX}REPORTS_URL"):
        if (scheme := scheme_of(given[name])) in {"delta", "file"}:
            given[name] = f"{scheme}:{quote(str(local_path(given[name]).absolute()))}"
    return given


def _dial(address: str) -> None:
    """Find out at once whether anybody listens at an address, if there is one: Ray tries for minutes.

    Raises:
        EngineError: Nobody does.
    """
    host, _, port = address.rpartition(":")
    try:
        if port.isdecimal():
            socket.create_connection((host, int(port)), timeout=DIALLING_SECONDS).close()
    except OSError as error:
        raise EngineError(
            "the Ray cluster's head cannot be reached: is it running?", f"no Ray head at {address}: {error}"
        ) from error


@contextmanager
def _driver(environment: dict[str, str], words: tuple[object, ...]) -> Iterator[Connection]:
    """Start a driver and yield the connection to it, by which it has heard a folder of its own and `words`.

    It ends afterwards, and all that it has started, also where this process is killed.
    """
    ours, theirs = Pipe()
    # The folder's path is short, for Ray puts sockets there.
    with ours, tempfile.TemporaryDirectory(prefix="storewatch-ray-", ignore_cleanup_errors=True) as folder:
        with theirs:
            process = subprocess.Popen(  # noqa: S603  ourselves
                [sys.executable, "-P", "-m", "storewatch.engines.ray_driver", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=2,  # a report may go to ours
                env=environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # the processes of a cluster on this machine are of its group
            )
        try:
            with suppress(ConnectionError):  # it has ended: whoever hears it will know
                ours.send((folder, *words))
            yield ours
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _hear(driver: Connection, *, seconds: float | None = None) -> tuple[int, Shelved]:
    """Return the next part, and its place.

    Raises:
        EngineError: There is none, or none for `seconds`.
        UnavailableError: A Ray worker was not answered.
    """
    try:
        if not driver.poll(seconds):
            raise EngineError(f"the Ray cluster did not answer for {seconds:g} s: is its head running?")
        place, answer = driver.recv()
    except (EOFError, ConnectionError) as error:
        raise EngineError("the driver of the Ray cluster ended: the cluster's head may have") from error
    if isinstance(answer, dict):
        raise _error(**answer)
    return place, answer


def _error(*, port: str | None, message: str, told: str) -> EngineError | UnavailableError:
    """Return the error of a `Trouble`."""
    return UnavailableError(message, port=Port(port), told=told) if port else EngineError(told, message)
