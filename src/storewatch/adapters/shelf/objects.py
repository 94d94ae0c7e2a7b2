"""Report shelves on obstore, and that in a folder."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import LocalStore

from storewatch.errors import ConflictError, InputError, Port, UnavailableError
from storewatch.whole import whole_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from obstore.store import ObjectStore

    from storewatch.ports.risks import Risk

PIECE = 1 << 18  # bytes; the least that `read` yields at a time, but for the last piece

_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
KEY = re.compile(rf"{_SEGMENT}(/{_SEGMENT})*")
# Left in a folder by a killed `publish`, or (`#1`) by one of an earlier version, which obstore does not list.
_HALF_WRITTEN = re.compile(r"\.[0-9a-f]{16}\.part|.+#\d+")


def open_folder(folder: Path) -> FolderShelf:
    """Open the shelf in `folder`, making the folder if it is not there; UnavailableError if that fails."""
    with answering(str(folder)):
        # Without this, sweeping the only report of a job would leave an empty folder a job.
        return FolderShelf(LocalStore(folder, mkdir=True, automatic_cleanup=True), folder)


class ObjectShelf:
    """A report shelf on any obstore store; the app serves its reports.

    Keys are paths of ASCII letters, digits, `.`, `_` and `-`, no part beginning with a dot, no `..`
    anywhere; any other is an InputError. UnavailableError if the store does not answer.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def size(self, key: str) -> int | None:
        """Return the bytes at `key`, None if nothing is there."""
        with answering(checked(key)), suppress(FileNotFoundError, NotFoundError):
            return obstore.head(self._store, key)["size"]
        return None

    def read(self, key: str) -> Iterator[bytes]:
        """Return the bytes at `key` in pieces; UnavailableError at once if nothing is there."""
        with answering(checked(key)):
            pieces = iter(obstore.get(self._store, key).stream(min_chunk_size=PIECE))
        return _read_on(key, pieces)

    def sweep(self, prefix: str, *, keep: str | None) -> int:
        """Remove all below the folder `prefix` but the folder or key `keep`, half-written pieces too.

        Returns how many were removed.
        """
        with answering(checked(prefix)):
            found = [entry["path"] for page in obstore.list(self._store, prefix) for entry in page]
            return sum(self._delete(key) for key in found if not _is_at_or_below(key, keep))

    def entries(self) -> Iterator[tuple[str, float]]:
        """Yield the keys of all that lies here, and when each was written (seconds since 1970)."""
        with answering("the report shelf"):
            for page in obstore.list(self._store):
                for entry in page:
                    yield entry["path"], entry["last_modified"].timestamp()

    def link(self, key: str, *, seconds: int) -> str | None:
        """Return None: it cannot be reached from outside."""

    def links_end(self) -> float | None:
        """Return None: there are no links."""

    def warnings(self) -> dict[Risk, str]:
        """Return what whoever runs the service should know: nothing."""
        return {}

    def _delete(self, key: str) -> bool:
        with suppress(FileNotFoundError, NotFoundError):  # another sweep was quicker
            obstore.delete(self._store, key)
            return True
        return False


class FolderShelf(ObjectShelf):
    """A report shelf in a folder: obstore's local store, and what that leaves undone."""

    def __init__(self, store: LocalStore, folder: Path) -> None:
        super().__init__(store)
        self._folder = folder

    def publish(self, key: str, pieces: Iterable[bytes]) -> None:
        """Write pieces at `key` on disk, whole or not at all; ConflictError if something is there."""
        target = self._folder / checked(key)
        with answering(key):
            target.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(target, replace=False) as file:
                file.writelines(pieces)
            for folder in PurePosixPath(key).parents:
                _flush(self._folder / folder)

    def sweep(self, prefix: str, *, keep: str | None) -> int:
        """Remove all below the folder `prefix` but the folder or key `keep`, half-written pieces too.

        Returns how many were removed.
        """
        return self._sweep_half_written(checked(prefix)) + super().sweep(prefix, keep=keep)

    def _sweep_half_written(self, prefix: str) -> int:
        swept = 0
        with answering(prefix):
            for folder, _, names in os.walk(self._folder / prefix, topdown=False):
                for name in filter(_HALF_WRITTEN.fullmatch, names):
                    Path(folder, name).unlink(missing_ok=True)
                    swept += 1
                with suppress(OSError):  # something is in it
                    Path(folder).rmdir()
        return swept


def checked(key: str) -> str:
    """Return `key`; InputError if it is none."""
    if ".." in key or not KEY.fullmatch(key):
        raise InputError(
            f"{key!r} is no key of a report: it must be a relative path of letters, digits, . _ and -"
        )
    return key


def _is_at_or_below(key: str, folder: str | None) -> bool:
    return folder is not None and f"{key}/".startswith(f"{folder}/")


def _read_on(key: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    with answering(key):
        for piece in pieces:
            yield bytes(piece)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def answering(what: str, *, absent: str | None = None) -> Iterator[None]:
    """Turn the driver's errors about `what` into ours; `absent` is what to say if something is missing."""
    try:
        yield
    except (AlreadyExistsError, FileExistsError) as error:
        raise ConflictError(f"{what} is on the report shelf already: it is written only once") from error
    except (FileNotFoundError, NotFoundError) as error:
        raise UnavailableError(absent or f"{what} is not on the report shelf", port=Port.SHELF) from error
    except (BaseError, OSError) as error:
        # After the first line comes a dump of the driver's structures, before it a server's XML may begin.
        reason = str(error).partition("\n")[0].partition(": <?xml")[0]
        raise UnavailableError(
            f"the report shelf cannot be used for {what}: {reason}", port=Port.SHELF
        ) from error
