"""The explanation of one store: gather what is about it, then apply the rules hour by hour."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from storewatch.answering.answer import settle
from storewatch.domain.explain import Explanation, evidence_since, explain, usual_since
from storewatch.domain.uptime import store_names
from storewatch.errors import UnknownStoreError

if TYPE_CHECKING:
    from storewatch.answering.answer import Settled
    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts
    from storewatch.ports.polls import Source


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

    Of a poll store, only what is about this store is read, and when the newest poll of all was. A store that
    was closed for long before the window is read once more, from before that.
    """
    with source.at(version) as snapshot:
        settled = settle(snapshot, replace(ask, store_ids=(store_id,)))
        since, until = usual_since(settled.ask), settled.ask.until
        facts = snapshot.scan(since=since, until=until, within=[store_id])
        if store_id not in store_names(facts).to_list():
            raise UnknownStoreError(store_id, snapshot.near(store_id))
        earlier = evidence_since(facts, store_id, settled.ask)
        if earlier is not None and since is not None and earlier < since:
            facts = snapshot.scan(since=earlier, until=until, within=[store_id])
    return facts, settled
