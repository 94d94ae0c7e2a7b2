"""The command line. Heavy imports wait until a command needs them: `--help` is instant."""

from __future__ import annotations

import sys

import click

from storewatch import __version__
from storewatch.entrypoints.cli.admin import db, retention, status
from storewatch.entrypoints.cli.data import load, sample
from storewatch.entrypoints.cli.explain import explain
from storewatch.entrypoints.cli.report import report, verify
from storewatch.entrypoints.cli.service import serve, worker
from storewatch.errors import StorewatchError

ERROR = 1  # exit code; 2 is wrong usage, 3 done but with rows that could not be used


def main() -> None:
    """Run the command line; our own errors are one line and exit code 1."""
    try:
        commands()
    except StorewatchError as error:
        click.echo(f"storewatch: {error}", err=True)
        sys.exit(ERROR)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="storewatch")
def commands() -> None:
    """Uptime reports for places that keep opening hours.

    Settings come from the environment (STOREWATCH_HOME, …); see the settings page of the docs.
    """


for command in (report, explain, load, verify, sample, serve, worker, status, db, retention):
    commands.add_command(command)
