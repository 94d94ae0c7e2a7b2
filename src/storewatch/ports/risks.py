"""What may happen in the way that something outside is kept."""

from __future__ import annotations

from enum import StrEnum


class Risk(StrEnum):
    """Something that whoever runs the service should see to; ports say it in a sentence each."""

    EVICTS = "evicts"  # jobs may be thrown out when memory is short
    UNLOGGED = "unlogged"  # jobs may be lost when the board restarts
    UNCHECKED = "unchecked"  # the board does not tell
    TEMPORARY = "temporary"  # links end with the shelf's credentials
