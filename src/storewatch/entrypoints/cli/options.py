"""Options that several commands share."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from storewatch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from storewatch.domain.ask import Ask, Policy

R = TypeVar("R")
F = TypeVar("F", bound="Callable[..., Any]")

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)  # to read
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)  # to read
OUTPUT = click.Path(dir_okay=False, path_type=Path)

data_option = click.option("--data", type=FOLDER, help="Read this folder's files instead of the poll store.")
paths_argument = click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH…"
)


def _value(parse: Callable[[str], R]) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """Turn a parser of ours into an option's callback: what it refuses is a usage error.

    Of an option that may be repeated it is given each value.
    """

    def callback(_context: click.Context, parameter: click.Parameter, value: Any) -> Any:  # noqa: ANN401 - click's
        try:
            if isinstance(value, tuple):
                return tuple(map(parse, value))
            return None if value is None else parse(value)
        except InputError as error:
            raise click.BadParameter(str(error), param=parameter) from error

    return callback


def _carry(text: str) -> int | None:
    from storewatch.domain.instant import parse_carry

    return parse_carry(text)


def _as_of(text: str) -> int:
    from storewatch.domain.instant import parse_as_of

    return parse_as_of(text)


def _policy(text: str) -> Policy:
    from storewatch.domain.ask import parse_policy

    return parse_policy(text)


def _window(text: str) -> str:
    from storewatch.domain.window import parse_window

    return parse_window(text).text


one_window_option = click.option(
    "--window",
    default="week",
    show_default=True,
    callback=_value(_window),
    metavar="NAME",
    help="hour, day, week, 28d, 36h, yesterday, previous_month and the like, or FROM/TO.",
)


def but(ask: Ask, **others: object) -> Ask:
    """Return an ask with other parts; what cannot go with the rest is a usage error."""
    from dataclasses import replace

    try:
        return replace(ask, **others)  # type: ignore[arg-type]
    except InputError as error:
        raise click.UsageError(str(error)) from error


def asking(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options that say what is asked, and the command an `ask`."""

    @functools.wraps(command)
    def asked(*, as_of: int | None, carry: int | None, policy: Policy, **others: Any) -> R:  # noqa: ANN401 - its own
        from storewatch.domain.ask import Ask

        return command(ask=Ask(as_of=as_of, carry=carry, policy=policy), **others)

    for option in (
        click.option("--policy", default="hourly-majority", show_default=True, callback=_value(_policy),
                     metavar="NAME", help="How polls decide: hourly-majority or last-observation."),
        click.option("--carry", default="7d", show_default=True, callback=_value(_carry),
                     help="How long a poll's status carries through a gap: 7d, 36h, none."),
        click.option("--as-of", callback=_value(_as_of), metavar="T",
                     help="Report as of this instant, like 2023-01-25T18:12:00Z. Default: the newest poll."),
    ):  # fmt: skip
        asked = option(asked)
    return asked


def windows_options(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command that is asked the options that choose its windows."""

    @functools.wraps(command)
    def asked(*, ask: Ask, windows: tuple[str, ...], compare: bool, **others: Any) -> R:  # noqa: ANN401 - its own
        return command(ask=but(ask, windows=windows or ask.windows, compare=compare), **others)

    for option in (
        click.option("--compare", is_flag=True, help="Put beside each window the figures of the one before."),
        click.option("--window", "windows", multiple=True, metavar="NAME",
                     help="In place of the last hour, day and week; may be repeated: hour, day, week, 28d,"
                     " 36h, today, yesterday, this_week, previous_week, this_month, previous_month,"
                     " or FROM/TO."),
    ):  # fmt: skip
        asked = option(asked)
    return asked


def stores_options(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command that is asked the options that choose its stores, and by what they are added up."""

    @functools.wraps(command)
    def asked(
        *,
        ask: Ask,
        store_ids: tuple[str, ...],
        where: tuple[tuple[str, tuple[str]], ...],
        by: str | None,
        **others: Any,  # noqa: ANN401 - its own
    ) -> R:
        return command(ask=but(ask, store_ids=store_ids or None, where=where, by=by), **others)

    for option in (
        click.option("--by", callback=_value(_label), metavar="LABEL",
                     help="Write the sums by a label too, like brand: beside --out, or as a sheet of .xlsx."),
        click.option("--where", multiple=True, callback=_value(_condition), metavar="LABEL=VALUE",
                     help="Only stores with this value; may be repeated: of one label for any of its values,"
                     " of several for all. LABEL= are the stores without one."),
        click.option("--store", "store_ids", multiple=True, metavar="ID",
                     help="Only this store; may be repeated."),
    ):  # fmt: skip
        asked = option(asked)
    return asked


def _label(text: str) -> str:
    from storewatch.domain.label import label_of

    label_of(text)
    return text


def _condition(text: str) -> tuple[str, tuple[str]]:
    label, mark, value = text.partition("=")
    if not mark:
        raise InputError(f"{text}: write LABEL=VALUE, or LABEL= for the stores without one")
    return _label(label), (value,)


def check_place(path: Path, option: str) -> None:
    """Refuse a file that could not be written, for it is to lie in no folder that there is."""
    if not path.absolute().parent.is_dir():
        raise click.BadParameter(f"{path}: there is no folder {path.parent}", param_hint=option)


def instant_option(name: str, variable: str, *, help: str, required: bool = True) -> Callable[[F], F]:  # noqa: A002  click's word
    """Return an option that is an instant, in seconds since 1970 UTC."""
    return click.option(name, variable, required=required, metavar="T", help=help, callback=_value(_instant))


def _instant(text: str) -> int:
    from storewatch.domain.instant import parse_second

    return parse_second(text, "instant")


def duration_option(name: str, *, metavar: str, help: str, default: str | None = None) -> Callable[[F], F]:  # noqa: A002  click's word
    """Return an option that is a duration like `400d`, in seconds; required if it has no default."""
    return click.option(
        name,
        required=default is None,
        default=default,
        show_default=default is not None,
        metavar=metavar,
        help=help,
        callback=_value(_duration),
    )


def _duration(text: str) -> int:
    seconds = _carry(text)
    if seconds is None:
        raise InputError("it must end: write a number with d, h, m or s, like 400d")
    return seconds
