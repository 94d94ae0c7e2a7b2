"""Commands for who may call the service: token new, list, remove."""

from __future__ import annotations

import click

from storewatch.entrypoints.cli.show import say
from storewatch.entrypoints.http.tokens import Scope, Tokens


@click.group()
def token() -> None:
    """Make, list and remove tokens (for STOREWATCH_AUTH=tokens)."""


@token.command()
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    required=True,
    help="What it allows: read; trigger reports, too; annotate, too; all.",
)
def new(*, name: str, scope: str) -> None:
    """Make a token and print it: now, and never again."""
    secret = _tokens().new(name, Scope(scope))
    click.echo(f"{name} may {scope}. This is its token; nothing keeps it:", err=True)
    click.echo(secret)


@token.command("list")
def list_() -> None:
    """Print names, scopes and when they were made."""
    found = _tokens().all()
    widest = max((len(each.name) for each in found), default=0)
    say(f"{each.name:{widest}}  {each.scope:8}  {each.created}" for each in found)
    if not found:
        click.echo("There are no tokens: storewatch token new NAME --scope read", err=True)


@token.command()
@click.argument("name")
def remove(*, name: str) -> None:
    """Remove a token, and end what it let in, within 10 seconds."""
    _tokens().remove(name)
    click.echo(f"removed {name}", err=True)


def _tokens() -> Tokens:
    from storewatch.config import load_settings

    return Tokens(load_settings().tokens_file)
