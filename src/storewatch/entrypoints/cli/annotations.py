"""Commands for what people state of a time: annotate, annotations list, annotations withdraw."""

from __future__ import annotations

import getpass
import time

import click

from storewatch.entrypoints.cli.options import instant_option
from storewatch.entrypoints.cli.show import say
from storewatch.entrypoints.cli.source import poll_store
from storewatch.errors import InputError

STATUSES = ("excluded", "up", "down", "unknown")


@click.command()
@click.option("--store", metavar="ID", help="What is stated is of this store …")
@click.option("--label", metavar="L=V", help="… or of all with this value of a label, like brand=x …")
@click.option("--all", "every", is_flag=True, help="… or of every store.")
@instant_option("--from", "start", help="Its first second, like 2023-01-25T02:00:00Z.")
@instant_option("--to", "end", required=False, help="The one after its last. Default: none, it goes on.")
@click.option(
    "--as", "counts_as", type=click.Choice(STATUSES), required=True, help="What the time counts as."
)
@click.option("--reason", required=True, help="Why; it stands beside the figures that it changes.")
@click.option("--author", help="Who says so. Default: who runs this.")
@click.option("--id", "note", metavar="ID", help="What it is called. Default: made from what it says.")
def annotate(
    *,
    store: str | None,
    label: str | None,
    every: bool,
    start: int,
    end: int | None,
    counts_as: str,
    reason: str,
    author: str | None,
    note: str | None,
) -> None:
    """State what a time counts as, whatever polls say.

    Planned downtime, for example, or an outage of the poller.
    It is kept with its author, reason and time; explanations and manifests name it. Nothing is edited:
    withdraw it (annotations withdraw) and make another. Prints its id.
    """
    from storewatch.answering.annotate import annotate as keep
    from storewatch.domain.instant import iso

    if [store is not None, label is not None, every].count(True) != 1:
        raise click.UsageError("whom is it about? Name one of --store ID, --label L=V and --all")
    if label is not None and "=" not in label:
        raise click.BadParameter("write a label and its value, like brand=x", param_hint="--label")
    name, _, value = ("*", "", "") if every else (label or "").partition("=")
    given = {
        "id": note,
        "store_id": store,
        "label": name,
        "value": value,
        "start_utc": iso(start),
        "end_utc": None if end is None else iso(end),
        "counts_as": counts_as,
        "reason": reason,
        "author": _whoever() if author is None else author,
    }
    with poll_store() as polls:
        (made,) = keep(polls, given, now=time.time())["id"]
        with polls.at() as snapshot:
            if store is not None and not snapshot.has(store):
                say([f"no input names the store {store}: this has no effect until one does"], err=True)
    click.echo(made)


@click.group("annotations")
def noted() -> None:
    """List and withdraw what people state of times."""


@noted.command("list")
def list_() -> None:
    """Print all annotations, by their begins; withdrawn ones too."""
    from storewatch.answering.annotate import all_annotations
    from storewatch.entrypoints.explanation import annotation_lines

    with poll_store() as polls:
        rows = all_annotations(polls)
    say(annotation_lines(rows))
    if rows.is_empty():
        click.echo("There are no annotations: storewatch annotate --help says how to make one", err=True)


@noted.command()
@click.argument("note", metavar="ID")
def withdraw(*, note: str) -> None:
    """Withdraw an annotation, which stays on record."""
    from storewatch.answering.annotate import withdraw as end

    with poll_store() as polls:
        if end(polls, note, now=time.time()) is None:
            raise InputError(f"there is no annotation {note}: see `storewatch annotations list`")
    click.echo(f"withdrew {note}", err=True)


def _whoever() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # as in a container whose user has no name
        return ""
