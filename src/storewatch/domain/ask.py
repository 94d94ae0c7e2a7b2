"""What is asked, under which rules: one value, from the call that asks to the manifest of the answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from storewatch.domain.instant import DEFAULT_CARRY, MICROSECONDS, WINDOWS, reach
from storewatch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping


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
        InputError: There is no such window or policy; the message names those that there are.
    """

    as_of: int | None = None  # seconds since 1970 UTC; None: the newest poll (R3)
    carry: int | None = DEFAULT_CARRY  # seconds; None: a poll carries for ever (R5)
    store_ids: tuple[str, ...] | None = None  # None: every store
    windows: tuple[str, ...] = tuple(WINDOWS)
    policy: Policy = Policy.HOURLY_MAJORITY
    unknown: tuple[str, ...] = ()  # parts that a later version wrote, so nobody here can answer it

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        if strange := [window for window in self.windows if window not in WINDOWS]:
            raise InputError(f"there is no window {strange[0]!r}: write {', '.join(WINDOWS)}")
        object.__setattr__(self, "policy", parse_policy(self.policy))

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
    def since(self) -> int | None:
        """The first instant (microseconds since 1970 UTC) whose polls can matter; None: all of the past."""
        return reach(self.instant, self.carry)

    @property
    def until(self) -> int:
        """The last such instant."""
        return self.instant * MICROSECONDS

    def at(self, as_of: int) -> Ask:
        """Return this with its as-of settled."""
        return replace(self, as_of=as_of)

    def values(self) -> dict[str, Any]:
        """Return it in plain values, by field; what is unknown is left out."""
        return {
            "as_of": self.as_of,
            "carry": self.carry,
            "store_ids": None if self.store_ids is None else list(self.store_ids),
            "windows": list(self.windows),
            "policy": str(self.policy),
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Ask:
        """Return the ask that `values` of this version, or of one before or after, gave."""
        plain = cls().values()
        given = plain | {name: value for name, value in values.items() if name in plain}
        strange = [f"{name} {value!r}" for name, value in values.items() if name not in plain]
        if not set(given["windows"]) <= set(WINDOWS):
            strange.append(f"windows {given['windows']!r}")
            given["windows"] = plain["windows"]
        if given["policy"] not in set(Policy):
            strange.append(f"policy {given['policy']!r}")
            given["policy"] = plain["policy"]
        ids = given["store_ids"]
        return cls(
            as_of=given["as_of"],
            carry=given["carry"],
            store_ids=None if ids is None else tuple(ids),
            windows=tuple(given["windows"]),
            policy=given["policy"],
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
