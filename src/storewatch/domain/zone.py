"""Time zones: the IANA database of the pinned `tzdata` package, never the machine's own (R1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from importlib import metadata, resources
from itertools import pairwise
from zoneinfo import ZoneInfo

DEFAULT_ZONE = "America/Chicago"  # R2: of a store that no zone is known for

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400
_STEP = _DAY  # seconds; no two changes of any zone since 1970 lie closer together (a test says so)


@cache
def zone_names() -> frozenset[str]:
    """Return all names of the database, old ones like US/Central too."""
    return frozenset((resources.files("tzdata") / "zones").read_text(encoding="utf-8").split())


def tzdata_version() -> str:
    """Return the version of the database in use."""
    return metadata.version("tzdata")


@cache
def load_zone(name: str) -> ZoneInfo:
    """Return a zone of the pinned database.

    Raises:
        ValueError: `name` is not in the database.
    """
    if name not in zone_names():
        raise ValueError(f"unknown time zone {name!r}")
    path = resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))
    with path.open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def wall_clock(name: str, at: int) -> datetime:
    """Return what the zone's wall clock shows at an instant (seconds since 1970), its offset with it."""
    return (_EPOCH + timedelta(seconds=at)).astimezone(load_zone(name))


def utc_offset(name: str, at: int) -> int:
    """Return the seconds by which the wall clock is ahead of UTC at an instant (seconds since 1970)."""
    offset = wall_clock(name, at).utcoffset()
    assert offset is not None  # noqa: S101 - ZoneInfo always knows it
    return int(offset.total_seconds())


def is_repeated(local: datetime) -> bool:
    """Say whether the wall clock shows this time twice, so that only its offset tells which one is meant."""
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def offset_text(local: datetime) -> str:
    """Return the offset of a wall clock as `-05:00`."""
    return local.isoformat(timespec="seconds")[len("2023-01-25T09:00:00") :]


def clock_text(local: datetime, form: str, *, with_offset: bool = False) -> str:
    """Return a wall-clock time in a format of strftime; its offset behind it if asked for, or needed."""
    text = f"{local:{form}}"
    return f"{text} {offset_text(local)}" if with_offset or is_repeated(local) else text


def local_days(name: str, begin: int, end: int) -> list[tuple[int, int]]:
    """Return the local dates that [begin, end) touches.

    A date begins at its first instant: where midnight does not exist, at the first one after it. Clocks that
    go back over midnight show the day before once more, and that is no new date (R11).

    Args:
        name: Of the zone.
        begin: Seconds since 1970 UTC.
        end: The same.

    Returns:
        (begin, end) in seconds since 1970 UTC, in order, abutting.
    """
    starts: list[int] = []
    latest = begin // _DAY - 4
    for low, high, offset in offset_spans(name, begin - 2 * _DAY, end + 2 * _DAY):
        midnight = -(-(low + offset) // _DAY) * _DAY - offset
        for at in (low, *range(midnight, high, _DAY)):
            if (at + offset) // _DAY > latest:
                latest = (at + offset) // _DAY
                starts.append(at)
    return [(start, until) for start, until in pairwise(starts) if until > begin and start < end]


@lru_cache(maxsize=10_000)  # a service is asked for ever new reaches
def offset_spans(name: str, begin: int, end: int) -> tuple[tuple[int, int, int], ...]:
    """Cut [begin, end) into the spans in which the zone's offset is constant.

    Args:
        name: Of the zone.
        begin: Seconds since 1970 UTC.
        end: The same; after `begin`.

    Returns:
        (begin, end, offset) in seconds, in order, abutting, covering [begin, end).
    """
    spans = []
    since, at, offset = begin, begin, utc_offset(name, begin)
    while at < end:
        ahead = min(at + _STEP, end)
        then = utc_offset(name, ahead)
        if then != offset:
            change = _first_change(name, at, ahead, offset)
            spans.append((since, change, offset))
            since, offset = change, then
        at = ahead
    if since < end:
        spans.append((since, end, offset))
    return tuple(spans)


def _first_change(name: str, low: int, high: int, offset: int) -> int:
    """Return the first instant in (low, high] whose offset is not `offset`, by halving."""
    while high - low > 1:
        middle = (low + high) // 2
        if utc_offset(name, middle) == offset:
            low = middle
        else:
            high = middle
    return high
