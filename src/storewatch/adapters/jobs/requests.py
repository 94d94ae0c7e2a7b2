"""Requests as the job boards keep them: a line of JSON in ASCII."""

from __future__ import annotations

import json
from dataclasses import asdict

from storewatch.errors import KeyReusedError
from storewatch.ports.jobs import Request


def request_to_json(request: Request) -> str:
    """Return the text of a request."""
    return json.dumps(asdict(request))


def request_from_json(text: str) -> Request:
    """Return the request that `request_to_json` wrote."""
    values = json.loads(text)
    store_ids = values["store_ids"]
    return Request(
        as_of=values["as_of"],
        carry=values["carry"],
        store_ids=None if store_ids is None else tuple(store_ids),
        request_id=values.get("request_id"),
    )


def same_job(job_id: str, text: str, request: Request) -> str:
    """Return the id of the job that holds a key; KeyReusedError if its request, a text, is another."""
    if request_from_json(text) != request:
        raise KeyReusedError(job_id)
    return job_id
