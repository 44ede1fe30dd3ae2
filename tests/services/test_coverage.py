"""Coverage adds up, is what the geography says, and never goes down when it must not."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.demo import facts
from app.errors import InvalidInput, LevelNotLoaded, NotFound
from app.geo.coverage import covered_by_cell
from app.models.vocabularies import AreaLevel
from app.services.area_table import apportion
from app.services.coverage import (
    MAX_MINUTES,
    CoverageQuery,
    coverage_curve,
    coverage_table,
    field_within,
    on_edge,
    run_id,
)
from app.services.coverage_cells import all_cell_rows, coverage_cells
from app.services.gaps import coverage_gaps
from app.services.profiles import resolve_profile
from app.services.snapshot import Snapshot

DAY = date(2026, 11, 20)
PARTS = ("population", "covered", "uncovered", "off_network", "stations")


def ask(
    minutes: float = 15.0, profile: str = "adult", speed_kmh: float | None = None, day: date = DAY
) -> CoverageQuery:
    return CoverageQuery(resolve_profile(profile, speed_kmh), day, minutes)


@pytest.mark.parametrize("query", [ask(), ask(7.3), ask(15, "senior"), ask(20, "wheelchair"), ask(60, "adult", 7.0)])
def test_every_row_adds_up_and_levels_sum_to_one_another(demo_snapshot: Snapshot, query: CoverageQuery) -> None:
    by_level = {level: coverage_table(demo_snapshot, query, level).rows for level in AreaLevel}
    assert [len(by_level[level]) for level in (AreaLevel.CITY, AreaLevel.DISTRICT, AreaLevel.TOWN)] == [1, 11, 176]
    for rows in by_level.values():
        for row in rows:
            assert row.covered + row.uncovered + row.off_network == row.population
            assert min(row.covered, row.uncovered, row.off_network) >= 0
    (city,) = by_level[AreaLevel.CITY]
    for part in PARTS:
        assert sum(getattr(r, part) for r in by_level[AreaLevel.DISTRICT]) == getattr(city, part)
        for district in by_level[AreaLevel.DISTRICT]:
            inside = coverage_table(demo_snapshot, query, AreaLevel.TOWN, district.area.code).rows
            assert {r.area.parent_code for r in inside} == {district.area.code}
            assert sum(getattr(r, part) for r in inside) == getattr(district, part)
    assert city.population == 18_827_000
    published = {d.code: d.yearend2023_resident for d in facts.districts()[:-1]}
    assert {r.area.code: r.population for r in by_level[AreaLevel.DISTRICT]} == published


def test_figures_are_those_of_the_cells(demo_snapshot: Snapshot) -> None:
    """The one-pass curve by area and the pass by cell are two kernels: they must agree."""
    query = ask()
    city = coverage_table(demo_snapshot, query, AreaLevel.CITY).rows[0]
    network = demo_snapshot.network
    field = field_within(demo_snapshot, query, query.limit_mm)
    by_cell = covered_by_cell(
        demo_snapshot.frontage, network.edge_u, network.edge_v, network.edge_mm, field.length_mm,
        on_edge(demo_snapshot, query), query.limit_mm,
    )  # fmt: skip
    assert city.covered == pytest.approx(by_cell.sum(), abs=176)
    rows = list(all_cell_rows(demo_snapshot, query))
    assert sum(r.covered for r in rows) == pytest.approx(by_cell.sum(), abs=0.5)
    for row in rows:
        assert row.covered + row.uncovered + row.off_network == pytest.approx(row.population, abs=2e-3)
        assert min(row.covered, row.uncovered, row.off_network) >= 0


def test_a_search_beyond_the_table_continues_where_the_table_ends(demo_snapshot: Snapshot) -> None:
    fast = resolve_profile("adult", 6.0)
    at_table, past_table = CoverageQuery(fast, DAY, 48.0), CoverageQuery(fast, DAY, 48.25)
    for query in (at_table, past_table):
        table = demo_snapshot.variant(step_free=False)[2]
        searched = demo_snapshot.searcher.field_of(
            demo_snapshot.stations.places.take(np.flatnonzero(demo_snapshot.open_mask(DAY))), query.limit_mm
        )
        got = field_within(demo_snapshot, query, query.limit_mm)
        assert (got.length_mm == searched.length_mm).all()
        assert (query.limit_mm <= table.limit_mm) == (query is at_table)


@given(st.floats(0.25, 59.0), st.floats(0.05, 1.0))
def test_more_minutes_never_cover_fewer(demo_snapshot: Snapshot, minutes: float, more: float) -> None:
    less = coverage_table(demo_snapshot, ask(minutes), AreaLevel.TOWN).rows
    greater = coverage_table(demo_snapshot, ask(minutes + more), AreaLevel.TOWN).rows
    assert all(a.covered <= b.covered and a.population == b.population for a, b in zip(less, greater, strict=True))


def test_slower_or_step_free_walkers_and_fewer_stations_reach_no_more(demo_snapshot: Snapshot) -> None:
    def covered(query: CoverageQuery) -> int:
        return coverage_table(demo_snapshot, query, AreaLevel.CITY).rows[0].covered

    adult = covered(ask())
    assert covered(ask(profile="senior")) < adult
    assert covered(ask(profile="wheelchair")) <= covered(ask(speed_kmh=3.6)) < adult
    assert covered(ask(profile="gb50180")) == covered(ask(speed_kmh=4.0))
    only_parks = CoverageQuery(resolve_profile(), DAY, 15.0, ("park",))
    assert 0 < covered(only_parks) < adult
    assert covered(ask(day=date(2025, 1, 1))) == 0, "before the first station opened"


def test_the_curve_meets_the_table_at_every_minute(demo_snapshot: Snapshot) -> None:
    curve = coverage_curve(demo_snapshot, ask(), "440106")
    assert curve.minutes == list(range(1, 61))
    assert curve.covered == sorted(curve.covered)
    for minutes in (1, 15, 37, 60):
        row = next(
            r for r in coverage_table(demo_snapshot, ask(minutes), AreaLevel.DISTRICT).rows if r.area.code == "440106"
        )
        assert curve.covered[minutes - 1] == row.covered
        assert curve.share[minutes - 1] == row.rate
    assert coverage_curve(demo_snapshot, ask()).area.code == "4401"


def test_the_median_is_where_the_curve_crosses_one_half(demo_snapshot: Snapshot) -> None:
    for row in coverage_table(demo_snapshot, ask(), AreaLevel.DISTRICT).rows:
        if row.median_walk_minutes is None:
            assert coverage_table(demo_snapshot, ask(MAX_MINUTES), AreaLevel.CITY).rows
            continue
        before, after = (
            next(
                r.covered / r.population
                for r in coverage_table(demo_snapshot, ask(m), AreaLevel.DISTRICT).rows
                if r.area.code == row.area.code
            )
            for m in (row.median_walk_minutes - 0.27, row.median_walk_minutes + 0.27)
        )
        assert before <= 0.5 <= after


def test_gaps_hold_all_uncovered_people_when_nothing_is_left_out(demo_snapshot: Snapshot) -> None:
    query = ask()
    answer = coverage_gaps(demo_snapshot, query, level=AreaLevel.TOWN, min_share=0.0, min_population=0, limit=100_000)
    city = coverage_table(demo_snapshot, query, AreaLevel.CITY).rows[0]
    assert answer.total_gaps == len(answer.gaps)
    assert answer.total_people == pytest.approx(city.uncovered + city.off_network, abs=200)
    assert [g.people for g in answer.gaps] == sorted((g.people for g in answer.gaps), reverse=True)
    cells = [cell for gap in answer.gaps for cell in gap.cells]
    assert len(cells) == len(set(cells))
    assert all(len(gap.areas) == 1 for gap in answer.gaps), "gaps of a level do not cross its borders"
    assert len(answer.gaps[0].outline.geoms) == 1, "a gap is contiguous"


def test_gaps_are_filtered_and_kept_inside(demo_snapshot: Snapshot) -> None:
    answer = coverage_gaps(demo_snapshot, ask(), level=AreaLevel.TOWN, within="440106", min_population=500, limit=3)
    assert 0 < len(answer.gaps) <= 3 and answer.total_gaps >= len(answer.gaps)
    assert all(g.people >= 500 and g.areas[0].code.startswith("440106") for g in answer.gaps)


def test_cells_by_area_and_box(demo_snapshot: Snapshot) -> None:
    query = ask()
    inside = coverage_cells(demo_snapshot, query, area_code="440106").rows
    assert {r.area_code[:6] for r in inside} == {"440106"}
    west, south, east, north = 113.3, 23.1, 113.34, 23.14
    boxed = coverage_cells(demo_snapshot, query, bbox=(west, south, east, north)).rows
    assert boxed and all(west <= r.lng <= east and south <= r.lat <= north for r in boxed)
    with pytest.raises(InvalidInput, match="too large"):
        coverage_cells(demo_snapshot, query, limit=10)


@pytest.mark.parametrize("resolution", [7, 8, 9, 10])
def test_totals_are_the_same_by_cells_of_any_size(demo_snapshot: Snapshot, resolution: int) -> None:
    query = ask(12.0)
    answer = coverage_cells(demo_snapshot, query, resolution=resolution, limit=10**6)
    usual = coverage_cells(demo_snapshot, query, limit=10**6)
    assert answer.resolution == resolution and usual.resolution == 9
    assert {row.cell >> 52 & 0xF for row in answer.rows} == {resolution}
    for part in ("population", "covered", "uncovered", "off_network"):
        one, other = (sum(getattr(row, part) for row in found.rows) for found in (answer, usual))
        # what is told of a cell is rounded to a thousandth of a person
        assert one == pytest.approx(other, abs=5e-4 * (len(answer.rows) + len(usual.rows))), part
    for row in answer.rows:
        assert row.covered + row.uncovered + row.off_network == pytest.approx(row.population, abs=2e-3)


@pytest.mark.parametrize("resolution", [7, 8, 10])
def test_cells_of_a_place_are_those_of_the_whole_city(demo_snapshot: Snapshot, resolution: int) -> None:
    """Finer cells are cut where they are asked for: they must come whole, and all of them."""
    query = ask(12.0)
    every = {row.cell: row for row in coverage_cells(demo_snapshot, query, resolution=resolution, limit=10**6).rows}
    box = (113.3, 23.1, 113.34, 23.14)
    west, south, east, north = box
    for area_code, bbox in (("440106", None), ("440104", None), (None, box), ("440106", box)):
        got = coverage_cells(demo_snapshot, query, area_code=area_code, bbox=bbox, resolution=resolution, limit=10**6)
        wanted = {
            cell
            for cell, row in every.items()
            if (area_code is None or row.area_code.startswith(area_code))
            and (bbox is None or (west <= row.lng <= east and south <= row.lat <= north))
        }
        assert {row.cell for row in got.rows} == wanted and (resolution < 9 or len(wanted) > 100)
        for row in got.rows:
            other = every[row.cell]
            assert (row.population, row.covered) == pytest.approx((other.population, other.covered), abs=2e-3)
            assert (row.area_code, row.nearest_minutes) == (other.area_code, other.nearest_minutes)
    nothing = coverage_cells(demo_snapshot, query, bbox=(1.0, 1.0, 2.0, 2.0), resolution=resolution)
    assert nothing.rows == []
    with pytest.raises(InvalidInput, match="too large"):
        coverage_cells(demo_snapshot, query, area_code="440106", resolution=resolution, limit=1)


def test_what_is_not_there_is_named(demo_snapshot: Snapshot) -> None:
    with pytest.raises(NotFound, match="999999"):
        coverage_table(demo_snapshot, ask(), AreaLevel.TOWN, "999999")
    for minutes in (0, -1, 60.5, 10_000, float("nan")):
        with pytest.raises(InvalidInput):
            ask(minutes)
    with pytest.raises(InvalidInput, match="teleport"):
        resolve_profile("teleport")
    for speed in (0.0, 0.5, 20.0, float("nan")):
        with pytest.raises(InvalidInput):
            resolve_profile("adult", speed)


def test_a_level_that_is_not_loaded(demo_snapshot: Snapshot) -> None:
    from app.services.area_table import AreaTable

    table = demo_snapshot.areas
    towns = [a for a in table.areas if a.level is AreaLevel.TOWN]
    only_towns = AreaTable(towns, [table.outlines[table.at[a.code]] for a in towns])
    with pytest.raises(LevelNotLoaded, match="district"):
        only_towns.of_level(AreaLevel.DISTRICT)


def test_the_run_is_named_by_what_it_depends_on(demo_snapshot: Snapshot) -> None:
    assert run_id(demo_snapshot, ask()) == run_id(demo_snapshot, ask())
    others = {run_id(demo_snapshot, q) for q in (ask(), ask(14), ask(profile="senior"), ask(day=date(2026, 1, 1)))}
    assert len(others) == 4


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200))
def test_apportioned_numbers_add_up_and_stay_near(values: list[float]) -> None:
    exact = np.array(values)
    whole = apportion(exact, round(float(exact.sum())))
    assert int(whole.sum()) == round(float(exact.sum()))
    assert (np.abs(whole - exact) <= 1.0 + 1e-9).all()
