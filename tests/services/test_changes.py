"""Between any two days the stations' gains and losses add up to the difference, and fall to what changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pytest
from sqlalchemy import Engine, text

from app.db.engine import make_engine, session_scope
from app.demo.city import generate
from app.demo.load import load_city
from app.demo.spec import CitySpec
from app.models.vocabularies import AreaLevel
from app.repositories.runs import area_results
from app.services.changes import StationChangeKind, coverage_changes
from app.services.coverage import CoverageQuery, coverage_table
from app.services.profiles import resolve_profile
from app.services.run_changes import changes_of_runs
from app.services.run_reads import get_run
from app.services.runs import store_run
from app.services.snapshot import Snapshot, ensure_snapshot
from app.services.snapshot_at import snapshot_at
from app.services.station_table import today
from app.settings import home_settings
from tests.conftest import MakeDatabase

SPEC = CitySpec(node_target=15_000, stations=90)
LEVELS = (AreaLevel.CITY, AreaLevel.DISTRICT, AreaLevel.TOWN)
MOVED_ON = today() - timedelta(days=20)


@pytest.fixture(scope="module")
def place(make_database: MakeDatabase, isolated_home: object) -> Iterator[tuple[Engine, Snapshot]]:
    """A city in which four stations stood elsewhere until MOVED_ON, and three closed on different days."""
    engine = make_engine(make_database())
    with session_scope(engine) as session:
        load_city(session, generate(SPEC))
    with session_scope(engine) as session:
        codes = session.scalars(text("SELECT code FROM stations WHERE status = 'open' ORDER BY opened_on, code")).all()
        for code in codes[:4]:
            session.execute(
                text(
                    "UPDATE stations SET geom = ST_Translate(geom, 0.004, 0.002), valid_from = :day WHERE code = :code"
                ),
                {"day": MOVED_ON, "code": code},
            )
        for k, code in enumerate(codes[4:7]):
            session.execute(
                text("UPDATE stations SET status = 'closed', closed_on = :day WHERE code = :code"),
                {"day": today() - timedelta(days=7 * k + 3), "code": code},
            )
    yield engine, ensure_snapshot(engine, home_settings())
    engine.dispose()


def on(place: tuple[Engine, Snapshot], query: CoverageQuery) -> tuple[Snapshot, CoverageQuery]:
    engine, held = place
    return snapshot_at(engine, held, query.day, None), query


def test_any_two_days(place: tuple[Engine, Snapshot]) -> None:
    rng = np.random.default_rng(12)
    days = [today() - timedelta(days=int(n)) for n in rng.integers(0, 500, 12)]
    pairs = [(min(a, b), max(a, b)) for a, b in zip(days[::2], days[1::2], strict=True)]
    pairs += [(MOVED_ON - timedelta(days=1), MOVED_ON), (today() - timedelta(days=30), today())]
    seen: set[StationChangeKind] = set()
    for earlier, later in pairs:
        for profile, minutes, types in (("adult", 15.0, ()), ("wheelchair", 9.0, ()), ("senior", 25.0, ("community",))):
            queries = [CoverageQuery(resolve_profile(profile), day, minutes, types) for day in (earlier, later)]
            sides = [on(place, query) for query in queries]
            for level in LEVELS:
                answer = coverage_changes(sides[0], sides[1], level)
                tables = [coverage_table(*side, level).rows for side in sides]
                assert [row.before.covered for row in answer.rows] == [row.covered for row in tables[0]]
                assert [row.after.covered for row in answer.rows] == [row.covered for row in tables[1]]
                assert [row.after.stations for row in answer.rows] == [row.stations for row in tables[1]]
                for row in answer.rows:
                    assert row.after.covered - row.before.covered == row.gained - row.lost
                    assert row.gained >= 0 <= row.lost
                assert sum(one.gained for one in answer.stations) == answer.gained
                assert sum(one.lost for one in answer.stations) == answer.lost
                seen |= {one.kind for one in answer.stations}
    assert seen == set(StationChangeKind)


def test_the_stations_that_changed_are_those(place: tuple[Engine, Snapshot]) -> None:
    earlier, later = date(2025, 12, 31), today()
    query = CoverageQuery(resolve_profile(), later)
    sides = on(place, CoverageQuery(resolve_profile(), earlier)), on(place, query)
    answer = coverage_changes(*sides, AreaLevel.CITY)
    there = [{s.code: (s.lng, s.lat) for s in side.stations.table.stations if s.is_open_on(q.day)} for side, q in sides]
    expected = dict.fromkeys(there[1].keys() - there[0].keys(), StationChangeKind.OPENED)
    expected |= dict.fromkeys(there[0].keys() - there[1].keys(), StationChangeKind.CLOSED)
    both = there[0].keys() & there[1].keys()
    expected |= {code: StationChangeKind.MOVED for code in both if there[0][code] != there[1][code]}
    assert {one.station.code: one.kind for one in answer.stations} == expected
    for one in answer.stations:
        assert one.lost == 0 or one.kind is not StationChangeKind.OPENED
        assert one.gained == 0 or one.kind is not StationChangeKind.CLOSED


def test_between_runs_stations_and_the_rest_add_up(place: tuple[Engine, Snapshot]) -> None:
    engine, held = place
    asked = [
        CoverageQuery(resolve_profile(), date(2025, 12, 31)),
        CoverageQuery(resolve_profile(), today()),
        CoverageQuery(resolve_profile(), today(), 12.0),
    ]
    with session_scope(engine) as session:
        ids = [store_run(session, on(place, query)[0], query).id for query in asked]
    with session_scope(engine) as session:
        runs = [get_run(session, one) for one in ids]
        for level in LEVELS:
            of_stations = changes_of_runs(engine, session, held, runs[0], runs[1], level)
            assert (of_stations.causes.layers, of_stations.causes.parameters) == ([], [])
            assert all(row.by_data_or_method == 0 for row in of_stations.rows)
            plain = coverage_changes(on(place, asked[0]), on(place, asked[1]), level)
            assert [row.by_stations for row in of_stations.rows] == [row.gained - row.lost for row in plain.rows]
            assert of_stations.stations == plain.stations
            of_method = changes_of_runs(engine, session, held, runs[1], runs[2], level)
            assert of_method.causes.parameters == ["minutes"] and of_method.stations == []
            kept = {area.area_code: area.covered for area in area_results(session, ids[2]) if area.level == level.value}
            for row in of_method.rows:
                assert row.by_stations == 0 and row.covered_after == kept[row.code]
                assert row.by_data_or_method == row.difference <= 0
            assert sum(row.difference for row in of_method.rows) < 0
            both = changes_of_runs(engine, session, held, runs[0], runs[2], level)
            assert all(row.difference == row.by_stations + row.by_data_or_method for row in both.rows)
            assert sum(one.gained - one.lost for one in both.stations) == sum(row.by_stations for row in both.rows)


def test_no_day_is_no_change(place: tuple[Engine, Snapshot]) -> None:
    side = on(place, CoverageQuery(resolve_profile(), today()))
    answer = coverage_changes(side, side, AreaLevel.TOWN)
    assert answer.stations == [] and answer.gained == answer.lost == 0
