"""The snapshot's files: the same state is read again, a changed or broken one is made anew."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db.engine import make_engine, session_scope
from app.errors import NotReady
from app.geo.search import NOTHING
from app.models.vocabularies import DatasetKind, HostKind, StationStatus, StationType
from app.services.loading import DatasetFacts, NewStation, load_stations
from app.services.snapshot import Snapshot, ensure_snapshot
from app.services.snapshot_holder import SnapshotHolder
from app.services.warming import warm, warm_planning
from app.settings import HomeSettings
from tests.conftest import MakeDatabase


@pytest.fixture
def own_home(tmp_path: Path) -> HomeSettings:
    return HomeSettings(home=tmp_path)


def folders(home: HomeSettings) -> list[str]:
    return sorted(p.name for p in home.snapshots.iterdir() if p.is_dir())


def new_station(code: str, lng: float, lat: float) -> NewStation:
    return NewStation(
        code=code, name="新站", type=StationType.COMMUNITY, host_kind=HostKind.OTHER, status=StationStatus.OPEN,
        address=None, selected_on=None, plaque_hung_on=None, opened_on=None, closed_on=None, lng=lng, lat=lat,
        source_crs="wgs84", source_lng=lng, source_lat=lat,
    )  # fmt: skip


def add_station(session: Session, code: str, lng: float, lat: float) -> None:
    facts = DatasetFacts(DatasetKind.STATIONS, None, "test", "test", "none", "2026", code, synthetic=True)
    load_stations(session, facts, [new_station(code, lng, lat)], {})


def test_it_is_read_back_as_it_was(demo_engine, own_home: HomeSettings, demo_snapshot: Snapshot) -> None:  # type: ignore[no-untyped-def]
    first = ensure_snapshot(demo_engine, own_home)
    made = {p: p.stat().st_mtime_ns for p in own_home.snapshots.rglob("*.npy")}
    again = ensure_snapshot(demo_engine, own_home)
    assert made and made == {p: p.stat().st_mtime_ns for p in own_home.snapshots.rglob("*.npy")}
    assert first.version == again.version == demo_snapshot.version
    assert first.inputs == again.inputs == demo_snapshot.inputs
    assert again.network.names == demo_snapshot.network.names and again.network.names
    for a, b in (
        (again.network.geom_lng, demo_snapshot.network.geom_lng),
        (again.stations.reach.mm, demo_snapshot.stations.reach.mm),
        (again.frontage.people, demo_snapshot.frontage.people),
    ):
        assert a.dtype == b.dtype and (a == b).all()


def test_without_a_network_it_says_what_to_import(make_database: MakeDatabase, own_home: HomeSettings) -> None:
    engine = make_engine(make_database())
    with pytest.raises(NotReady, match="import osm"):
        ensure_snapshot(engine, own_home)
    engine.dispose()


def test_a_worker_learns_of_a_new_station(
    make_database: MakeDatabase, own_home: HomeSettings, demo_database: str
) -> None:
    from tests.support.cities import load_block_city

    engine = make_engine(make_database())
    with session_scope(engine) as session:
        load_block_city(session)
    holder = SnapshotHolder(engine, own_home)
    holder.start()
    try:
        before = holder.current()
        city = [name for name in folders(own_home) if name.startswith("city-")]
        with session_scope(engine) as session:
            add_station(session, "NEW-1", 113.3012, 23.1012)
        deadline = time.monotonic() + 10
        while holder.current() is before and time.monotonic() < deadline:
            time.sleep(0.02)
        after = holder.current()
        assert "NEW-1" in after.stations.table.at and "NEW-1" not in before.stations.table.at
        assert after.version != before.version
        assert after.stations.places.edge[after.stations.table.at["NEW-1"]] >= 0
        assert [name for name in folders(own_home) if name.startswith("city-")] == city, "the streets are kept"
    finally:
        holder.stop()
        engine.dispose()


def test_an_empty_database_fills_under_a_running_worker(make_database: MakeDatabase, own_home: HomeSettings) -> None:
    from tests.support.cities import load_block_city

    engine = make_engine(make_database())
    holder = SnapshotHolder(engine, own_home)
    holder.start()
    try:
        with pytest.raises(NotReady, match="import osm"):
            holder.current()
        assert holder.error is not None
        with session_scope(engine) as session:
            load_block_city(session)
        deadline = time.monotonic() + 30
        while holder.error is not None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert holder.current().network.node_count > 0
    finally:
        holder.stop()
        engine.dispose()


def test_a_change_that_is_rolled_back_changes_nothing(make_database: MakeDatabase, own_home: HomeSettings) -> None:
    from tests.support.cities import load_block_city

    engine = make_engine(make_database())
    with session_scope(engine) as session:
        load_block_city(session)
    version = ensure_snapshot(engine, own_home).version
    with Session(engine) as session:
        add_station(session, "NEW-2", 113.3012, 23.1012)
        session.rollback()
    assert ensure_snapshot(engine, own_home).version == version
    with session_scope(engine) as session:
        session.execute(text("UPDATE stations SET name = name || '!'"))
    assert ensure_snapshot(engine, own_home).version != version
    engine.dispose()


def test_warming_asks_everything(demo_snapshot: Snapshot) -> None:
    assert warm(demo_snapshot) > 0
    held = [key if isinstance(key, str) else key[0] for key in demo_snapshot._answers.held_keys()]
    assert "curve" in held, held
    for step_free in (False, True):
        _, places, _ = demo_snapshot.variant(step_free=step_free)
        assert demo_snapshot.far.of(places, step_free=step_free) is not None
    warm_planning(demo_snapshot)
    held = [key if isinstance(key, str) else key[0] for key in demo_snapshot._answers.held_keys()]
    assert {"piece index", "capacity"} <= {*held} and demo_snapshot.bases.held_keys(), held


def test_workspaces_are_clean_after_use(demo_snapshot: Snapshot) -> None:
    warm(demo_snapshot)
    warm_planning(demo_snapshot)
    workspace = demo_snapshot.searcher.workspace()
    assert (workspace.packed == NOTHING).all() and (workspace.buckets == -1).all()
    demo_snapshot.searcher.put_back(workspace)
