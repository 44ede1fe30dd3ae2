"""Changes of the ledger: what they cost, how workers learn of them, and that nobody sees half of one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, text

from app.db.engine import make_engine, session_scope
from app.geo.reach import ReachTable
from app.geo.search import Searcher
from app.geo.snapping import Places
from app.services import reach_part
from app.services.snapshot import Snapshot, ensure_snapshot
from app.services.snapshot_holder import SnapshotHolder
from app.settings import HomeSettings
from tests.conftest import MakeDatabase
from tests.services.test_snapshot_files import assert_answers_alike, run
from tests.support.cities import SIDE, SOUTH, STEP, WEST, load_block_city


@pytest.fixture
def engine(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database())
    with session_scope(made) as session:
        load_block_city(session)
    yield made
    made.dispose()


@pytest.fixture
def home(tmp_path: Path) -> HomeSettings:
    return HomeSettings(home=tmp_path / "home")


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


def point(rng: np.random.Generator) -> str:
    lng, lat = WEST + rng.uniform(0, SIDE - 1) * STEP, SOUTH + rng.uniform(0, SIDE - 1) * STEP
    return f"ST_SetSRID(ST_MakePoint({lng!r}, {lat!r}), 4326)"


def add(code: str, geom: str) -> str:
    """A station like T-W with another code and place."""
    columns = [
        "type", "host_kind", "status", "source_crs", "source_lng", "source_lat", "h3_r7", "h3_r8", "h3_r9", "h3_r10",
        "dataset_id",
    ]  # fmt: skip
    same = ", ".join(columns)
    return (
        f"INSERT INTO stations (code, name, geom, {same}) SELECT '{code}', '站', {geom}, {same} FROM stations LIMIT 1"
    )


def test_a_change_costs_its_own_row(engine: Engine, home: HomeSettings, searched: list[int]) -> None:
    rng = np.random.default_rng(3)
    changes: list[tuple[str, list[int]]] = [
        ("UPDATE stations SET name = name || 'x', status = 'suspended', opened_on = '2026-01-01'", []),
        ("UPDATE stations SET geom = ST_Translate(geom, 0.0001, 0) WHERE code = 'T-W'", [1, 1]),  # along its street
        ("UPDATE stations SET geom = ST_Translate(geom, 0, 0.00002) WHERE code = 'T-W'", [1, 1]),  # away from it
        (add("A-FIRST", point(rng)), [1, 1]),
        (add("U-LAST", point(rng)), [1, 1]),
        (f"UPDATE stations SET geom = {point(rng)} WHERE code = 'T-W'", [1, 1]),
        ("UPDATE stations SET code = 'Z' WHERE code = 'A-FIRST'", [0, 0]),
        ("DELETE FROM stations WHERE code = 'T-E'", [0, 0]),
        (add("U-TWIN", "(SELECT geom FROM stations WHERE code = 'U-LAST')"), [1, 1]),
        ("DELETE FROM stations", [0, 0]),
    ]
    held = ensure_snapshot(engine, home)
    assert searched == [2, 2]
    for statement, rows in changes:
        searched.clear()
        run(engine, statement)
        held = ensure_snapshot(engine, home, None, held)
        assert searched == rows, statement
        ensure_snapshot(engine, home)  # a worker that starts now
        assert searched == rows


def test_rows_are_carried_over_from_files_too(engine: Engine, home: HomeSettings, searched: list[int]) -> None:
    ensure_snapshot(engine, home)
    run(engine, add("NEW", point(np.random.default_rng(1))))
    searched.clear()
    found = ensure_snapshot(engine, home)
    assert searched == [1, 1] and found.stations.reach.origin_count == 3
    (newest,) = [f for f in home.snapshots.glob("reach-*") if f.name == found.stations.reach_part.key]
    (newest / "everywhere.mm.npy").write_bytes(b"")  # the newest is broken: the one before it serves
    run(engine, "DELETE FROM stations WHERE code = 'T-E'")
    searched.clear()
    assert ensure_snapshot(engine, home).stations.reach.origin_count == 2
    assert searched == [1, 1]


def test_other_streets_or_limits_carry_nothing_over(engine: Engine, home: HomeSettings, searched: list[int]) -> None:
    held = ensure_snapshot(engine, home)
    searched.clear()
    run(engine, "UPDATE areas SET name = name || 'x'")
    held = ensure_snapshot(engine, home, None, held)
    assert searched == [], "the same streets under other areas"
    run(engine, "UPDATE walk_edges SET length_m = length_m + 0.002 WHERE id = (SELECT min(id) FROM walk_edges)")
    held = ensure_snapshot(engine, home, None, held)
    assert searched == [2, 2]
    searched.clear()
    ensure_snapshot(engine, home, held.method.model_copy(update={"reach_limit_minutes": 30}), held)
    assert searched == [2, 2]


@pytest.mark.parametrize("seed", range(3))
def test_any_changes_come_to_what_a_new_home_would_hold(
    engine: Engine, home: HomeSettings, tmp_path: Path, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    held = ensure_snapshot(engine, home)
    for step in range(8):
        codes = list(held.stations.table.at)
        statements: list[Callable[[str], str]] = [
            lambda _: add(f"N-{seed}-{rng.integers(1000)}-{step}", point(rng)),  # noqa: B023
            lambda code: add(f"TWIN-{rng.integers(1000)}-{step}", f"(SELECT geom FROM stations WHERE code = '{code}')"),  # noqa: B023
            lambda code: f"DELETE FROM stations WHERE code = '{code}'",
            lambda code: f"UPDATE stations SET geom = {point(rng)} WHERE code = '{code}'",
            lambda code: f"UPDATE stations SET geom = ST_SetSRID(ST_MakePoint(120, 30), 4326) WHERE code = '{code}'",
            lambda code: f"UPDATE stations SET code = '{rng.integers(1000)}-{step}' WHERE code = '{code}'",  # noqa: B023
            lambda code: f"UPDATE stations SET status = 'closed', closed_on = '2026-02-01' WHERE code = '{code}'",
            lambda code: f"UPDATE stations SET status = 'open', closed_on = NULL WHERE code = '{code}'",
        ]
        with session_scope(engine) as session:
            for _ in range(int(rng.integers(1, 4))):  # several in one commit
                statement = statements[int(rng.integers(len(statements)))]
                session.execute(text(statement(str(rng.choice(codes)) if codes else "")))
        given = held if rng.random() < 0.7 else None  # else by a worker that has nothing yet
        held = ensure_snapshot(engine, home, None, given)
        assert_answers_alike(held, ensure_snapshot(engine, HomeSettings(home=tmp_path / f"new-{step}")))


def wait_for(holder: SnapshotHolder, seen: Callable[[Snapshot], bool], seconds: float = 10.0) -> Snapshot:
    """The first snapshot of which it is true; a generous while, for slow machines."""
    deadline = time.monotonic() + seconds
    while not seen(holder.current()):
        assert time.monotonic() < deadline, "the worker did not learn of the change"
        time.sleep(0.01)
    return holder.current()


def test_two_workers_learn_of_every_change(engine: Engine, home: HomeSettings) -> None:
    holders = [SnapshotHolder(engine, home) for _ in range(2)]
    for holder in holders:
        holder.start()
    try:
        for k in range(4):
            run(engine, add(f"NEW-{k}", point(np.random.default_rng(k))))
            for holder in holders:
                found = wait_for(holder, lambda s: f"NEW-{k}" in s.stations.table.at)  # noqa: B023
                assert found.stations.reach.origin_count == 3 + k
        assert holders[0].current().version == holders[1].current().version
    finally:
        for holder in holders:
            holder.stop()


def test_a_change_is_not_kept_waiting_by_the_warming_of_the_one_before(
    engine: Engine, home: HomeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.services import snapshot_holder

    warmed: list[int] = []
    go_on = threading.Event()

    def slow(snapshot: Snapshot) -> float:
        warmed.append(len(snapshot.stations.table))
        go_on.wait(30)
        return 0.0

    monkeypatch.setattr(snapshot_holder, "warm", slow)
    holder = SnapshotHolder(engine, home)
    holder.start()
    try:
        for k in range(3):
            run(engine, add(f"NEW-{k}", point(np.random.default_rng(k))))
            wait_for(holder, lambda s: f"NEW-{k}" in s.stations.table.at)  # noqa: B023
        assert not go_on.is_set() and len(warmed) <= 1
    finally:
        go_on.set()
        holder.stop()
    assert warmed and set(warmed) <= {3, 5}, "the one that was replaced before its turn is let be"


def test_a_request_never_sees_half_of_a_change(engine: Engine, home: HomeSettings) -> None:
    """Every commit names all stations alike and changes how many there are: what differs was mixed."""
    holder = SnapshotHolder(engine, home)
    holder.start()
    done = threading.Event()
    faults: list[str] = []
    known: dict[str, tuple[str, int]] = {}
    lock = threading.Lock()
    readers: list[threading.Thread] = []

    def look() -> None:
        while not done.is_set():
            snapshot = holder.current()
            stations, reach = snapshot.stations, snapshot.stations.reach_part
            counts = {len(stations.table), len(stations.places), len(stations.places_step_free)}
            counts |= {reach.everywhere.origin_count, reach.step_free.origin_count, len(reach.origins.edge)}
            names = {station.name for station in stations.table.stations}
            if len(counts) != 1 or len(names) != 1:
                faults.append(f"{counts} {names}")
            elif not np.array_equal(stations.places.offset_mm, reach.origins.offset_mm):
                faults.append("reach of other places")
            with lock:
                fact = (min(names), min(counts))
                if known.setdefault(snapshot.version, fact) != fact:
                    faults.append(f"{snapshot.version} is {fact} and {known[snapshot.version]}")

    try:
        run(engine, "UPDATE stations SET name = 'v'")
        wait_for(holder, lambda s: s.stations.table.stations[0].name == "v")
        readers += [threading.Thread(target=look) for _ in range(4)]
        for reader in readers:
            reader.start()
        for k in range(8):
            with session_scope(engine) as session:
                change = (
                    add(f"N-{k}", point(np.random.default_rng(k)))
                    if k % 3 != 2
                    else f"DELETE FROM stations WHERE code = 'N-{k - 1}'"
                )
                session.execute(text(change))
                session.execute(text(f"UPDATE stations SET name = 'v{k}'"))
            if k % 2:
                wait_for(holder, lambda s: s.stations.table.stations[0].name == f"v{k}")  # noqa: B023
        wait_for(holder, lambda s: s.stations.table.stations[0].name == "v7")
        time.sleep(0.05)
    finally:
        done.set()
        for reader in readers:
            reader.join()
        holder.stop()
    assert not faults and len(known) >= 4
