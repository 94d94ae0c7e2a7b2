"""Reports of other programs: read by the usual names, measured, and each difference put down to its cause."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import openpyxl
import polars as pl
import pytest
from click.testing import CliRunner

import other_program
from other_program import AS_OF, STORES
from storewatch.adapters.polls.given import GivenFacts
from storewatch.answering.answer import answer
from storewatch.checking import reference
from storewatch.checking.against import Comparison, compare, read_foreign
from storewatch.checking.against.causes import CAUSES
from storewatch.domain.ask import Ask
from storewatch.entrypoints.cli import commands
from storewatch.errors import InputError
from strategies import WEEK, facts_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result


NOW = int(AS_OF.timestamp())
FACTS = facts_of(*other_program.inputs())
UNITS = {"hour": 60, "day": 3_600, "week": 3_600}
USUAL = {"hour": "minutes", "day": "hours", "week": "hours"}


def rows_by(*bugs: str, stores: tuple[str, ...] = STORES) -> list[dict[str, str]]:
    """The other program's rows: the hour in minutes, day and week in hours, two decimals."""
    rows = []
    for store in stores:
        found = other_program.seconds(store, frozenset(bugs))
        cells = {name: f"{value / UNITS[name.split('_')[-1]]:.2f}" for name, value in found.items()}
        rows.append({"store_id": store} | cells)
    return rows


def written(path: Path, rows: list[dict[str, str]], separator: str = ",") -> Path:
    pl.DataFrame(rows).write_csv(path, separator=separator)
    return path


def held_against(path: Path, stores: int | None = None) -> Comparison:
    return compare(FACTS, read_foreign(path), Ask(as_of=NOW), stores=stores)


def would_also_fit(found: Comparison) -> dict[str, str | None]:
    return dict(found.rows.select("store_id", "would_also_fit").iter_rows())


def verdicts(found: Comparison) -> dict[str, str]:
    return dict(found.rows.select("store_id", "verdict").iter_rows())


def test_a_right_program_agrees_for_every_store(tmp_path: Path) -> None:
    found = held_against(written(tmp_path / "r.csv", rows_by()))

    assert set(verdicts(found).values()) == {"agrees"}
    assert found.agrees
    assert found.agreeing == found.compared == len(STORES)


@pytest.mark.parametrize("key", [cause.key for cause in CAUSES])
def test_each_known_cause_is_found_in_a_report_that_has_it(key: str, tmp_path: Path) -> None:
    found = held_against(written(tmp_path / "r.csv", rows_by(key)))

    assert set(verdicts(found).values()) <= {"agrees", key}
    assert [one.key for one in found.found] == [key]
    assert not found.agrees


def test_a_program_of_several_causes_is_named_once_and_each_store_by_what_it_needs(tmp_path: Path) -> None:
    rows = rows_by("last-shift", "nights-cut", "literal-23:59")
    rows[-1] |= {"uptime_last_week": "1.23"}
    found = held_against(written(tmp_path / "r.csv", rows))
    wrong = {
        "late": "literal-23:59",
        "split": "last-shift",
        "doubled": "last-shift",
        "night": "nights-cut",
        STORES[-1]: "unexplained",
    }

    assert found.verdict == "last shift, nights cut, literal 23:59"
    assert verdicts(found) == dict.fromkeys(STORES, "agrees") | wrong


def test_a_program_is_found_though_some_of_its_rows_are_nonsense(tmp_path: Path) -> None:
    rows = rows_by("last-observation", "literal-23:59")
    for row, hours in zip(rows[::4], (0.3, 11, 29, 70), strict=True):
        row |= {"uptime_last_week": str(hours), "downtime_last_day": f"{hours / 9:.2f}"}
    found = held_against(written(tmp_path / "r.csv", rows))

    assert found.verdict == "last observation, literal 23:59"
    assert {row["store_id"] for row in rows[::4]} == {
        store for store, verdict in verdicts(found).items() if verdict == "unexplained"
    }


def test_a_cause_that_would_change_a_store_that_agrees_is_refuted(tmp_path: Path) -> None:
    rows = [row for s in STORES for row in rows_by(*["last-observation"] * (s == "plain"), stores=(s,))]
    found = held_against(written(tmp_path / "r.csv", rows))

    assert found.verdict == "unexplained"
    assert verdicts(found) == dict.fromkeys(STORES, "agrees") | {"plain": "unexplained"}
    assert would_also_fit(found)["plain"] == "last-observation"
    assert {one.key: one.changes > 0 for one in found.also} == {"last-observation": True}


def test_a_cause_that_fits_one_store_while_most_stay_unexplained_would_also_fit(tmp_path: Path) -> None:
    rows = rows_by("nights-cut")
    for row in rows:
        if row["store_id"] in {"plain", "late", "split", "days"}:
            row["uptime_last_week"] = "0.01"
    found = held_against(written(tmp_path / "r.csv", rows))

    assert found.verdict == "unexplained"
    assert verdicts(found)["night"] == "unexplained"
    assert would_also_fit(found)["night"] == "nights-cut"


def test_two_causes_at_once_are_named_together(tmp_path: Path) -> None:
    found = held_against(written(tmp_path / "r.csv", rows_by("last-observation", "literal-23:59")))

    assert verdicts(found)["late"] == "last-observation + literal-23:59"
    assert verdicts(found)["plain"] == "last-observation"
    assert found.verdict == "last observation, literal 23:59"


def test_a_program_of_another_policy_other_polls_and_other_hours_is_named_in_one_line(tmp_path: Path) -> None:
    rows = rows_by("last-observation", "all-polls", "literal-23:59")
    found = held_against(written(tmp_path / "r.csv", rows))

    assert found.verdict == "last observation, all polls, literal 23:59"
    assert "unexplained" not in verdicts(found).values()


def test_a_summary_counts_stores_by_cause_with_the_median_difference(tmp_path: Path) -> None:
    found = held_against(written(tmp_path / "r.csv", rows_by("no-hours-closed")))
    (one,) = found.found

    assert (one.key, one.stores) == ("no-hours-closed", 1)
    assert one.median_seconds > 86_400  # most of a week was up


def test_stores_left_out_and_stores_that_only_they_have_are_counted(tmp_path: Path) -> None:
    rows = [row for row in rows_by() if row["store_id"] != "none"]
    found = held_against(written(tmp_path / "r.csv", [*rows, rows[0] | {"store_id": "stranger"}]))

    assert (found.left_out, found.lacking["hours"], found.only_theirs) == (1, (1, 1), 1)
    assert verdicts(found)["none"] == "left out there"
    assert verdicts(found)["stranger"] == "only there"
    assert not found.agrees


def test_a_row_a_store_goes_into_a_file_with_the_figures_of_both(tmp_path: Path) -> None:
    found = held_against(written(tmp_path / "r.csv", rows_by("nights-cut")))
    found.write_differences(tmp_path / "d.csv")
    rows = {row["store_id"]: row for row in pl.read_csv(tmp_path / "d.csv").iter_rows(named=True)}

    assert set(rows) == set(STORES)
    assert rows["night"]["verdict"] == "nights-cut"
    assert {row["would_also_fit"] for row in rows.values()} == {None}
    night = rows["night"]
    assert night["uptime_last_week_theirs"] + night["downtime_last_week_theirs"] == pytest.approx(
        42, abs=0.02
    )
    assert night["uptime_last_week_ours"] + night["downtime_last_week_ours"] == pytest.approx(56, abs=0.02)


def test_a_part_of_the_stores_can_be_compared(tmp_path: Path) -> None:
    found = held_against(written(tmp_path / "r.csv", rows_by()), stores=5)

    assert found.compared == 5
    assert found.left_out == 0


def test_our_own_report_agrees_whatever_its_ids_look_like(tmp_path: Path) -> None:
    names = ["-5", "=1", "007", "a,b"]
    facts = facts_of([(name, (NOW - 1_800) * 1_000_000, True) for name in names])
    path = tmp_path / "ours.csv"
    path.write_bytes(reference.export(reference.report(facts, Ask(as_of=NOW, carry=WEEK))))
    found = compare(facts, read_foreign(path), Ask(as_of=NOW))

    assert found.agrees
    assert found.compared == 4


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_ids_are_taken_to_the_letter_in_our_own_reports_of_each_kind(ending: str, tmp_path: Path) -> None:
    """Blanks, a no-break space, and ids that differ only by the apostrophe that our CSV puts before one."""
    names = ["a", " a", "a ", "a\u00a0", "\u00a0a", "=1", "'=1", "''=1", "'a"]
    facts = facts_of([(name, (NOW - 60 * i) * 1_000_000, i % 2 == 0) for i, name in enumerate(names)])
    path = tmp_path / f"ours.{ending}"
    answer(GivenFacts(facts=facts), Ask(as_of=NOW)).write(path)
    found = compare(facts, read_foreign(path), Ask(as_of=NOW))

    assert found.agrees
    assert found.compared == len(names)
    assert found.verdict == "the same rules"


# ---------------------------------------------------------------- how they write


@pytest.mark.parametrize(
    ("names", "separator"),
    [
        (lambda name: name.upper(), ","),
        (lambda name: f" {name.replace('_', ' ').title()} ", ","),
        (lambda name: name.replace("uptime_last_week", "update_last_week"), ","),
        (lambda name: name if name == "store_id" else f"{name}(in {USUAL[name.split('_')[-1]]})", ";"),
        (lambda name: "".join(part.title() for part in name.split("_")), ","),
    ],
)
def test_columns_are_known_by_their_usual_names(
    names: Callable[[str], str], separator: str, tmp_path: Path
) -> None:
    rows = [{names(name): cell for name, cell in row.items()} | {"note": "x"} for row in rows_by()]
    found = held_against(written(tmp_path / "r.csv", rows, separator))

    assert found.agrees
    assert len(found.measures) == 6


@pytest.mark.parametrize(("unit", "size"), [("minutes", 60), ("hours", 3_600), ("seconds", 1)], ids=str)
def test_units_are_worked_out_for_each_window(unit: str, size: int, tmp_path: Path) -> None:
    rows = []
    for store in STORES:
        found = other_program.seconds(store, frozenset())
        rows.append({"store_id": store} | {name: f"{value / size:.3f}" for name, value in found.items()})
    compared = held_against(written(tmp_path / "r.csv", rows))

    assert {measure.unit for measure in compared.measures} == {unit}
    assert compared.agrees


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("uptime_last_day_hours", "hours"),
        ("Uptime last day (min)", "minutes"),
        ("uptimeLastDaySeconds", "seconds"),
        ("uptime_seconds_last_day", "seconds"),
        ("uptime_in_minutes_last_day", "minutes"),
        ("last_day_uptime_h", "hours"),
        ("uptime_last_day_%", "percent of the known time"),
        ("uptime_last_day", None),
    ],
)
def test_a_unit_in_the_header_is_taken_from_there(name: str, unit: str | None, tmp_path: Path) -> None:
    path = written(tmp_path / "r.csv", [{"store_id": "plain", name: "1"}])
    (column,) = read_foreign(path).columns

    assert (column.kind, column.window, column.unit) == ("uptime", "day", unit)


def test_a_unit_in_a_header_goes_before_what_comes_nearer_and_for_all_its_window(tmp_path: Path) -> None:
    rows = [
        {{"uptime_last_week": "uptime_last_week_minutes"}.get(name, name): cell for name, cell in row.items()}
        for row in rows_by()
    ]
    found = held_against(written(tmp_path / "r.csv", rows))
    units = {measure.column.window: measure.unit for measure in found.measures}

    assert units == {"hour": "minutes", "day": "hours", "week": "minutes"}
    assert len({(m.column.window, m.unit) for m in found.measures}) == 3
    assert not found.agrees


def test_a_window_has_one_unit_though_a_column_alone_would_come_nearer_in_another(tmp_path: Path) -> None:
    rows = [row | {"downtime_last_week": str(float(row["downtime_last_week"]) * 60)} for row in rows_by()]
    found = held_against(written(tmp_path / "r.csv", rows))

    assert len({m.unit for m in found.measures if m.column.window == "week"}) == 1


def test_shares_of_the_known_time_are_a_unit_too(tmp_path: Path) -> None:
    rows = []
    for store in STORES:
        found = other_program.seconds(store, frozenset({"nights-cut"}))
        known = found["uptime_last_week"] + found["downtime_last_week"]
        rows.append({"store_id": store, "uptime_last_week": str(found["uptime_last_week"] / (known or 1))})
    compared = held_against(written(tmp_path / "r.csv", rows))

    assert [measure.unit for measure in compared.measures] == ["shares of the known time"]
    assert set(verdicts(compared).values()) == {"agrees", "nights-cut"}


@pytest.mark.parametrize("decimals", [0, 1, 2])
def test_figures_agree_within_the_others_rounding(decimals: int, tmp_path: Path) -> None:
    rows = [
        {k: c if k == "store_id" else f"{float(c):.{decimals}f}" for k, c in row.items()} for row in rows_by()
    ]
    found = held_against(written(tmp_path / "r.csv", rows))

    assert found.agrees
    assert found.mode == "rounded"
    assert {round(-np.log10(measure.column.place)) for measure in found.measures} == {decimals}


def test_figures_that_are_cut_agree_too_and_this_is_said(tmp_path: Path) -> None:
    rows = []
    for store in STORES:
        found = other_program.seconds(store, frozenset())
        cells = {name: str(int(value / UNITS[name.split("_")[-1]])) for name, value in found.items()}
        rows.append({"store_id": store} | cells)
    compared = held_against(written(tmp_path / "r.csv", rows))

    assert compared.agrees
    assert compared.mode == "cut"


def test_rows_of_one_id_count_once_and_odd_cells_are_not_compared(tmp_path: Path) -> None:
    rows = rows_by()
    rows[0] |= {"uptime_last_week": "", "downtime_last_week": "N/A", "uptime_last_day": "about 3"}
    found = read_foreign(written(tmp_path / "r.csv", [*rows, rows[1] | {"uptime_last_day": "9"}]))

    assert (found.doubled, found.unread) == (1, 1)
    assert held_against(tmp_path / "r.csv").agrees


def test_a_file_that_is_no_report_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"needs store_id and columns like uptime_last_hour.*who, what"):
        read_foreign(written(tmp_path / "r.csv", [{"who": "me", "what": "nothing"}]))
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(InputError, match="cannot be read"):
        read_foreign(tmp_path / "empty.csv")


def test_a_report_of_other_stores_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no store of the report .* ids like 1.48E\+18"):
        held_against(written(tmp_path / "r.csv", [{"store_id": "1.48E+18", "uptime_last_hour": "1"}]))


# ---------------------------------------------------------------- the command


def folder(path: Path) -> Path:
    polls, hours, zones = other_program.inputs()
    stamp = pl.from_epoch("at", time_unit="us").dt.strftime("%Y-%m-%d %H:%M:%S UTC")
    status = pl.when("active").then(pl.lit("active")).otherwise(pl.lit("inactive"))
    path.mkdir()
    pl.DataFrame(polls, schema=["store_id", "at", "active"], orient="row").select(
        "store_id", status.alias("status"), stamp.alias("timestamp_utc")
    ).write_csv(path / "polls.csv")
    pl.DataFrame(
        [(store, day, clock(start), clock(end)) for store, day, start, end in hours],
        schema=["store_id", "day", "start_time_local", "end_time_local"],
        orient="row",
    ).write_csv(path / "hours.csv")
    pl.DataFrame(list(zones.items()), schema=["store_id", "timezone_str"], orient="row").write_csv(
        path / "zones.csv"
    )
    return path


def clock(second: int) -> str:
    return f"{second // 3_600:02}:{second // 60 % 60:02}:{second % 60:02}"


def verify(tmp_path: Path, *bugs: str, options: tuple[str, ...] = ()) -> Result:
    report = written(tmp_path / "old.csv", rows_by(*bugs))
    as_of = AS_OF.isoformat()
    command = ["verify", str(folder(tmp_path / "data")), "--against", str(report), "--as-of", as_of]
    return CliRunner().invoke(commands, [*command, *options])


def test_the_command_says_what_agrees_and_why_the_rest_does_not(tmp_path: Path) -> None:
    done = verify(tmp_path, "nights-cut", options=("--differences", str(tmp_path / "d.csv")))

    assert done.exit_code == 1
    assert done.output.splitlines()[0] == "their program: nights cut"
    assert "uptime_last_hour    read as minutes, 2 decimals" in done.output
    assert f"{len(STORES) - 1} of {len(STORES)} stores agree" in done.output
    assert "nights-cut: rows past midnight cut at midnight (night)" in done.output
    assert pl.read_csv(tmp_path / "d.csv").height == len(STORES)


def test_the_command_ends_well_if_all_agree(tmp_path: Path) -> None:
    done = verify(tmp_path)

    assert done.exit_code == 0
    assert f"{len(STORES)} of {len(STORES)} stores agree" in done.output


def test_differences_without_another_report_are_a_usage_error(tmp_path: Path) -> None:
    done = CliRunner().invoke(commands, ["verify", str(tmp_path), "--differences", "d.csv"])

    assert done.exit_code == 2
    assert "--against" in done.output


def test_a_workbook_is_written_by_the_command_too(tmp_path: Path) -> None:
    out = tmp_path / "report.xlsx"
    done = CliRunner().invoke(
        commands, ["report", "--data", str(folder(tmp_path / "data")), "--out", str(out)]
    )

    assert done.exit_code == 0, done.output
    assert openpyxl.load_workbook(out)["Stores"].max_row == len(STORES) + 1


def test_every_cause_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "compare.md").read_text(encoding="utf-8")
    calendar = {cause.key: cause.key.removeprefix("utc-").removeprefix("local-") for cause in CAUSES}

    assert [key for key, kind in calendar.items() if not {f"`{key}`", f"`{kind}`"} & words(page)] == []


def words(page: str) -> set[str]:
    return set(re.findall(r"`[^`\n]+`", page))
