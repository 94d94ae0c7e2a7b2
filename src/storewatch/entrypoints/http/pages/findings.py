"""The page of the findings: what somebody should look at, by what evidence, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from shlex import quote
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Response

from storewatch.entrypoints.http.pages.current import Pin, before_the_first, current
from storewatch.entrypoints.http.pages.groups import stores_url
from storewatch.entrypoints.http.pages.rendering import PageRoute, page
from storewatch.entrypoints.http.services import Opened  # noqa: TC001 - FastAPI reads it
from storewatch.entrypoints.wording import duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAMED = 20  # stores of a finding
_HOURS = "storewatch load hours.csv"
_COLUMNS = "Its columns: store_id, day (0 is Monday), start_time_local, end_time_local."
_ACTIONS = {  # by kind: what it is called, what to do, and the command for it
    "poller_down": (
        "The poller was down",
        "If it was, mark that time as unknown, so that older statuses do not stand in for it:",
        "",
    ),
    "together": ("Down together", "Look for what they share before calling each of them.", ""),
    "silent": (
        "Silent stores",
        "Check that they are still being polled. Their last status is carried at first, then unknown.",
        "",
    ),
    "without_polls": (
        "Stores without polls",
        "Add them to the poller, or check that their ids are spelled the same in all files.",
        "",
    ),
    "hours_run_out": ("Opening hours have run out", f"Load the hours that hold now. {_COLUMNS}", _HOURS),
    "without_hours": (
        "Stores without opening hours",
        f"Load their hours, unless they never close. {_COLUMNS}",
        _HOURS,
    ),
    "without_zone": (
        "Stores without a time zone",
        "Load their zones. Its columns: store_id, timezone_str (like America/New_York).",
        "storewatch load zones.csv",
    ),
    "was_silent": ("Stores that were silent for a while", "Nothing to do if that was expected.", ""),
    "ids_do_not_join": (
        "Ids that do not match",
        "Compare how the files write ids: leading zeros, upper case, digits rounded by a spreadsheet.",
        "",
    ),
}
# What a sentence says that the facts, the action or the table below it say, too.
_ELSEWHERE = re.compile(
    r"\. If so, .*|: [\d,.]+ h of downtime in all.*|(?<=in open hours): .*|\. Load the hours.*", re.DOTALL
)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_KINDS = {"polled_only": "Only in polls", "hours_only": "Only in hours"}

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A finding in words."""

    anchor: str  # f1, f2 and so on in their order: what links to it end in
    kind: str
    title: str
    sentence: str
    facts: list[tuple[str, str]]
    action: str
    command: str
    url: str | None  # of the list of its stores
    count: int
    stores: list[dict[str, str]]  # store_id; since, until, long where the kind has them
    long: str  # what that is


@router.api_route("/findings", methods=["GET", "HEAD"])
def list_findings(opened: Opened, pinned: Pin) -> Response:
    """Show the findings in the order of their harm."""
    now = current(opened, pinned)
    if now is None:
        return before_the_first(opened)
    found = None if now.overview is None else list(_views(now.overview.findings, now.query))
    return page("findings", {**now.content(), "findings": found, "kept": now.query})


def _views(findings: list[dict[str, Any]], pinned: Mapping[str, str]) -> Iterator[Finding]:
    for place, finding in enumerate(findings, 1):
        kind, evidence = finding["kind"], finding["evidence"]
        title, action, command = _ACTIONS.get(kind, (kind.replace("_", " ").capitalize(), "", ""))
        sentence = _ELSEWHERE.sub("", finding["sentence"]).replace("poll that was read", "polls")
        sentence = _INSTANT.sub(lambda found: _at(found[0]), sentence)
        yield Finding(
            anchor=f"f{place}",
            kind=kind,
            title=title,
            sentence=f"{sentence[:1].upper()}{sentence[1:]}{'' if sentence.endswith('?') else '.'}",
            facts=list(_facts(kind, evidence)),
            action=action,
            command=_annotate(evidence["annotation"]) if "annotation" in evidence else command,
            url=_list_url(kind, evidence, pinned),
            count=finding["count"],
            stores=[_store(store) for store in finding["stores"][:NAMED]],
            long="Down" if kind == "together" else "Open time without a poll",
        )


def _annotate(note: Mapping[str, str]) -> str:
    """Return the command that states a time of every store."""
    return (
        f"storewatch annotate --all --from {note['start_utc']} --to {note['end_utc']} "
        f"--as {note['counts_as']} --reason {quote(note['reason'])}"
    )


def _facts(kind: str, evidence: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what it was found by, as names and texts."""
    if kind == "poller_down":
        yield "Stores polled in an hour", _between(evidence["polled_stores"])
        yield "Usual", f"{evidence['usual_polled_stores']:,}"
        yield "Stores open", _between(evidence["open_stores"])
    elif kind == "together":
        yield "Open stores", f"{evidence['open_stores']:,}"
        yield "Downtime in all", duration(evidence["downtime_seconds"])
        yield "Still down", f"{evidence['still_down']:,}"
    elif "longest_open_seconds" in evidence:
        yield "Longest, in open hours", duration(evidence["longest_open_seconds"])
    elif kind == "ids_do_not_join":
        yield from ((_KINDS.get(name, f"In {name}"), f"{count:,}") for name, count in evidence.items())


def _between(counts: list[int]) -> str:
    least, most = min(counts), max(counts)
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _list_url(kind: str, evidence: Mapping[str, Any], pinned: Mapping[str, str]) -> str | None:
    """Return where its stores are listed; None where no filter is for them."""
    if kind == "silent":
        return stores_url({"only": "silent"}, pinned)
    if kind != "together":
        return None
    hour = datetime.fromisoformat(evidence["begin"])
    at = {"at": f"{hour:%a-%H}".lower()}
    return stores_url(at, pinned, label=evidence["label"], value=evidence["value"])


def _store(store: Mapping[str, Any]) -> dict[str, str]:
    since, until = (_at(store[name]) if store.get(name) else "" for name in ("since", "until"))
    seconds = store.get("seconds")
    long = "" if seconds is None else duration(seconds)
    return {"store_id": store["store_id"], "since": since, "until": until, "long": long}


def _at(instant: str) -> str:
    return f"{datetime.fromisoformat(instant):%a %d %b %H:%M} UTC"
