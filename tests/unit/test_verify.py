"""Kernel against reference on given facts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from storewatch.checking import reference, verify
from storewatch.domain.ask import Ask
from storewatch.domain.facts import Facts
from storewatch.domain.kinds import POLLS

if TYPE_CHECKING:
    import pytest

AS_OF = int(datetime(2023, 1, 25, 12, tzinfo=UTC).timestamp())


def facts() -> Facts:
    rows = [(name, datetime(2023, 1, 25, 11, 5, tzinfo=UTC), True) for name in "abcd"]
    return Facts(polls=POLLS.frame(rows))


def test_two_implementations_of_the_same_rules_agree() -> None:
    verdict = verify.verify(facts(), Ask(as_of=AS_OF, carry=604_800))

    assert verdict.agrees
    assert verdict.stores == 4


def test_a_part_of_the_stores_is_spread_over_the_ids() -> None:
    assert verify.verify(facts(), Ask(as_of=AS_OF, carry=None), stores=2).stores == 2


def test_each_figure_that_differs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference that is wrong on purpose by one second for one store."""
    ask = Ask(as_of=AS_OF, carry=604_800)
    plain = reference.account(facts(), ask, ask.parsed_windows)
    plain["uptime_seconds_last_hour"] = [3600, 3600, 3599, 3600]
    monkeypatch.setattr(reference, "account", lambda *_, **__: plain)
    verdict = verify.verify(facts(), ask)

    assert not verdict.agrees
    assert verdict.differences.rows() == [("c", "uptime_seconds_last_hour", "3600", "3599")]
