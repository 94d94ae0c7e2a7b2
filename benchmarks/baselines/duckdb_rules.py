"""The report rules as one tuned piece of SQL: what a good database makes of them, and a second opinion.

    python -m benchmarks.baselines.duckdb_rules DIR [--as-of T] [--carry-days 7] [--out FILE] [--rounds N]

DIR holds store_status, menu_hours and timezones as Parquet, or as CSV. The rules run on tables in memory with
dense store numbers, as the kernel gets them:

    polls(store int, t bigint microseconds, up bool)   hours(store int, day int, a int, b int seconds)
    zone(store int, z text)                            stores(store int)

Only the offsets of the zones in use are asked of Python, a table of a few rows; all else is SQL. Three things
keep it quick: temporary tables, so that the planner knows sizes; a row with a sign for each change of status,
so that one join to the running totals is enough; schedules worked out once, not a store at a time.
"""

from __future__ import annotations

import argparse
import statistics
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR, DAY, WEEK = 3_600, 86_400, 604_800
MONDAY = 4 * DAY  # 1970-01-05, in local seconds since 1970-01-01
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

# R2: hours rows to stretches of the local week, then one number for each distinct (stretches, zone).
SCHEDULES = """
create or replace temp table weekly as
with read as (
    select store, day * 86400 as midnight, a, case when b >= 86340 then 86400 else b end as b from hours
), pieces as (
    select store, midnight + a as x, midnight + b as y from read where b > a
    union all
    select store, midnight + a, midnight + 86400 from read where b < a
    union all
    select store, (midnight + 86400) % 604800, (midnight + 86400) % 604800 + b from read where b < a and b > 0
), reached as (
    select *, max(y) over (partition by store order by x, y rows between unbounded preceding and 1 preceding)
        as before from pieces
), grouped as (
    select *, sum(case when before is null or x > before then 1 else 0 end)
        over (partition by store order by x, y rows unbounded preceding) as part from reached
)
select store, min(x) as x, max(y) as y from grouped group by store, part;

create or replace temp table plan as
with scheduled as (
    select distinct store from hours
), lists as (
    select store, list(x::bigint * 1048576 + y order by x) as week from weekly group by store
), keyed as (
    select scheduled.store, coalesce(zone.z, 'America/Chicago') as z, coalesce(lists.week, []) as week
    from scheduled left join lists using (store) left join zone using (store)
)
select store, z, week, dense_rank() over (order by z, week)::int as sched from keyed;

create or replace temp table open_utc as
with distinct_plan as (
    select sched, any_value(z) as z, any_value(week) as week from plan group by sched
), flat as (
    select sched, z, unnest(week) as code from distinct_plan
), laid as (
    select sched,
        greatest((code >> 20) + w * 604800 + 345600 - span.off, span.u0) as a,
        least((code & 1048575) + w * 604800 + 345600 - span.off, span.u1) as b
    from flat join spans span using (z), range($w0, $w1) weeks(w)
)
select sched, a, b from laid where a < b
union all select 0, $t0, $t1;

create or replace temp table open_hours as
with cut as (select sched, a, b, unnest(range(a // 3600, (b - 1) // 3600 + 1)) as h from open_utc)
select sched::int as sched, h::int as h, greatest(a, h::bigint * 3600) as a,
    least(b, h::bigint * 3600 + 3600) as b
from cut;
"""

# Open seconds of each schedule before each hour, within each window.
TOTALS = """
create or replace temp table totals as
with of_hour as (
    select sched, h, sum(greatest(0, least(b, $as_of) - a))::int as s from open_hours group by all
), grid as (
    select sched::int as sched, h::int as h
    from range(0, (select coalesce(max(sched), 0) + 1 from plan)) schedules(sched),
        range($h0, $hl + 2) reach(h)
), outside as (
    select sched,
        sum(greatest(0, least(b, $as_of - 3600) - a))::int as oh,
        sum(greatest(0, least(b, $as_of - 86400) - a))::int as od,
        sum(greatest(0, least(b, $as_of - 604800) - a))::int as ow
    from open_hours group by all
), running as (
    select sched, h, coalesce(sum(s) over (partition by sched order by h
        rows between unbounded preceding and 1 preceding), 0)::int as k
    from grid left join of_hour using (sched, h)
)
select sched, h, greatest(0, k - coalesce(oh, 0)) as wh, greatest(0, k - coalesce(od, 0)) as wd,
    greatest(0, k - coalesce(ow, 0)) as ww
from running left join outside using (sched);
"""

# R1, R3, R4, R5: a row (hour, status, sign) for each change; -1 from that hour on, +1 until it.
TURNS = """
create or replace temp table placed as
select stores.store::int as store, coalesce(plan.sched, 0)::int as sched
from stores left join plan using (store);

create or replace temp table turns as
with given as (
    select placed.store, placed.sched, polls.t, polls.up, polls.t // 1000000 as sec,
        (polls.t // 3600000000)::int as h
    from polls join placed using (store) where polls.t >= $t0 * 1000000 and polls.t <= $as_of * 1000000
), counted as (
    select given.store, given.sched, given.h, given.t, given.up
    from given join open_hours using (sched, h) where given.sec >= open_hours.a and given.sec < open_hours.b
), single as (
    select store, sched, h, t, bool_and(up) as up from counted group by all
), cells as (
    select store, sched, h, count(*) as n, count(*) filter (up) as u, arg_max(up, t) as last, max(t) as t
    from single group by store, sched, h
), judged as (
    select *, case when 2 * u = n then last else 2 * u > n end as most,
        least(coalesce(lead(h) over (partition by store order by h), $hl + 1),
              (t + $carry * 1000000) // 3600000000 + 1)::int as until
    from cells
)
select store, sched, h, most as up, -1::tinyint as sign from judged
union all select store, sched, until, last, 1 from judged
union all select store, sched, h + 1, most, 1 from judged where most != last
union all select store, sched, h + 1, last, -1 from judged where most != last;
"""

# R6: add up.
REPORT = """
with known as (
    select turns.store,
        sum(sign * wh) filter (up) as uh, sum(sign * wd) filter (up) as ud, sum(sign * ww) filter (up) as uw,
        sum(sign * wh) filter (not up) as dh, sum(sign * wd) filter (not up) as dd,
        sum(sign * ww) filter (not up) as dw
    from turns join totals on totals.sched = turns.sched and totals.h = turns.h group by turns.store
), whole as (
    select sched, wh, wd, ww from totals where h = $hl + 1
)
select placed.store,
    coalesce(uh, 0)::int as up_hour, coalesce(ud, 0)::int as up_day, coalesce(uw, 0)::int as up_week,
    coalesce(dh, 0)::int as down_hour, coalesce(dd, 0)::int as down_day, coalesce(dw, 0)::int as down_week,
    (whole.wh - coalesce(uh, 0) - coalesce(dh, 0))::int as unknown_hour,
    (whole.wd - coalesce(ud, 0) - coalesce(dd, 0))::int as unknown_day,
    (whole.ww - coalesce(uw, 0) - coalesce(dw, 0))::int as unknown_week
from placed left join known using (store) join whole using (sched) order by placed.store
"""

LOAD = """
create temp table raw_polls as
select store_id, $stamp as t, status = 'active' as up from $store_status;
create temp table raw_hours as
select store_id, day::int as day, start_time_local as a, end_time_local as b from $menu_hours;
create temp table raw_zones as select store_id, timezone_str as z from $timezones;
create temp table names as
select (row_number() over (order by store_id) - 1)::int as store, store_id from (
    select store_id from raw_polls union select store_id from raw_hours union select store_id from raw_zones
);
create temp table stores as select store from names;
create temp table polls as select store, t, up from raw_polls join names using (store_id);
create temp macro clock(text) as
    split_part(text, ':', 1)::int * 3600 + split_part(text, ':', 2)::int * 60
    + coalesce(try_cast(split_part(text, ':', 3) as double)::int, 0);
create temp table hours as
select store, day, clock(a) as a, clock(b) as b from raw_hours join names using (store_id);
create temp table zone as select store, z from raw_zones join names using (store_id);
drop table raw_polls; drop table raw_hours; drop table raw_zones;
"""

TEXT_COLUMNS = {
    "store_status": ("store_id", "status", "timestamp_utc"),
    "menu_hours": ("store_id", "day", "start_time_local", "end_time_local"),
    "timezones": ("store_id", "timezone_str"),
}
STAMP_FORMATS = "['%Y-%m-%d %H:%M:%S.%f UTC', '%Y-%m-%d %H:%M:%S UTC']"


def offset_spans(zone: str, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield (from, until, offset) in seconds for each span of constant offset in [begin, end)."""
    clock = ZoneInfo(zone)
    since, at, offset = begin, begin, offset_at(clock, begin)
    while at < end:
        ahead = min(at + DAY, end)
        then = offset_at(clock, ahead)
        if then != offset:
            low, high = at, ahead
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset_at(clock, middle) == offset else (low, middle)
            yield since, high, offset
            since, at, offset = high, high, offset_at(clock, high)
        else:
            at = ahead
    if since < end:
        yield since, end, offset


def offset_at(clock: ZoneInfo, at: int) -> int:
    """Return the seconds by which a zone is ahead of UTC at an instant."""
    offset = (EPOCH + timedelta(seconds=at)).astimezone(clock).utcoffset()
    return int((offset or timedelta()).total_seconds())


def rules(con: duckdb.DuckDBPyConnection, as_of: int, carry: int = WEEK) -> duckdb.DuckDBPyRelation:
    """Return the seconds of every store: store, up_hour, up_day, up_week, down_…, unknown_…."""
    h0, hl = ((as_of - WEEK) // HOUR * HOUR - carry) // HOUR, as_of // HOUR
    t0, t1 = h0 * HOUR, (hl + 1) * HOUR
    zones = {name for (name,) in con.execute("select distinct z from zone").fetchall()} | {"America/Chicago"}
    spans = [(zone, *span) for zone in sorted(zones) for span in offset_spans(zone, t0, t1)]
    con.execute("create or replace temp table spans (z text, u0 bigint, u1 bigint, off bigint)")
    con.executemany("insert into spans values (?, ?, ?, ?)", spans)
    values = {
        "as_of": as_of,
        "carry": carry,
        "t0": t0,
        "t1": t1,
        "h0": h0,
        "hl": hl,
        "w0": (t0 - DAY - MONDAY) // WEEK,
        "w1": (t1 + DAY - MONDAY) // WEEK + 1,
    }
    typed = {name: f"({value}::bigint)" for name, value in values.items()}
    for step in (SCHEDULES, TOTALS, TURNS):
        con.execute(filled(step, typed))
    return con.sql(filled(REPORT, typed))


def run(con: duckdb.DuckDBPyConnection, as_of: int, carry: int = WEEK) -> None:
    """Work out `rules` into the table `result`."""
    rules(con, as_of, carry).create_view("figures")
    con.execute("create or replace temp table result as from figures")


def filled(statement: str, values: dict[str, str]) -> str:
    """Put values in place of their $names; the planner sees constants, which it cannot with parameters."""
    for name in sorted(values, key=len, reverse=True):
        statement = statement.replace(f"${name}", values[name])
    return statement


def connect(threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """Open a database in memory; None: on all cores."""
    con = duckdb.connect(config={"threads": threads} if threads else {})
    con.execute("set preserve_insertion_order = false")
    return con


def load(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Read a folder's files into the tables that `rules` takes; names(store, store_id) tells the ids."""
    parquet = (folder / "store_status.parquet").exists()
    values = {name: source(folder, name, parquet=parquet) for name in TEXT_COLUMNS}
    stamp = "timestamp_utc" if parquet else f"strptime(timestamp_utc, {STAMP_FORMATS})"
    con.execute(filled(LOAD, values | {"stamp": f"epoch_us({stamp})"}))


def source(folder: Path, name: str, *, parquet: bool) -> str:
    """Return the SQL that reads a file."""
    if parquet:
        return f"read_parquet('{folder}/{name}.parquet')"
    columns = ", ".join(f"'{column}': 'VARCHAR'" for column in TEXT_COLUMNS[name])
    return f"read_csv('{folder}/{name}.csv', columns = {{{columns}}}, header = true)"


def newest(con: duckdb.DuckDBPyConnection) -> int:
    """Return the newest poll's instant, rounded up to a whole second (R3)."""
    ((stamp,),) = con.execute("select max(t) from polls").fetchall()
    return -(-int(stamp) // 1_000_000)


def main() -> None:
    """Read a folder, run the rules some times, say how long it took."""
    parser = argparse.ArgumentParser(description="The report rules in DuckDB.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--as-of", help="like 2023-01-25T18:12:00Z; default: the newest poll")
    parser.add_argument("--carry-days", type=float, default=7)
    parser.add_argument("--out", type=Path, help="a .csv or .parquet file for the seconds")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    con = connect(options.threads)
    began = time.perf_counter()
    load(con, options.folder)
    loaded = time.perf_counter() - began
    as_of = int(datetime.fromisoformat(options.as_of).timestamp()) if options.as_of else newest(con)
    wall, cpu = [], []
    for _ in range(options.rounds):
        began, busy = time.perf_counter(), time.process_time()
        run(con, as_of, int(options.carry_days * DAY))
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - busy)
    if options.out:
        named = (
            "select store_id, result.* exclude (store) from result join names using (store) order by store_id"
        )
        con.sql(named).to_csv(str(options.out))
    print(
        f"load {loaded:.3f} s; rules {statistics.median(wall):.3f} s wall, {statistics.median(cpu):.3f} s CPU"
    )


if __name__ == "__main__":
    main()
