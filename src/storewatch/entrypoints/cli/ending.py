"""How a command ends that does not end well: a line that says what to do, an exit code of one meaning."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from storewatch.entrypoints.cli.show import say
from storewatch.errors import StorewatchError

if TYPE_CHECKING:
    from collections.abc import Callable

# Exit codes; 2 is wrong usage.
FAILED = 1  # or: something does not answer, figures differ
WITH_REJECTS = 3  # done, but some rows or files could not be used
INTERRUPTED, UNREAD = 130, 141

_WHAT_TO_DO = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "make room, or name another place"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "change its rights, or name another place"),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "allow more open files (ulimit -n)"),
    errno.ENOENT: "name one that is there, or make it",
    errno.EEXIST: "name another place, or remove it",
    errno.ENOMEM: "ask for fewer stores, or take a machine with more memory",
}
_LEFT = {  # what an interrupted command has done and not done
    "report": "no file was written",
    "sample": "no file was written",
    "load": "nothing was loaded, unless it said so: a load is there whole or not at all, and may be repeated",
    "db": "what it said is applied, no more: run it again",
    "retention": "what it said is dropped, no more: run it again",
    "gc": "what it said is removed, no more: run it again",
    "serve": "the reports in hand are computed again by whoever is there next",
    "worker": "the reports in hand are computed again by whoever is there next",
}


def ended(run: Callable[[], int]) -> int:
    """Run a command and return its exit code; what it raises on purpose, or from the system, is one line."""
    try:
        code = run()
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads us has seen enough
        return UNREAD
    except StorewatchError as error:
        say([f"storewatch: {error}"], err=True)
    except OSError as error:
        say([f"storewatch: {_of_the_system(error)}"], err=True)
    else:
        return code
    return FAILED


def _of_the_system(error: OSError) -> str:
    where = "what was written to is not whole" if error.filename is None else error.filename
    todo = _WHAT_TO_DO.get(error.errno or 0, "look whether that place is in order, and run it again")
    return f"{where}: {error.strerror or error}: {todo}"


class Commands(click.Group):
    """Our commands, which say what they left undone, and what to write instead of what was written."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            left = _LEFT.get(ctx.invoked_subcommand or "", "nothing was changed")
            say(["", f"storewatch: interrupted: {left}"], err=True)
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            ctx.exit(UNREAD)
        except click.UsageError as error:
            if hint := _hint(error):
                raise click.UsageError(f"{error.format_message()}\n{hint}", error.ctx) from error
            raise

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; of a folder, say which commands take one."""
        if Path(args[0]).is_dir() and args[0] not in self.commands:
            raise click.UsageError(f"{args[0]} is a folder: write `storewatch report --data {args[0]}`", ctx)
        return super().resolve_command(ctx, args)


def _hint(error: click.UsageError) -> str | None:
    """Return what was probably meant: an option where there is an argument, or the other way round."""
    if error.ctx is None:
        return None
    command, path = error.ctx.command, error.ctx.command_path.removeprefix("python -m ")
    arguments = {p.name: p.make_metavar(error.ctx) for p in command.params if isinstance(p, click.Argument)}
    options = {option for p in command.params for option in p.opts if isinstance(p, click.Option)}
    if isinstance(error, click.NoSuchOption):
        of_argument = {"--data": ("data", "paths", "folder"), "--out": ("folder",), "--store": ("store_id",)}
        for name in of_argument.get(error.option_name, ()):
            if name in arguments:
                return f"Write it without {error.option_name}: `{path} {arguments[name]}`"
    if "unexpected extra argument" in error.message and "--data" in options:
        given = error.message.partition("(")[2].removesuffix(")")
        return f"A folder is given as `--data {given}`."
    return None
