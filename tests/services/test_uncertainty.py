"""Intervals are those of every combination computed on its own; bands are differences of the curve."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from app.db.engine import make_engine, session_scope
from app.geo.hexgrid import cells_within
from app.models.vocabularies import AreaLevel, BoundaryKind, DatasetKind
from app.repositories.runs import get_run
from app.services.coverage import CoverageQuery, CoverageRow, coverage_curve, coverage_rows, run_id
from app.services.dataset_reads import sources_of_snapshot
from app.services.loading import (
    DatasetFacts,
    NewArea,
    load_alternative_population,
    load_boundaries,
    load_network,
    load_population,
    load_stations,
)
from app.services.profiles import resolve_profile
from app.services.runs import store_run
from app.services.snapshot import Snapshot, ensure_snapshot
from app.services.uncertainty import Interval, Uncertainty, coverage_uncertainty
from app.settings import HomeSettings, MethodSettings
from tests.conftest import MakeDatabase
from tests.support.cities import SIDE, SOUTH, STEP, WEST, block_stations, block_streets

DAY = date(2026, 11, 20)
SOURCES = {"main": 9, "coarse": 8, "fine": 10}  # name -> resolution
MARGIN = 12 * STEP  # people live, and stations stand, up to 1.2 km beside the streets

BuildCity = Callable[..., Snapshot]


def ask(minutes: float = 6.0, speed_kmh: float | None = None, profile: str = "adult") -> CoverageQuery:
    return CoverageQuery(resolve_profile(profile, speed_kmh), DAY, minutes)


def wide_areas() -> list[NewArea]:
    """The block city with countryside around it: a western and an eastern district."""
    west, south, side = WEST - MARGIN, SOUTH - MARGIN, (SIDE - 1) * STEP + 2 * MARGIN

    def area(code: str, level: AreaLevel, parent: str | None, x0: float, x1: float) -> NewArea:
        geom = shapely.MultiPolygon([shapely.box(x0, south, x1, south + side)])
        return NewArea(code, level, f"区 {code}", parent, BoundaryKind.SYNTHETIC, geom)

    middle = west + side / 2
    return [
        area("T1", AreaLevel.CITY, None, west, west + side),
        area("T101", AreaLevel.DISTRICT, "T1", west, middle),
        area("T102", AreaLevel.DISTRICT, "T1", middle, west + side),
    ]


def load(session: Session, names: tuple[str, ...]) -> None:
    """The wide city with these populations, the first as the main one; two more stations, far from every street."""
    areas = wide_areas()

    def facts(kind: DatasetKind, name: str = "") -> DatasetFacts:
        return DatasetFacts(kind, None, name or kind.value, "tests", "none", "2026", f"{kind}-{name}", False)

    load_boundaries(session, facts(DatasetKind.BOUNDARIES), areas, {})
    load_network(session, facts(DatasetKind.NETWORK), block_streets(), {})
    for k, name in enumerate(names):
        resolution = SOURCES.get(name, 9)
        west = shapely.buffer(areas[1].geom, -0.004)  # no cell of it reaches into the eastern district
        cells = cells_within(west if name == "west" else areas[0].geom, resolution)
        people = np.random.default_rng(resolution).uniform(1, 400, len(cells)) * 7.0 ** (9 - resolution)
        write = load_alternative_population if k else load_population
        write(session, facts(DatasetKind.POPULATION, name), cells, people, {})
    west, _ = block_stations()
    north = SOUTH + (SIDE - 1) * STEP
    beside = [("T-300", WEST + 8 * STEP, SOUTH - 0.0027), ("T-700", WEST + 3.5 * STEP, north + 0.0063)]
    far = [dataclasses.replace(west, code=code, lng=lng, lat=lat) for code, lng, lat in beside]
    load_stations(session, facts(DatasetKind.STATIONS), [west, *far], {})


@pytest.fixture(scope="module")
def city(make_database: MakeDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BuildCity]:
    """Makes snapshots: of which populations, under which settings. Everything is built anew for each."""
    engines = {}

    def build(*names: str, **method: float) -> Snapshot:
        if names not in engines:
            engines[names] = make_engine(make_database())
            with session_scope(engines[names]) as session:
                load(session, names)
        return ensure_snapshot(
            engines[names], HomeSettings(home=tmp_path_factory.mktemp("home")), MethodSettings(**method)
        )

    yield build
    for engine in engines.values():
        engine.dispose()


def table(snapshot: Snapshot, query: CoverageQuery) -> list[CoverageRow]:
    return coverage_rows(snapshot, query, snapshot.areas.areas)


def both(snapshot: Snapshot, query: CoverageQuery) -> tuple[list[CoverageRow], Uncertainty]:
    rows = table(snapshot, query)
    return rows, coverage_uncertainty(snapshot, query, rows)


@pytest.mark.parametrize("minutes", [3.0, 6.0, 7.3, 20.0])
def test_the_interval_is_that_of_all_combinations_each_computed_on_its_own(city: BuildCity, minutes: float) -> None:
    """An own database, network, frontage and reach table for every pair of limits and every population."""
    rows, answer = both(city(*SOURCES), ask(minutes))
    assert answer.speeds_kmh == [4.32, 4.8, 5.28] and answer.combinations == 27
    assert answer.link_limits_m == answer.snap_limits_m == [250, 500, 1000]
    assert [source.name for source in answer.sources] == list(SOURCES)
    figures = []
    for limit, name in product(answer.link_limits_m, SOURCES):
        snapshot = city(name, link_limit_m=limit, snap_limit_m=limit, uncertainty_limit_factor=1.0)
        figures += [(name, table(snapshot, ask(minutes, speed))) for speed in answer.speeds_kmh]
    assert len(figures) == answer.combinations
    for k, row in enumerate(rows):
        own = [found[k].covered for name, found in figures if name == "main"]
        # the people of other populations are taken by their rate; those are whole there, so up to half a person off
        rates = [found[k].covered / found[k].population for name, found in figures if name != "main"]
        low = min(*own, *(round(rate * row.population) for rate in rates))
        high = max(*own, *(round(rate * row.population) for rate in rates))
        interval = answer.intervals[k]
        assert interval.low == pytest.approx(low, abs=2) and interval.high == pytest.approx(high, abs=2)
        assert interval.rate_low == pytest.approx(interval.low / row.population, abs=1e-6)
        assert interval.rate_high == pytest.approx(interval.high / row.population, abs=1e-6)
    city_row = answer.intervals[0]
    assert city_row.low < rows[0].covered < city_row.high


@pytest.mark.parametrize("minutes", [3.0, 6.0, 8.25, 20.0])  # 8.25: from T-700 to its own edge, not to its ends
def test_with_one_population_the_interval_is_exact_and_adds_up(city: BuildCity, minutes: float) -> None:
    rows, answer = both(city("main"), ask(minutes))
    narrow = city("main", link_limit_m=250, snap_limit_m=250)
    wide = city("main", link_limit_m=1000, snap_limit_m=1000)
    assert [i.low for i in answer.intervals] == [r.covered for r in table(narrow, ask(minutes, 4.32))]
    assert [i.high for i in answer.intervals] == [r.covered for r in table(wide, ask(minutes, 5.28))]
    whole, west, east = answer.intervals
    assert (whole.low, whole.high) == (west.low + east.low, west.high + east.high)
    assert all(i.low <= row.covered <= i.high for row, i in zip(rows, answer.intervals, strict=True))


def test_each_limit_does_its_part(city: BuildCity) -> None:
    """People beyond the set limit, and a station beyond it, are in the interval and in no figure."""
    snapshot = city("main", uncertainty_speed_share=0.0)
    rows, answer = both(snapshot, ask(20.0))
    (source,) = snapshot.city.sources
    assert len(source.beyond.edge) > 0 and (source.beyond.leg_mm > 500_000).all()
    assert (source.frontage.leg_mm > 250_000).any() and snapshot.stations.places.edge.min() == -1
    assert rows[0].covered + rows[0].uncovered + rows[0].off_network == rows[0].population
    # everybody with a street is within a walk of twenty minutes: what is left is off the network
    assert answer.intervals[0].high > rows[0].population - rows[0].off_network
    assert answer.intervals[0].low < rows[0].covered


def test_without_anything_to_vary_the_interval_is_the_figure(city: BuildCity) -> None:
    snapshot = city("main", uncertainty_speed_share=0.0, uncertainty_limit_factor=1.0)
    for minutes in (3.0, 6.0, 7.3, 60.0):
        rows, answer = both(snapshot, ask(minutes))
        assert answer.combinations == 1
        assert answer.intervals == [Interval(r.covered, r.covered, r.rate, r.rate) for r in rows]


def test_more_variants_never_narrow_the_interval(city: BuildCity) -> None:
    steps = [
        city("main", uncertainty_speed_share=0.0, uncertainty_limit_factor=1.0),
        city("main", uncertainty_speed_share=0.1, uncertainty_limit_factor=1.0),
        city("main", uncertainty_speed_share=0.1, uncertainty_limit_factor=2.0),
        city("main", "coarse", uncertainty_speed_share=0.1, uncertainty_limit_factor=2.0),
        city("main", "coarse", "fine", uncertainty_speed_share=0.2, uncertainty_limit_factor=2.0),
    ]
    for minutes in (2.0, 6.0, 15.0):
        found = [both(snapshot, ask(minutes))[1].intervals for snapshot in steps]
        for fewer, more in pairwise(found):
            for less, greater in zip(fewer, more, strict=True):
                assert greater.low <= less.low <= less.high <= greater.high
        assert found[0][0].high - found[0][0].low < found[-1][0].high - found[-1][0].low


@settings(deadline=None)
@given(minutes=st.floats(0.25, 58.0), more=st.floats(0.0, 2.0))
def test_the_interval_holds_the_figure_and_grows_with_the_minutes(
    demo_snapshot: Snapshot, minutes: float, more: float
) -> None:
    rows, answer = both(demo_snapshot, ask(minutes))
    _, later = both(demo_snapshot, ask(minutes + more))
    for row, now, then in zip(rows, answer.intervals, later.intervals, strict=True):
        assert 0 <= now.low <= row.covered <= now.high <= row.population
        assert now.low <= then.low and now.high <= then.high
        if row.rate is not None:
            assert now.rate_low is not None and now.rate_high is not None
            assert now.rate_low <= row.rate <= now.rate_high


def test_the_band_adds_up_with_the_curve(demo_snapshot: Snapshot) -> None:
    curve = coverage_curve(demo_snapshot, ask(), "440106")
    at = {0: 0, **dict(zip(curve.minutes, curve.covered, strict=True))}
    (area,) = [a for a in demo_snapshot.areas.areas if a.code == "440106"]
    for minutes in (1, 2, 15, 59):
        rows = coverage_rows(demo_snapshot, ask(minutes), [area])
        (band,) = coverage_uncertainty(demo_snapshot, ask(minutes), rows).bands
        assert (band.gain, band.loss) == (at[minutes + 1] - at[minutes], at[minutes] - at[minutes - 1])
        assert band.total == band.gain + band.loss > 0


@pytest.mark.parametrize("minutes", [0.5, 7.3, 60.0])
def test_the_band_off_the_grid_of_the_curve(demo_snapshot: Snapshot, minutes: float) -> None:
    """One minute as a change of speed: 7.3 minutes at v reach as far as 8.3 minutes at v · 7.3 / 8.3."""
    rows, answer = both(demo_snapshot, ask(minutes))
    for other, sign in ((minutes + 1, 1), (minutes - 1, -1)):
        if other <= 0:
            assert [band.loss for band in answer.bands] == [row.covered for row in rows]
            continue
        walk = dataclasses.replace(resolve_profile(), speed_kmh=4.8 * other / minutes)
        reached = table(demo_snapshot, CoverageQuery(walk, DAY, minutes))
        parts = [band.gain if sign > 0 else band.loss for band in answer.bands]
        for row, moved, part in zip(rows, reached, parts, strict=True):
            assert part == pytest.approx(sign * (moved.covered - row.covered), abs=176), row.area.code


@settings(deadline=None)
@given(speed=st.floats(1.0, 6.9), more=st.floats(0.0, 3.0))
def test_faster_walkers_never_cover_fewer(demo_snapshot: Snapshot, speed: float, more: float) -> None:
    slow, fast = (table(demo_snapshot, ask(10.0, v)) for v in (speed, min(7.0, speed + more)))
    assert all(a.covered <= b.covered for a, b in zip(slow, fast, strict=True))


@settings(deadline=None)
@given(st.sets(st.sampled_from(["community", "rural", "park", "institution"]), min_size=1, max_size=3))
def test_more_stations_never_cover_fewer(demo_snapshot: Snapshot, kinds: set[str]) -> None:
    some = CoverageQuery(resolve_profile(), DAY, 12.0, tuple(sorted(kinds)))
    fewer, more = table(demo_snapshot, some), table(demo_snapshot, ask(12.0))
    assert all(a.covered <= b.covered for a, b in zip(fewer, more, strict=True))
    _, less = both(demo_snapshot, some)
    _, greater = both(demo_snapshot, ask(12.0))
    assert all(a.low <= b.low and a.high <= b.high for a, b in zip(less.intervals, greater.intervals, strict=True))


def test_a_population_with_nobody_in_an_area_says_nothing_of_it(city: BuildCity) -> None:
    snapshot = city("main", "west", uncertainty_speed_share=0.0, uncertainty_limit_factor=1.0)
    rows, answer = both(snapshot, ask(6.0))
    assert [row.area.code for row in rows] == ["T1", "T101", "T102"]
    alone = [Interval(row.covered, row.covered, row.rate, row.rate) for row in rows]
    assert answer.intervals[2] == alone[2]
    assert answer.intervals[0] != alone[0] and answer.intervals[1] != alone[1]


def test_notices_name_what_shapes_figures(city: BuildCity) -> None:
    snapshot = city("main", "coarse")
    populations = [d.name for d in snapshot.stations.datasets if d.kind == "population"]
    assert populations == ["main", "coarse"]
    assert [s.name for s in sources_of_snapshot(snapshot) if s.kind is DatasetKind.POPULATION] == ["main"]


def test_an_area_without_people_has_no_rates(city: BuildCity) -> None:
    snapshot = city("main")
    (row, *_) = table(snapshot, ask())
    empty = dataclasses.replace(row, population=0, covered=0, uncovered=0, off_network=0, rate=None)
    (interval,) = coverage_uncertainty(snapshot, ask(), [empty]).intervals
    assert interval.rate_low is interval.rate_high is None


def test_a_run_depends_on_its_own_figures_alone(city: BuildCity, make_database: MakeDatabase, tmp_path: Path) -> None:
    alone, beside = city("main"), city("main", "fine", uncertainty_speed_share=0.3)
    assert run_id(alone, ask()) == run_id(beside, ask())
    assert alone.version != beside.version, "answers have intervals: what is kept of them goes out of date"
    assert run_id(alone, ask()) != run_id(city("main", link_limit_m=400), ask())
    engine = make_engine(make_database())
    with session_scope(engine) as session:
        first = store_run(session, alone, ask())
        second = store_run(session, beside, ask())
        assert first.is_new and not second.is_new and first.results_sha256 == second.results_sha256
    other = city("coarse", "main")
    with session_scope(engine) as session:
        run = get_run(session, store_run(session, other, ask()).id)
        assert run is not None
        assert [d["name"] for d in run.inputs["datasets"] if d["kind"] == "population"] == ["coarse"]
    engine.dispose()
