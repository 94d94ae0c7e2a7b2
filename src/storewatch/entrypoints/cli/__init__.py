"""The command line. Heavy imports wait until a command needs them: `--help` is instant."""

from __future__ import annotations

import gc
import os
import warnings
from typing import NoReturn

import click

from storewatch import __version__
from storewatch.entrypoints.cli.admin import collect, db, lake, retention, status
from storewatch.entrypoints.cli.annotations import annotate, noted
from storewatch.entrypoints.cli.data import check, load, sample
from storewatch.entrypoints.cli.ending import FAILED, Commands, ended
from storewatch.entrypoints.cli.findings import findings
from storewatch.entrypoints.cli.hours import hours
from storewatch.entrypoints.cli.report import explain, report, verify
from storewatch.entrypoints.cli.service import serve, worker
from storewatch.entrypoints.cli.show import say
from storewatch.entrypoints.cli.token import token
from storewatch.errors import StorewatchWarning

GARBAGE = 100_000  # new objects between two searches for garbage; Python's own is 700


def main() -> NoReturn:
    """Run the command line; our own errors are one line and exit code 1.

    The process ends without taking apart what it holds: for a fleet's frames that takes a tenth of the run.
    Imports and frames make many objects that live to the end, which nobody need search for garbage often.
    """
    gc.set_threshold(GARBAGE)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's others would spin, waiting for work in vain
    warnings.showwarning = _show
    os._exit(ended(_run))


def _show(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    """Say a warning in a line, without the place in the code that it comes from."""
    who = "storewatch" if issubclass(category, StorewatchWarning) else category.__name__
    say([f"{who}: {message}"], err=True)


def _run() -> int:
    """Run the command and return its exit code."""
    try:
        commands()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FAILED if end.code else 0
    return 0


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="storewatch")
def commands() -> None:
    """Uptime reports for places that keep opening hours.

    Settings come from the environment (STOREWATCH_HOME, …); see the settings page of the docs.
    """


for command in (
    report,
    explain,
    findings,
    hours,
    load,
    annotate,
    noted,
    check,
    verify,
    sample,
    serve,
    worker,
    status,
    db,
    retention,
    lake,
    collect,
    token,
):
    commands.add_command(command)
