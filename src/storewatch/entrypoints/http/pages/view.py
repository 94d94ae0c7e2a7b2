"""What a list's address says: which stores, in which order, which page.

All of it is in the address, and all addresses of the list are made here, so that a link shows the same to
whoever has it. A label is written `where=LABEL:VALUE`; `:` and `%` in a label's name as in addresses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlencode

from starlette.exceptions import HTTPException

from storewatch.domain.label import folded
from storewatch.domain.overview import DOWN, UNMEASURED
from storewatch.entrypoints.http.pages import table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import polars as pl

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WINDOWS = ("hour", "day", "week")
MANY = "where"  # the filter that may be given several times
_SHOWN = 40  # characters of what was written wrong


def wrong(name: str, text: str, instead: str) -> HTTPException:
    """Return the error of a part that cannot be read, which says what can be written."""
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return HTTPException(422, f"{name}={shown} cannot be understood: write {instead}.")


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """What filters are asked of."""

    rows: pl.DataFrame  # the fleet table
    as_of: int
    window: str  # as columns end: last_week

    @property
    def labels(self) -> list[str]:
        """The labels that are known."""
        return table.labels_of(self.rows)


@dataclass(frozen=True, kw_only=True)
class View:
    """The parts of an address, as they were written; those that are empty, or there twice, are left out."""

    filters: tuple[tuple[str, str], ...] = ()  # name and text
    window: str = "week"
    sort: str = "uptime"  # a minus before it: descending
    page: int | None = None  # None: the first one; of a file, all of them

    @property
    def texts(self) -> dict[str, str]:
        """What was written of each filter that may be there once; nothing: it is not there."""
        return dict.fromkeys(FILTERS, "") | {name: text for name, text in self.filters if name != MANY}

    @classmethod
    def read(cls, given: Iterable[tuple[str, str]]) -> View:
        """Return what the query of an address says.

        Raises:
            HTTPException: 422, a part cannot be understood.
        """
        parts = dict.fromkeys(
            (name, _plain(text) if name == MANY else text) for name, text in given if text.strip()
        )
        once = {name: text for name, text in parts if name != MANY}
        for name, text in parts:
            if name != MANY and (name in FILTERS or name in _OTHERS) and once[name] != text:
                raise wrong(name, text, f"{name} only once")
        for name, (form, instead) in _OTHERS.items():
            if name in once and not re.fullmatch(form, once[name]):
                raise wrong(name, once[name], instead)
        page = once.get("page")
        return cls(
            filters=tuple((name, text) for name, text in parts if name in FILTERS or name == MANY),
            window=once.get("window", cls.window),
            sort=once.get("sort", cls.sort),
            page=None if page is None else int(page),
        )

    def address(self, pinned: Mapping[str, str], path: str = "/stores") -> str:
        """Return the address of this, of a pinned report."""
        plain = View()
        rest = {
            name: str(getattr(self, name)) for name in _OTHERS if getattr(self, name) != getattr(plain, name)
        }
        query = urlencode([*self.filters, *rest.items(), *pinned.items()])
        return f"{path}?{query}" if query else path

    def but(self, **parts: object) -> View:
        """Return this with other parts; on its first page, if that is none of them."""
        return replace(self, **{"page": None, **parts})  # type: ignore[arg-type]

    def by(self, order: str) -> View:
        """Return the same in another order; in the other direction if it is in this one."""
        first = f"-{order}" if order in _MOST_FIRST else order
        other = order if order in _MOST_FIRST else f"-{order}"
        return self.but(sort=other if self.sort == first else first)

    @property
    def is_descending(self) -> bool:
        """Whether what has most comes first."""
        return self.sort.startswith("-")

    @property
    def order(self) -> str:
        """What it is sorted by."""
        return self.sort.removeprefix("-")

    def places(self, fleet: Fleet) -> tuple[pl.Series, list[tuple[str, View]]]:
        """Return the places in the fleet table of the stores of all pages, and the filters.

        Of each filter there are its words, and this without it.

        Raises:
            HTTPException: 422, a filter cannot be understood.
        """
        kept, words, values = table.EVERY, [], dict[str, list[str]]()
        for name, text in self.filters:
            if name == MANY:
                label, value = _label(text, fleet)
                values.setdefault(label, []).append(value)
                said = f"{label}: {value or 'none'}"
            else:
                said, stores = FILTERS[name](text, fleet)
                kept &= stores
            words.append(
                (said, self.but(filters=tuple(each for each in self.filters if each != (name, text))))
            )
        for label, some in values.items():
            kept &= table.is_of(label, some)
        found = table.ordered(fleet.rows, kept, self.order, fleet.window, is_descending=self.is_descending)
        return found, words


def where_text(label: str, value: str) -> str:
    """Return how an address names the stores with a value of a label; without any, if that is empty."""
    return f"{label.replace('%', '%25').replace(':', '%3A')}:{value}"


def _plain(text: str) -> str:
    """Return the name of a label as it is known, and its value as it is."""
    name, colon, value = text.partition(":")
    return where_text(folded(unquote(name)), value) if colon else text


def _label(text: str, fleet: Fleet) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    label = unquote(name)
    if not fleet.labels:
        raise HTTPException(422, f"{MANY}={text[:_SHOWN]} cannot be used: this report knows no labels.")
    if not colon or label not in fleet.labels:
        raise wrong(MANY, text, f"LABEL:VALUE with one of the labels {', '.join(fleet.labels)}")
    return label, value


def _zone(text: str, _: Fleet) -> tuple[str, pl.Expr]:
    return text, table.zone() == text


def _state(text: str, _: Fleet) -> tuple[str, pl.Expr]:
    if text not in table.STATES:
        raise wrong("state", text, "down, up, unknown, excluded or closed")
    return f"{text} now", table.is_in(text)


def _below(text: str, fleet: Fleet) -> tuple[str, pl.Expr]:
    if text == "target":
        return "below target", table.is_below(None, fleet.window)
    percent = _percent("below", text, "target, or ")
    return f"uptime below {text} %", table.is_below(percent, fleet.window)


def _low_evidence(text: str, fleet: Fleet) -> tuple[str, pl.Expr]:
    percent = _percent("low_evidence", text)
    return f"less than {text} % measured", table.is_hardly_measured(percent, fleet.window)


def _percent(name: str, text: str, others: str = "") -> float:
    if not re.fullmatch(r"\d{1,3}(\.\d{1,3})?", text, re.ASCII) or not 0 < float(text) <= 100:  # noqa: PLR2004
        raise wrong(name, text, f"{others}a percentage up to 100 with at most three decimals, like 99.5")
    return float(text)


def _part(text: str, _: Fleet) -> tuple[str, pl.Expr]:
    return f"“{text.strip()}” in id or name", table.has(text.strip())


def _only(text: str, fleet: Fleet) -> tuple[str, pl.Expr]:
    if text == "no-data":
        return "no data", table.has_no_data(fleet.window)
    if text == "silent":
        return "silent", table.is_silent()
    raise wrong("only", text, "no-data or silent")


def _at(text: str, fleet: Fleet) -> tuple[str, pl.Expr]:
    found = re.fullmatch(r"([a-z]{3})-(\d{1,2})(-local)?(-unmeasured)?", text, re.ASCII)
    days = [day[:3].lower() for day in DAYS]
    if not found or found[1] not in days or int(found[2]) >= 24:  # noqa: PLR2004 - hours
        clocks = "a day and an hour of UTC, like wed-14, or of the stores’ own time, like wed-14-local"
        raise wrong("at", text, f"{clocks}; -unmeasured after it for those without a check")
    day, hour = days.index(found[1]), int(found[2])
    said, letters = ("not measured", UNMEASURED) if found[4] else ("down", DOWN)
    is_local = found[3] is not None
    stores = table.was(letters, fleet.rows, 24 * day + hour, is_local=is_local, as_of=fleet.as_of)
    return f"{said} on {DAYS[day]} at {hour:02}:00 {'local time' if is_local else 'UTC'}", stores


FILTERS: dict[str, Callable[[str, Fleet], tuple[str, pl.Expr]]] = {
    "q": _part,
    "state": _state,
    "below": _below,
    "low_evidence": _low_evidence,
    "only": _only,
    "zone": _zone,
    "at": _at,
}
_OTHERS = {  # how they are written
    "window": ("|".join(WINDOWS), "hour, day or week"),
    "sort": (f"-?({'|'.join(table.ORDERS)})", f"{', '.join(table.ORDERS)}, perhaps with - before it"),
    "page": (r"[1-9][0-9]{0,8}", "a number from 1 on"),
}
_MOST_FIRST = {"downtime", "longest", "outages"}  # the orders whose column head sorts descending first
