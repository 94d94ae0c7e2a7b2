"""Everything that storewatch raises on purpose.

    StorewatchError
    ├── InputError          what was given cannot be used: a file, a frame, an instant, an option
    │   └── NoPollsError    neither a poll nor an as-of: there is nothing to report on
    ├── SettingsError       a setting is wrong or names something unknown
    ├── ConflictError       something is there already that may be written only once
    └── UnavailableError    a poll store, job board or report shelf does not answer

Each message says what was wrong, where, and what to do.
"""


class StorewatchError(Exception):
    """Base of all errors that storewatch raises on purpose."""


class InputError(StorewatchError):
    """What was given cannot be used."""


class NoPollsError(InputError):
    """There is no poll to take the as-of from, and none was given."""

    def __init__(self) -> None:
        super().__init__(
            "there are no polls, so there is no newest one to report as of: load polls, or give an as-of"
        )


class SettingsError(StorewatchError):
    """A setting is wrong."""


class ConflictError(StorewatchError):
    """Something that may be written only once is there already."""


class UnavailableError(StorewatchError):
    """A poll store, job board or report shelf does not answer."""
