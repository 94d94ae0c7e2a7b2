"""What the job boards keep: asks, a line of JSON in ASCII with the id of the call that asked, and jobs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from storewatch.domain.ask import Ask
from storewatch.errors import KeyReusedError
from storewatch.ports.jobs import Job, Progress, State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OWN = ("as_of", "request_id", "overview")  # what each may have for itself

# Fields of `Job` that a board keeps by these names.
_TEXTS = ("id", "version", "worker", "error", "key")
_NUMBERS = ("number", "attempts", "epoch", "as_of", "rows")
_INSTANTS = ("created", "started", "held_up_since", "ended")


def to_text(ask: Ask, request_id: str | None) -> str:
    """Return what is kept of a submit."""
    return json.dumps({**ask.values(), "request_id": request_id})


def to_brief(ask: Ask, request_id: str | None) -> str | None:
    """Return the same with the number of the stores for their ids; None if every store is asked for."""
    if ask.store_ids is None:
        return None
    brief = replace(ask, store_ids=()).values()
    return json.dumps({**brief, "request_id": request_id, "stores": len(ask.store_ids)})


def from_text(text: str) -> tuple[Ask, str | None, int | None]:
    """Return ask, id of the call and number of stores, of a text that this version or another one wrote."""
    values = json.loads(text)
    request_id, stores = values.pop("request_id", None), values.pop("stores", None)
    ask = Ask.from_values(values)
    if stores is None and ask.store_ids is not None:
        stores = len(ask.store_ids)
    return ask, request_id, stores


def plain_values() -> dict[str, Any]:
    """Return all that a text says, but for its OWN, which asks for every store by the default rules."""
    return {name: value for name, value in Ask().values().items() if name not in OWN}


def same_job(job_id: str, text: str, ask: Ask) -> str:
    """Return the id of the job that holds a key; KeyReusedError if its ask, a text, is another."""
    if from_text(text)[0] != ask:
        raise KeyReusedError(job_id)
    return job_id


def job_of(row: Mapping[str, Any], seconds: Callable[[Any], float]) -> Job:
    """Return the job that a board keeps as a row by the names of `Job`, numbers perhaps as text.

    What is not known is None or left out; `seconds` turns the board's instants into seconds since 1970.
    """
    known = {name: value for name, value in row.items() if value is not None}
    fields: dict[str, Any] = {name: known[name] for name in _TEXTS if name in known}
    fields |= {name: int(known[name]) for name in _NUMBERS if name in known}
    fields |= {name: seconds(known[name]) for name in _INSTANTS if name in known}
    if "stage" in known:
        fields["progress"] = Progress(
            stage=known["stage"], done=int(known["done"]), total=int(known["total"])
        )
    ask, request_id, stores = from_text(known["request"])
    return Job(state=State(known["state"]), ask=ask, request_id=request_id, stores=stores, **fields)
