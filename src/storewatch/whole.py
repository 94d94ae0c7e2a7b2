"""Files that are there whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import os
import re
import secrets
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def whole_file(path: str | Path, *, mode: int = 0o666, replace: bool = True) -> Iterator[BinaryIO]:
    """Yield a file beside `path`, which takes its place once it is on the disk; in an error, it goes.

    A link stays one, and a file keeps its rights. What is no file (a pipe, a device) is written to as it is.

    Args:
        path: Where it is to be.
        mode: The rights of a new file, less those that the umask takes away.
        replace: Take the place of what is there, instead of raising FileExistsError.

    Raises:
        OSError: It cannot be written; `path` is then as it was before.
    """
    target = Path(path).resolve()
    before = target.stat() if target.exists() else None
    if before and not stat.S_ISREG(before.st_mode):
        with target.open("wb") as file:
            yield file
        return
    draft = target.with_name(f".{secrets.token_hex(8)}.part")  # of no length that a long name would not allow
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            if before:
                os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
            draft.replace(target) if replace else os.link(draft, target)
    except OSError as error:
        number = error.errno or _number(f"{error}")
        if number is None:
            raise
        raise OSError(number, os.strerror(number), str(path)) from error  # else it names the draft, or none
    finally:
        draft.unlink(missing_ok=True)


def _number(text: str) -> int | None:
    """Return the system's number of an error in the words of Rust, in which Polars gives it."""
    found = re.search(r"\(os error (\d+)\)", text)
    return int(found[1]) if found else None
