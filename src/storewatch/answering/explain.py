"""The explanation of one store: gather what is about it, then apply the rules hour by hour."""

from __future__ import annotations

import difflib
from bisect import bisect_left
from dataclasses import replace
from typing import TYPE_CHECKING

from storewatch.answering.answer import gather, settle
from storewatch.domain.explain import Explanation, explain
from storewatch.domain.uptime import store_names
from storewatch.errors import UnknownStoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storewatch.answering.answer import Settled
    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts
    from storewatch.ports.polls import Source

_NEAREST = 3  # ids that are named
_NEIGHBOURS = 40  # on either side, in order of the ids


def explain_store(source: Source, store_id: str, ask: Ask) -> Explanation:
    """Explain a store's figures of the first of the windows asked for.

    Raises:
        UnknownStoreError: Nothing names the store; names the nearest ids.
        NoPollsError: There is neither a poll nor an as-of.
    """
    facts, settled = find_store(source, store_id, ask)
    return explain(facts, store_id, settled.ask)


def find_store(
    source: Source, store_id: str, ask: Ask, *, version: str | None = None
) -> tuple[Facts, Settled]:
    """Return what a store's figures rest on, and the ask that settles them; raises what `explain_store` does.

    Of a poll store, only what is about this store is read, and when the newest poll of all was.
    """
    settled = settle(source, replace(ask, store_ids=(store_id,)), version=version)
    facts = gather(source, settled)
    if store_id not in store_names(facts):
        raise UnknownStoreError(store_id, nearest(store_id, source.stores(settled.version).to_list()))
    return facts, settled


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
