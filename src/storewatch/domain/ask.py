"""What is asked, under which rules: one value, from the call that asks to the manifest of the answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from storewatch.domain.instant import DEFAULT_CARRY, HOUR, MICROSECONDS, WEEK, WINDOWS, iso
from storewatch.domain.label import label_of
from storewatch.domain.window import parse_windows
from storewatch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from storewatch.domain.label import Where
    from storewatch.domain.window import Window


class Policy(StrEnum):
    """How the polls that count decide an hour's status."""

    HOURLY_MAJORITY = "hourly-majority"  # R4, R5
    LAST_OBSERVATION = "last-observation"  # R15


FEW = 100  # stores


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What a report, or the explanation of a store, is to say. The whole of it decides every figure.

    Equal asks of one version of the input have the same answer, byte for byte, once the as-of is given.

    Raises:
        InputError: There is no such window or policy; the message names those that there are. Or a window
            ends after the as-of, or a label is none.
    """

    as_of: int | None = None  # seconds since 1970 UTC; None: the newest poll (R3)
    carry: int | None = DEFAULT_CARRY  # seconds; None: a poll carries for ever (R5)
    store_ids: tuple[str, ...] | None = None  # None: every store
    windows: tuple[str, ...] = tuple(WINDOWS)  # in the order of their columns (R11)
    policy: Policy = Policy.HOURLY_MAJORITY
    compare: bool = False  # whether the windows before are asked for too
    by: str | None = None  # a label by whose values rows are added up too (R10), as it is to be called
    where: Where = ()  # labels, and for each the values of which a store has one; of all labels
    # Whether what the pages show of a whole fleet is wanted beside the report. It changes no figure.
    overview: bool = False
    unknown: tuple[str, ...] = ()  # parts that a later version wrote, so nobody here can answer it

    def __post_init__(self) -> None:
        """Refuse what has no meaning, and write the same in the same words."""
        windows = parse_windows(self.windows)
        for window in windows:
            if self.as_of is not None and window.span and window.span[1] > self.as_of:
                raise InputError(f"the window {window.text} ends after the as-of, {iso(self.as_of)}")
        values: dict[str, set[str]] = {}
        for label, some in self.where:
            if not some:
                raise InputError(f"where {label}: name a value, or an empty one for the stores without one")
            values.setdefault(label_of(label), set()).update(some)
        if self.by is not None:
            label_of(self.by)
        where = tuple((label, tuple(sorted(some))) for label, some in sorted(values.items()))
        object.__setattr__(self, "windows", tuple(window.text for window in windows))
        object.__setattr__(self, "where", where)
        object.__setattr__(self, "policy", parse_policy(self.policy))

    @cached_property
    def parsed_windows(self) -> tuple[Window, ...]:
        """The windows as values."""
        return parse_windows(self.windows)

    @property
    def instant(self) -> int:
        """The as-of, of an ask that has one."""
        assert self.as_of is not None  # noqa: S101 - whoever computes has settled it before
        return self.as_of

    @property
    def is_of_few(self) -> bool:
        """Whether it names so few stores that they are read by themselves, and do not wait for fleets."""
        return self.store_ids is not None and len(self.store_ids) <= FEW

    @property
    def begin(self) -> int:
        """The first instant of all that is asked for, whole hours since 1970 UTC, in seconds.

        That is no later than a week before the as-of (R16).
        """
        windows = (each.earliest(self.instant, before=self.compare) for each in self.parsed_windows)
        return min(self.instant - WEEK, *windows) // HOUR * HOUR

    @property
    def since(self) -> int | None:
        """The first instant (microseconds since 1970 UTC) whose polls can matter; None: all of the past.

        It is never before 1970: no poll is, and a carry may be longer than 64 bits of microseconds.
        """
        return None if self.carry is None else max(self.begin - self.carry, 0) * MICROSECONDS

    @property
    def until(self) -> int:
        """The last such instant."""
        return self.instant * MICROSECONDS

    def at(self, as_of: int) -> Ask:
        """Return this with its as-of settled."""
        return replace(self, as_of=as_of)

    def values(self) -> dict[str, Any]:
        """Return it in plain values, by field.

        What is unknown is left out, and what is not asked for and was not there to be asked for at first: so
        earlier versions understand the rest.
        """
        further = {
            "compare": self.compare,
            "by": self.by,
            "where": {label: list(some) for label, some in self.where},
            "overview": self.overview,
        }
        return {
            "as_of": self.as_of,
            "carry": self.carry,
            "store_ids": None if self.store_ids is None else list(self.store_ids),
            "windows": list(self.windows),
            "policy": str(self.policy),
        } | {name: value for name, value in further.items() if value}

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Ask:
        """Return the ask that `values` of this version, or of one before or after, gave."""
        plain = cls().values() | {"compare": False, "by": None, "where": {}, "overview": False}
        given = plain | {name: value for name, value in values.items() if name in plain}
        strange = [f"{name} {value!r}" for name, value in values.items() if name not in plain]
        checks: dict[str, Callable[[Any], object]] = {
            "windows": parse_windows,
            "policy": parse_policy,
            "by": lambda label: cls(by=label),
            "where": lambda where: cls(where=tuple((label, tuple(some)) for label, some in where.items())),
        }
        for name, parse in checks.items():
            try:
                parse(given[name])
            except InputError:
                strange.append(f"{name} {given[name]!r}")
                given[name] = plain[name]
        ids = given["store_ids"]
        return cls(
            as_of=given["as_of"],
            carry=given["carry"],
            store_ids=None if ids is None else tuple(ids),
            windows=tuple(given["windows"]),
            policy=given["policy"],
            compare=given["compare"],
            by=given["by"],
            where=tuple((label, tuple(some)) for label, some in given["where"].items()),
            overview=given["overview"],
            unknown=tuple(strange),
        )


def parse_policy(text: str) -> Policy:
    """Return the policy of a name.

    Raises:
        InputError: There is none of that name; names those that there are.
    """
    try:
        return Policy(text)
    except ValueError as error:
        raise InputError(f"there is no policy {text!r}: write {' or '.join(Policy)}") from error
