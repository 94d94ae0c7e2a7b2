"""The page of the groups: what a report says of the stores of each value of a label, or of each zone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Response
from starlette.exceptions import HTTPException

from storewatch.domain.label import folded
from storewatch.entrypoints.http.pages.current import Pin, before_the_first, current
from storewatch.entrypoints.http.pages.rendering import PageRoute, page, pages_of
from storewatch.entrypoints.http.services import Opened  # noqa: TC001 - FastAPI reads it

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from storewatch.entrypoints.http.pages.current import Current

PAGE = 50  # groups
ZONE = "timezone_str"  # in place of a label: no label can be called so
ALL = "*"  # in place of a label, too: every store
HEADS = {  # by what groups may be sorted, and whether what has most comes first at first
    "value": False,
    "stores": True,
    "uptime": False,
    "change": False,
    "downtime": True,
    "unknown": True,
    "measured": False,
    "met": True,
    "missed": True,
    "no_verdict": True,
}

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which groups, of which window, in which order."""

    label: Annotated[str, Query()] = ""  # "": the first that there is
    window: Annotated[str, Query(pattern="^(hour|day|week)$")] = "week"
    sort: Annotated[str, Query(pattern=f"^-?({'|'.join(HEADS)})$")] = "uptime"
    page: Annotated[int, Query(ge=1)] = 1

    @property
    def order(self) -> str:
        """What they are sorted by."""
        return self.sort.removeprefix("-")

    @property
    def is_descending(self) -> bool:
        """Whether what has most comes first."""
        return self.sort.startswith("-")

    def by(self, order: str) -> Wanted:
        """Return the same in another order; in the other direction if it is in this one."""
        first, other = (f"-{order}", order) if HEADS[order] else (order, f"-{order}")
        return replace(self, sort=other if self.sort == first else first, page=1)

    def of(self, *, label: str = "", window: str = "", page: int = 1) -> Wanted:
        """Return another label, window or page of the same."""
        return replace(self, label=label or self.label, window=window or self.window, page=page)

    def address(self, pinned: Mapping[str, str]) -> str:
        """Return its address, in a pinned report."""
        plain = vars(Wanted(label=""))
        rest = {name: value for name, value in vars(self).items() if value != plain[name]}
        return f"/groups?{urlencode({**rest, **pinned})}"


@router.api_route("/groups", methods=["GET", "HEAD"])
def list_groups(opened: Opened, pinned: Pin, wanted: Annotated[Wanted, Depends()]) -> Response:
    """Show the groups of a label."""
    now = current(opened, pinned)
    if now is None:
        return before_the_first(opened)
    from storewatch.entrypoints.http.pages.table import fleet_table, labels_of  # noqa: PLC0415 - slow to import

    if now.overview is None:
        return page("groups", {**now.content(), "wanted": wanted, "labels": [], "groups": []})
    labels = [*labels_of(fleet_table(now)), ZONE]
    label = (wanted.label if wanted.label == ZONE else folded(wanted.label)) or labels[0]
    if label not in labels:
        raise HTTPException(422, f"there is no label “{wanted.label}”: choose one of {', '.join(labels)}")
    wanted = replace(wanted, label=label)
    table = groups_of(now, label, wanted.window)
    pages = pages_of(table.height, rows=PAGE, shown=wanted.page)
    rows = _ordered(table, wanted).slice((wanted.page - 1) * PAGE, PAGE)
    content = {
        "wanted": wanted,
        "labels": labels,
        "count": table.height,
        "pages": pages,
        "groups": rows.to_dicts(),
        "url_of": partial(_url_of, wanted, now.query),
    }
    return page("groups", {**now.content(), **content})


def groups_of(now: Current, label: str, window: str) -> pl.DataFrame:
    """Return a report's groups (R10) by a label, as `group_table` does, from the rows of its stores."""
    import polars as pl  # noqa: PLC0415 - slow to import

    from storewatch.domain.groups import group_table, summed  # noqa: PLC0415 - the same
    from storewatch.domain.window import parse_windows  # noqa: PLC0415 - the same
    from storewatch.entrypoints.http.pages import table  # noqa: PLC0415 - the same

    rows = table.fleet_table(now).with_columns(
        value=table.zone() if label == ZONE else pl.col(f"{table.LABEL}{label}"),
        thousandths=(pl.col("target_percent") * 1_000).round().cast(pl.Int64),
    )
    windows = parse_windows((window,))
    return group_table(summed(rows, windows), "value", windows)


def _ordered(groups: pl.DataFrame, wanted: Wanted) -> pl.DataFrame:
    """Return groups with what is shown of a window (hundredths), in order; equal ones by value."""
    from storewatch.entrypoints.http.pages import table  # noqa: PLC0415 - slow to import

    window = f"last_{wanted.window}"
    shown = groups.with_columns(
        table.seconds("downtime", window).alias("downtime"),
        table.seconds("unknown", window).alias("unknown"),
        uptime=table.uptime(window),
        change=table.change(window),
        measured=table.measured(window),
    )
    key = table.ORDERS[wanted.order](window) if wanted.order in {"uptime", "measured"} else wanted.order
    return shown.sort(key, descending=wanted.is_descending, nulls_last=True, maintain_order=True)


def _url_of(wanted: Wanted, pinned: Mapping[str, str], value: str) -> str:
    """Return the address of the list of a group's stores."""
    window = {} if wanted.window == "week" else {"window": wanted.window}
    return stores_url(window, pinned, label=wanted.label, value=value)


def stores_url(
    wanted: Mapping[str, str], pinned: Mapping[str, str], *, label: str = ALL, value: str = ""
) -> str:
    """Return the address of the list of a group's stores, in a pinned report."""
    from storewatch.entrypoints.http.pages.view import where_text  # noqa: PLC0415 - slow to import

    group = {"zone": value} if label == ZONE else {"where": where_text(label, value)}
    return f"/stores?{urlencode({**(group if label != ALL else {}), **wanted, **pinned})}"
