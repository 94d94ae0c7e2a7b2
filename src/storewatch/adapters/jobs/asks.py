"""Asks as the job boards keep them: a line of JSON in ASCII, the id of the call that asked among it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from storewatch.domain.ask import Ask
from storewatch.errors import KeyReusedError

OWN = ("as_of", "request_id")  # what each may have for itself


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
