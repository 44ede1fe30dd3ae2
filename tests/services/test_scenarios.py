"""A scenario says what coverage is once the change is in the ledger: to the person, and by every area."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from app.db.engine import make_engine, session_scope
from app.demo.city import generate
from app.demo.load import load_city
from app.demo.spec import CitySpec
from app.errors import InvalidInput
from app.geo.crs import Crs
from app.geo.opening_hours import TIME_ZONE
from app.ingest.stations import StationOptions, import_stations
from app.models.vocabularies import AreaLevel
from app.services.coverage import CoverageQuery, coverage_table
from app.services.positions import position_in
from app.services.profiles import resolve_profile
from app.services.scenario_changes import ChangeKind, Proposed
from app.services.scenarios import ScenarioAnswer, ScenarioQuery, evaluate
from app.services.snapshot import Snapshot, ensure_snapshot
from app.services.station_table import today
from app.settings import HomeSettings
from tests.conftest import MakeDatabase

LEVELS = (AreaLevel.CITY, AreaLevel.DISTRICT, AreaLevel.TOWN)


def query_of(profile: str = "adult", minutes: float = 15.0, **more: Any) -> ScenarioQuery:
    open_at = more.pop("open_at", None)
    return ScenarioQuery(
        CoverageQuery(resolve_profile(profile, more.pop("speed_kmh", None)), today(), minutes, **more), open_at
    )


def drawn(snapshot: Snapshot, rng: np.random.Generator, count: int) -> list[Proposed]:
    """Changes of different stations; new places are a few hundred metres from stations."""
    stations = [s for s in snapshot.stations.table.stations if s.is_open_on(today())]
    chosen = rng.choice(len(stations), min(count, len(stations)), replace=False).tolist()
    made = []
    for at in chosen:
        station, kind = stations[at], ChangeKind(rng.choice(["add", "move", "close"]))
        position = None
        while kind is not ChangeKind.CLOSE and position is None:
            x, y = station.lng + rng.uniform(-0.006, 0.006), station.lat + rng.uniform(-0.006, 0.006)
            on_street = all(snapshot.snap(x, y, step_free=free).edge[0] >= 0 for free in (False, True))
            position = position_in(x, y, Crs.WGS84) if on_street and snapshot.areas.holds(x, y) else None
        code = None if kind is ChangeKind.ADD else station.code
        made.append(Proposed(kind, code, "新站", str(rng.choice(["community", "park"])), position))
    return made


def check_sums(answer: ScenarioAnswer) -> None:
    for figures in (answer, *answer.rows):
        assert figures.after.covered - figures.before.covered == figures.gained - figures.lost
        assert figures.gained >= 0 and figures.lost >= 0
    assert sum(change.gained for change in answer.changes) == answer.gained
    assert sum(change.lost for change in answer.changes) == answer.lost
    assert sum(row.after.covered for row in answer.rows) == answer.after.covered


@pytest.fixture(scope="module")
def city(make_database: MakeDatabase) -> Iterator[Engine]:
    """A city that the tests may change."""
    made = make_engine(make_database())
    with session_scope(made) as session:
        load_city(session, generate(CitySpec(node_target=15_000, stations=60)))
    yield made
    made.dispose()


def ledger_after(snapshot: Snapshot, changes: list[Proposed], path: Path) -> Path:
    """The whole ledger as the office would hand it in once the changes are made."""
    rows = {
        s.code: [s.code, s.name, s.type, repr(s.lng), repr(s.lat), s.status, s.opened_on or "", s.closed_on or ""]
        for s in snapshot.stations.table.stations
    }
    for k, one in enumerate(changes):
        if one.kind is ChangeKind.CLOSE:
            rows[one.code or ""][5:8] = ["closed", rows[one.code or ""][6], today().isoformat()]
        elif one.position is not None and one.kind is ChangeKind.MOVE:
            rows[one.code or ""][3:5] = [repr(one.position.lng), repr(one.position.lat)]
        elif one.position is not None:
            code = f"NEW-{path.stem}-{k}"
            day = today().isoformat()
            rows[code] = [code, code, one.type or "", repr(one.position.lng), repr(one.position.lat), "open", day, ""]
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["code", "name", "type", "lng", "lat", "status", "opened_on", "closed_on"])
        writer.writerows(rows.values())
    return path


def test_it_is_what_coverage_is_once_the_change_is_imported(city: Engine, tmp_path: Path) -> None:
    home, rng = HomeSettings(home=tmp_path / "home"), np.random.default_rng(6)
    snapshot = ensure_snapshot(city, home)
    queries = (
        query_of(), query_of("wheelchair", 20.0), query_of("senior", 7.5), query_of(types=("park",)),
        query_of(minutes=60.0, speed_kmh=7.0),  # beyond the reach table
    )  # fmt: skip
    moved = 0
    for turn in range(4):
        changes = drawn(snapshot, rng, int(rng.integers(1, 12)))
        told = {(q, level): evaluate(snapshot, q, changes, level) for q in queries for level in LEVELS}
        import_stations(
            city, ledger_after(snapshot, changes, tmp_path / f"l{turn}.csv"), StationOptions(Crs.WGS84, True)
        )
        after = ensure_snapshot(city, home, held=snapshot)
        for (query, level), answer in told.items():
            check_sums(answer)
            was, now = (coverage_table(s, query.coverage, level).rows for s in (snapshot, after))
            assert [(r.area.code, r.before.covered, r.before.stations) for r in answer.rows] == [
                (r.area.code, r.covered, r.stations) for r in was
            ]
            assert [
                (r.after.covered, r.after.rate, r.after.stations, r.population, r.off_network) for r in answer.rows
            ] == [(r.covered, r.rate, r.stations, r.population, r.off_network) for r in now]
            moved += answer.gained + answer.lost
        snapshot = after
    assert moved > 1000, "the changes changed something"


def test_parts_of_the_city_and_the_order_of_changes(demo_snapshot: Snapshot) -> None:
    changes = drawn(demo_snapshot, np.random.default_rng(3), 20)
    whole = evaluate(demo_snapshot, query_of(), changes, AreaLevel.TOWN)
    turned = evaluate(demo_snapshot, query_of(), changes[::-1], AreaLevel.TOWN)
    assert whole.rows == turned.rows
    assert [(c.gained, c.lost) for c in whole.changes] == [(c.gained, c.lost) for c in turned.changes[::-1]]
    for district in demo_snapshot.areas.of_level(AreaLevel.DISTRICT):
        part = evaluate(demo_snapshot, query_of(), changes, AreaLevel.TOWN, district.code)
        check_sums(part)
        assert part.rows == [row for row in whole.rows if row.area.parent_code == district.code]


def test_closing_what_is_added_is_as_before(demo_snapshot: Snapshot) -> None:
    changes = [one for one in drawn(demo_snapshot, np.random.default_rng(4), 30) if one.kind is ChangeKind.ADD]
    added = evaluate(demo_snapshot, query_of(), changes, AreaLevel.CITY)
    assert added.lost == 0 and added.gained > 0
    assert added.after.stations - added.before.stations == len(changes)
    everything = [
        Proposed(ChangeKind.CLOSE, s.code) for s in demo_snapshot.stations.table.stations if s.is_open_on(today())
    ]
    nothing = evaluate(demo_snapshot, query_of(), everything, AreaLevel.CITY)
    assert (nothing.after.covered, nothing.after.stations, nothing.gained) == (0, 0, 0)
    assert nothing.lost == nothing.before.covered


def test_hours_matter_at_a_moment_alone(demo_snapshot: Snapshot) -> None:
    evening = datetime.combine(today() + timedelta(days=2), datetime.min.time(), TIME_ZONE).replace(hour=23, minute=30)
    stations = [s for s in demo_snapshot.stations.table.stations if s.is_open_on(today())][:40]
    all_night = [Proposed(ChangeKind.HOURS, s.code, opening_hours="24/7") for s in stations]
    never = [replace(one, opening_hours="Mo-Su 05:00-06:00") for one in all_night]
    assert evaluate(demo_snapshot, query_of(), all_night, AreaLevel.CITY).gained == 0
    at_night = evaluate(demo_snapshot, query_of(open_at=evening), all_night, AreaLevel.CITY)
    assert at_night.gained > 0 and at_night.lost == 0 and at_night.after.stations > at_night.before.stations
    # open all night they are what stations added at the same places are
    new = [Proposed(ChangeKind.ADD, type="community", position=position_in(s.lng, s.lat, Crs.WGS84)) for s in stations]
    open_now = evaluate(demo_snapshot, query_of(open_at=evening), new, AreaLevel.CITY)
    assert open_now.after.covered == at_night.after.covered
    closed_then = [replace(one, opening_hours="Mo-Su 05:00-06:00") for one in new]
    assert evaluate(demo_snapshot, query_of(open_at=evening), closed_then, AreaLevel.CITY).gained == 0
    noon = evening.replace(hour=10, minute=0)
    shut = evaluate(demo_snapshot, query_of(open_at=noon), never, AreaLevel.CITY)
    assert shut.lost > 0 and shut.gained == 0
    check_sums(shut)


def test_every_change_that_cannot_be_made_is_named(demo_snapshot: Snapshot) -> None:
    stations = demo_snapshot.stations.table.stations
    closed = next(s for s in stations if not s.is_open_on(today()))
    code = next(s.code for s in stations if s.is_open_on(today()))
    sea = position_in(114.5, 21.5, Crs.WGS84)
    changes = [
        Proposed(ChangeKind.CLOSE, code), Proposed(ChangeKind.MOVE, code, position=sea),
        Proposed(ChangeKind.CLOSE, code[:-1] + "X"), Proposed(ChangeKind.CLOSE, closed.code),
        Proposed(ChangeKind.ADD, position=sea, type="community"),
    ]  # fmt: skip
    with pytest.raises(InvalidInput) as caught:
        evaluate(demo_snapshot, query_of(), changes, AreaLevel.CITY)
    fields = [item.field for item in caught.value.errors]
    assert fields == ["changes[1].code", "changes[2].code", "changes[3].code", "changes[4].lng, lat"]
    assert code[:-1] in (caught.value.errors[1].remedy_zh or "")
