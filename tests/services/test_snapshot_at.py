"""The snapshot of another moment is that of a city which has just those stations; what was answered then is answered
again, whatever was written since."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.db.engine import make_engine, session_scope
from app.errors import InvalidInput, NotReady
from app.geo.reach import ReachTable
from app.geo.search import Searcher
from app.geo.snapping import Places
from app.models.vocabularies import AreaLevel
from app.repositories import moments as moment_repo
from app.repositories.context import ledger_moment
from app.repositories.stations import Moment, StationFilter, StationRow, list_stations
from app.services import reach_part, snapshot_at
from app.services.coverage import CoverageQuery, coverage_table
from app.services.coverage_cells import all_cell_rows
from app.services.dataset_reads import data_notice, notice_of, sources_of_snapshot
from app.services.moments import check_known_at
from app.services.nearest import NearestQuery, find_nearest
from app.services.positions import read_position
from app.services.profiles import resolve_profile
from app.services.runs import store_run
from app.services.served_by import served_by_matrix
from app.services.snapshot import Snapshot, ensure_snapshot
from app.services.snapshot_at import KEPT, imported_since
from app.services.snapshot_at import snapshot_at as make_snapshot_at
from app.services.station_table import today
from app.settings import HomeSettings
from tests.conftest import MakeDatabase
from tests.services.test_snapshot_changes import add, point
from tests.services.test_snapshot_files import assert_same
from tests.support.cities import SOUTH, STEP, WEST, load_block_city

FIRST_DAY = date(2026, 3, 1)
LAST_DAY = date(2026, 9, 1)


@dataclass(frozen=True)
class Place:
    engine: Engine
    home: HomeSettings

    def run(self, *statements: str) -> datetime:
        """In one transaction; the moment from which on it is known."""
        with session_scope(self.engine) as session:
            for statement in statements:
                session.execute(text(statement))
            return ledger_moment(session)

    def snapshot(self, held: Snapshot | None = None) -> Snapshot:
        return ensure_snapshot(self.engine, self.home, None, held)

    def at(self, held: Snapshot, day: date, known_at: datetime | None) -> Snapshot:
        return make_snapshot_at(self.engine, held, day, check_known_at(self.engine, known_at))


def make_place(make_database: MakeDatabase, home: Path) -> Iterator[Place]:
    engine = make_engine(make_database())
    with session_scope(engine) as session:
        load_block_city(session)
    yield Place(engine, HomeSettings(home=home))
    engine.dispose()


@pytest.fixture
def place(make_database: MakeDatabase, tmp_path: Path) -> Iterator[Place]:
    yield from make_place(make_database, tmp_path / "home")


@pytest.fixture
def other(make_database: MakeDatabase, tmp_path: Path) -> Iterator[Place]:
    yield from make_place(make_database, tmp_path / "other")


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each making of a reach table searched for, one number a variant."""
    rows: list[int] = []

    def counted(searcher: Searcher, places: Places, limit_mm: int) -> ReachTable:
        rows.append(len(places))
        return made(searcher, places, limit_mm)

    made = reach_part.reach_table
    monkeypatch.setattr(reach_part, "reach_table", counted)
    return rows


def answers(snapshot: Snapshot, day: date) -> dict[str, Any]:
    """What is told of a day, by every analysis that depends on stations."""
    found: dict[str, Any] = {}
    for profile in ("adult", "wheelchair"):
        query = CoverageQuery(resolve_profile(profile), day, 5.0)
        table = coverage_table(snapshot, query, AreaLevel.DISTRICT)
        found[profile] = (table.run_id, table.rows)
        found[f"{profile} cells"] = list(all_cell_rows(snapshot, query))
        found[f"{profile} matrix"] = served_by_matrix(snapshot, query, AreaLevel.DISTRICT, AreaLevel.DISTRICT)
        position = read_position(WEST + 4.3 * STEP, SOUTH + 5 * STEP, "wgs84")
        found[f"{profile} nearest"] = find_nearest(
            snapshot, position, NearestQuery(resolve_profile(profile), day, limit=50)
        ).hits
    return found


def random_change(rng: np.random.Generator, codes: list[str], step: int) -> list[str]:
    """Statements of one transaction: stations come, go, move, close, are corrected, from a day on or all the time."""
    code = str(rng.choice(codes))
    day = FIRST_DAY + timedelta(days=int(rng.integers(0, 150)))
    return [
        [add(f"N-{step}", point(rng))],
        [f"UPDATE stations SET geom = {point(rng)} WHERE code = '{code}'"],
        [f"UPDATE stations SET geom = {point(rng)}, valid_from = '{day}' WHERE code = '{code}'"],
        [f"UPDATE stations SET status = 'suspended', valid_from = '{day}' WHERE code = '{code}'"],
        [f"UPDATE stations SET status = 'closed', closed_on = '{day}', valid_from = '{day}' WHERE code = '{code}'"],
        [f"UPDATE stations SET status = 'open', closed_on = NULL WHERE code = '{code}'"],
        [f"DELETE FROM stations WHERE code = '{code}'"] if len(codes) > 2 else [],
        [add(f"N-{step}", point(rng)), f"UPDATE stations SET opened_on = '{day}' WHERE code = '{code}'"],
    ][int(rng.integers(0, 8))]


def put_stations(place: Place, rows: list[StationRow]) -> None:
    """Another city has just these stations, as if they had never been otherwise."""
    with session_scope(place.engine) as session:
        dataset = session.scalar(text("SELECT max(dataset_id) FROM stations"))
        dataset = dataset or session.scalar(text("SELECT max(id) FROM datasets WHERE kind = 'stations'"))
        session.execute(text("DELETE FROM stations"))
        for row in rows:
            session.execute(
                text(
                    "INSERT INTO stations (code, name, type, host_kind, status, address, opened_on, closed_on, "
                    "district_code, town_code, source_crs, source_lng, source_lat, geom, h3_r7, h3_r8, h3_r9, h3_r10, "
                    "dataset_id) VALUES (:code, :name, :type, :host_kind, :status, :address, :opened_on, :closed_on, "
                    ":district_code, :town_code, 'wgs84', :lng, :lat, ST_SetSRID(ST_MakePoint(:lng, :lat), 4326), "
                    "1, 1, 1, 1, :dataset)"
                ),
                {**vars(row), "dataset": dataset},
            )


@pytest.mark.parametrize("seed", range(2))
def test_what_was_answered_is_answered_again(place: Place, other: Place, seed: int) -> None:
    rng = np.random.default_rng(seed)
    held = place.snapshot()
    told: list[tuple[datetime, Snapshot, dict[str, Any]]] = []
    for step in range(7):
        moment = place.run(*random_change(rng, list(held.stations.table.at), step))
        held = place.snapshot(held)
        told.append((moment, held, answers(held, today())))
    for moment, then, said in told:
        again = place.at(held, today(), moment)
        assert answers(again, today()) == said
        assert again.stations.table.stations == then.stations.table.stations
        assert_same(again.stations.reach, then.stations.reach)
        assert_same(again.stations.reach_step_free, then.stations.reach_step_free)
        assert_same(again.stations.places, then.stations.places)
    moments = [None, *(moment for moment, _, _ in told[1::2])]
    for known_at in moments:
        for day in (FIRST_DAY + timedelta(days=75), LAST_DAY):
            with Session(place.engine) as session:
                rows = list_stations(session, StationFilter(), at=Moment(day, known_at))
            put_stations(other, rows)
            assert answers(place.at(held, day, known_at), day) == answers(other.snapshot(), day), (day, known_at)


def test_what_is_so_now_takes_no_look_at_the_database(place: Place) -> None:
    nowhere = cast("Engine", None)
    held = place.snapshot()
    for day in (date(1990, 1, 1), today(), today() + timedelta(days=400)):
        assert make_snapshot_at(nowhere, held, day, None) is held  # no change has a day
    place.run("UPDATE stations SET status = 'suspended', valid_from = '2026-04-01' WHERE code = 'T-W'")
    held = place.snapshot(held)
    for day in (date(2026, 4, 1), today(), today() + timedelta(days=400)):
        assert make_snapshot_at(nowhere, held, day, None) is held
    before = place.at(held, date(2026, 3, 31), None)
    assert before is not held and before.open_mask(date(2026, 3, 31)).all()
    assert before.version != held.version, "answers are tagged by it"


def test_the_same_facts_are_the_same_run(place: Place) -> None:
    moment = place.run("SELECT 1")
    held = place.snapshot()
    assert place.at(held, today(), moment) is held
    place.run("UPDATE stations SET name = name || '(新)', address = '新址'")
    renamed = place.snapshot(held)
    then = place.at(renamed, today(), moment)
    assert then is not renamed and then.stations.table.stations == held.stations.table.stations
    assert then.inputs == renamed.inputs
    with session_scope(place.engine) as session:
        first = store_run(session, renamed, CoverageQuery(resolve_profile(), today(), 5.0))
        again = store_run(session, then, CoverageQuery(resolve_profile(), today(), 5.0, known_at=moment))
    assert first.is_new and not again.is_new and again.id == first.id
    assert again.results_sha256 == first.results_sha256


def test_a_moment_costs_the_stations_that_stood_elsewhere(place: Place, searched: list[int]) -> None:
    start = place.run("SELECT 1")
    moved = place.run("UPDATE stations SET geom = ST_Translate(geom, 0.002, 0) WHERE code = 'T-W'")
    place.run("UPDATE stations SET status = 'suspended'", add("NEW", point(np.random.default_rng(1))))
    held = place.snapshot()
    searched.clear()
    found = place.at(held, today(), moved)
    assert searched == [0, 0] and len(found.stations.table) == 2
    searched.clear()
    first = place.at(held, today(), start)
    assert searched == [1, 1]
    searched.clear()
    assert place.at(held, today(), start) is first and place.at(held, today(), moved) is found
    assert searched == []


def test_tables_of_stations_that_stood_where_they_stand_are_not_copied(place: Place) -> None:
    start = place.run("SELECT 1")
    place.run("UPDATE stations SET status = 'suspended'")
    held = place.snapshot()
    assert place.at(held, today(), start).stations.reach_part is held.stations.reach_part


def test_few_moments_are_kept(place: Place) -> None:
    moments = [place.run(f"UPDATE stations SET name = 'n{k}'") for k in range(KEPT + 3)]
    held = place.snapshot()
    for moment in (*moments, *moments):
        found = place.at(held, today(), moment)
        assert {s.name for s in found.stations.table.stations} == {f"n{moments.index(moment)}"}
        assert len(snapshot_at._made) <= KEPT


def test_before_anything_was_known_the_city_has_no_stations(place: Place) -> None:
    held = place.snapshot()
    empty = place.at(held, today(), datetime(2001, 1, 1, tzinfo=UTC))
    assert not len(empty.stations.table)
    for profile in ("adult", "wheelchair"):
        query = CoverageQuery(resolve_profile(profile), today(), 5.0)
        rows = coverage_table(empty, query, AreaLevel.CITY).rows
        assert [(row.covered, row.stations) for row in rows] == [(0, 0)] and rows[0].population > 0
    position = read_position(WEST + STEP, SOUTH + STEP, "wgs84")
    assert find_nearest(empty, position, NearestQuery(resolve_profile(), today())).hits == []


def test_stations_that_were_made_up_then_are_said_to_be(place: Place) -> None:
    """The made-up ones are replaced by those of a real list: of then, it is told that they were made up."""
    with session_scope(place.engine) as session:
        session.execute(text("UPDATE datasets SET synthetic = kind = 'stations'"))
    moment = place.run("SELECT 1")
    place.run(
        "UPDATE datasets SET is_current = false WHERE kind = 'stations'",
        "INSERT INTO datasets (kind, name, source, licence, vintage, sha256, synthetic, is_current, parameters, "
        "report) VALUES ('stations', 'real', 'office', 'none', '2026', 'r', false, true, '{}', '{}')",
        "UPDATE stations SET dataset_id = (SELECT max(id) FROM datasets)",
    )
    held = place.snapshot()
    now, then = (notice_of(sources_of_snapshot(s)) for s in (held, place.at(held, today(), moment)))
    assert now is None or not now.synthetic
    assert then is not None and then.synthetic and [s.name for s in then.datasets] != ["real"]
    with Session(place.engine) as session:
        now, then = data_notice(session), data_notice(session, at=Moment(today(), moment))
    assert now is None or not now.synthetic
    assert then is not None and then.synthetic


def test_what_was_imported_since_is_named(place: Place) -> None:
    moment = place.run("SELECT 1")
    place.run("UPDATE datasets SET imported_at = now() + interval '1 second' WHERE kind IN ('network', 'stations')")
    held = place.snapshot()
    assert imported_since(held, None) == []
    assert imported_since(held, moment) == ["network"]
    assert imported_since(held, moment + timedelta(days=1)) == []


def test_a_moment_is_answered_when_nobody_can_write_into_it_any_more(place: Place) -> None:
    held = place.snapshot()
    found: list[Snapshot] = []
    with Session(place.engine) as writing:
        ledger_moment(writing)
        writing.execute(text("UPDATE stations SET name = 'late'"))
        asked = datetime.now(UTC)
        asking = threading.Thread(target=lambda: found.append(place.at(held, today(), asked)))
        asking.start()
        asking.join(0.3)
        assert not found, "a write of that time is still under way"
        writing.commit()
    asking.join(10)
    assert {s.name for s in found[0].stations.table.stations} == {"late"}


def test_a_moment_just_ahead_is_waited_for_and_a_later_one_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = datetime.now(UTC) + timedelta(seconds=0.5)
    begun = time.monotonic()
    assert check_known_at(place.engine, asked) == asked
    assert time.monotonic() - begun > 0.4
    with pytest.raises(InvalidInput) as caught:
        check_known_at(place.engine, datetime.now(UTC) + timedelta(minutes=1))
    assert caught.value.errors[0].field == "known_at" and caught.value.errors[0].remedy_en
    monkeypatch.setattr(moment_repo, "PATIENCE_MS", 100)
    with Session(place.engine) as writing:
        ledger_moment(writing)
        with pytest.raises(NotReady):
            check_known_at(place.engine, datetime.now(UTC))
        writing.rollback()
    assert check_known_at(place.engine, None) is None
