"""The explanation of one store: gather what is about it, then apply the rules hour by hour."""

from __future__ import annotations

import difflib
from bisect import bisect_left
from typing import TYPE_CHECKING

from storewatch.domain.explain import Explanation, explain
from storewatch.domain.instant import MICROSECONDS, reach, resolve_as_of
from storewatch.domain.uptime import store_names
from storewatch.errors import UnknownStoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storewatch.domain.facts import Facts
    from storewatch.ports.polls import PollStore

_NEAREST = 3  # ids that are named
_NEIGHBOURS = 40  # on either side, in order of the ids


def explain_store(
    polls: PollStore, store_id: str, *, as_of: int | None, carry: int | None, window: str
) -> Explanation:
    """Explain a store's figures from the poll store as it is now.

    Args:
        polls: Read only for what is about this store, and for the newest poll of all.
        store_id: To the letter.
        as_of: Seconds since 1970 UTC; None: the newest poll of any store (R3).
        carry: Seconds; None: for ever.
        window: hour, day or week.

    Raises:
        UnknownStoreError: No load ever named the store; names the nearest ids.
        NoPollsError: There is neither a poll nor an as-of.
    """
    version = polls.version()
    as_of = resolve_as_of(as_of, polls.newest(version))
    since, until = reach(as_of, carry), as_of * MICROSECONDS
    facts = polls.scan(version, since=since, until=until, store_ids=[store_id])
    if store_id not in store_names(facts):
        raise UnknownStoreError(store_id, nearest(store_id, polls.stores(version).to_list()))
    return explain(facts, store_id, as_of=as_of, carry=carry, window=window)


def explain_facts(facts: Facts, store_id: str, *, as_of: int, carry: int | None, window: str) -> Explanation:
    """Explain a store's figures from the facts of all stores.

    Raises:
        UnknownStoreError: They do not name the store; names the nearest ids.
    """
    names = store_names(facts)
    if store_id not in names:
        raise UnknownStoreError(store_id, nearest(store_id, names.to_list()))
    return explain(facts, store_id, as_of=as_of, carry=carry, window=window)


def nearest(store_id: str, ids: Sequence[str]) -> list[str]:
    """Return up to three ids that are most like one that is not among them, the most alike first.

    Only those are compared that begin or end like it: all of a large fleet would take seconds.
    """
    alike = {
        *_neighbours(store_id, ids),
        *(name[::-1] for name in _neighbours(store_id[::-1], _mirrored(ids))),
    }
    return difflib.get_close_matches(store_id, sorted(alike), n=_NEAREST)


def _mirrored(ids: Sequence[str]) -> list[str]:
    return [name[::-1] for name in ids]


def _neighbours(store_id: str, ids: Sequence[str]) -> list[str]:
    ordered = sorted(ids)
    place = bisect_left(ordered, store_id)
    return ordered[max(place - _NEIGHBOURS, 0) : place + _NEIGHBOURS]
