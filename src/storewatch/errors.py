"""Everything that storewatch raises on purpose.

    StorewatchError
    ├── InputError          what was given cannot be used: a file, a frame, an instant, an option
    │   ├── NoPollsError    neither a poll nor an as-of: there is nothing to report on
    │   ├── NoStoreError    no store has the labels that are asked for
    │   ├── DroppedError    polls that are needed are not kept any more
    │   ├── UnknownStoreError  no input names the store that is asked for
    │   └── KeyReusedError  a key that a report was submitted with came again with another request
    ├── SettingsError       a setting is wrong or names something unknown
    │   └── RefusedError    what is set has it that this is never done
    ├── ConflictError       something is there already that may be written only once
    ├── OverError           nobody needs the report any more: its claim is lost, or it was handed back
    ├── EngineError         a cluster is not there, or could not compute a slice of a report
    └── UnavailableError    a poll store, job board or report shelf does not answer
        └── SchemaError     the poll store's database is there, but not its schema, or not all of it

and what it warns of:

    StorewatchWarning       what changes figures or does nothing, and is no error
    └── SettingsWarning     a variable that is called like a setting and is none

Each message says what was wrong, where, and what to do.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


UPGRADE = "run `storewatch db upgrade`"


class StorewatchError(Exception):
    """Base of all errors that storewatch raises on purpose."""

    told = ""  # what clients may know of it: no names, no addresses


class StorewatchWarning(UserWarning):
    """What whoever asked should know, and is no error."""


class SettingsWarning(StorewatchWarning):
    """A variable of the environment is called like a setting, and is none."""


class InputError(StorewatchError):
    """What was given cannot be used."""


class NoPollsError(InputError):
    """There is no poll to take the as-of from, and none was given."""

    def __init__(self) -> None:
        super().__init__(
            "there are no polls, so there is no newest one to report as of: load polls, or give an as-of"
        )
        self.told = str(self)


class NoStoreError(InputError):
    """No store has the labels that are asked for."""

    def __init__(self, wanted: str) -> None:
        """Take the labels and values in words."""
        super().__init__(f"no store has {wanted}: values count to the letter, as the stores file has them")
        self.told = str(self)


class DroppedError(InputError):
    """Polls that are needed are not kept any more (R11)."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.told = sentence


class KeyReusedError(InputError):
    """A key that a report was submitted with came again with another request."""

    def __init__(self, job_id: str) -> None:
        super().__init__(
            f"this key was used for report {job_id}, with another request: take a new key for a new request"
        )


class UnknownStoreError(InputError):
    """No input names the store."""

    def __init__(self, store_id: str, nearest: Sequence[str] = ()) -> None:
        like = f": the nearest ids are {', '.join(nearest)}" if nearest else ""
        super().__init__(f"no input names the store {store_id}{like}")
        self.nearest = nearest


class SettingsError(StorewatchError):
    """A setting is wrong."""


class RefusedError(SettingsError):
    """What is set has it that this is never done; the sentence names no more than settings."""


class ConflictError(StorewatchError):
    """Something that may be written only once is there already."""


class OverError(StorewatchError):
    """Nobody needs the report any more."""

    def __init__(self) -> None:
        super().__init__("nobody needs this report any more: its claim is lost, or was handed back")


class EngineError(StorewatchError):
    """A cluster is not there, or could not compute a slice; it may be there for the next attempt."""

    def __init__(self, told: str, message: str | None = None) -> None:
        """Take what clients may know, and what only the log says, if that is more."""
        super().__init__(message or told)
        self.told = told


class Port(StrEnum):
    """What the outside offers."""

    POLLS = "poll store"
    BOARD = "job board"
    SHELF = "report shelf"


class UnavailableError(StorewatchError):
    """A poll store, job board or report shelf does not answer."""

    def __init__(self, message: str, *, port: Port, told: str = "") -> None:
        """Take what clients may know of the reason, without names and addresses, as `told`."""
        super().__init__(message)
        self.port = port
        self.told = told

    def reason(self) -> str:
        """Say in a sentence what clients may know."""
        return self.told or f"the {self.port} does not answer"


class SchemaError(UnavailableError):
    """The database is there, but its schema is missing or behind: whoever waits may see it come."""

    def __init__(self, state: str, *, address: str) -> None:
        text = f"the schema storewatch of the database at {address} is {state}: {UPGRADE}"
        super().__init__(text, port=Port.POLLS, told=f"the database's schema is {state}: {UPGRADE}")
