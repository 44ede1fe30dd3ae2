"""Runs: the same inputs give the same run; what is kept is what was computed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from app.db.engine import make_engine, session_scope
from app.errors import Conflict
from app.repositories.runs import area_results, get_run
from app.services.coverage import CoverageQuery
from app.services.profiles import resolve_profile
from app.services.runs import store_run
from app.services.snapshot import ensure_snapshot
from app.settings import HomeSettings
from tests.conftest import MakeDatabase
from tests.support.cities import load_block_city

QUERY = CoverageQuery(resolve_profile(), date(2026, 11, 20), 5.0)


def test_the_same_inputs_give_the_same_run_in_another_database(make_database: MakeDatabase, tmp_path: Path) -> None:
    runs = []
    for number in range(2):
        engine = make_engine(make_database())
        with session_scope(engine) as session:
            load_block_city(session)
        snapshot = ensure_snapshot(engine, HomeSettings(home=tmp_path / str(number)))
        with session_scope(engine) as session:
            stored = store_run(session, snapshot, QUERY)
            again = store_run(session, snapshot, QUERY)
        assert stored.is_new and not again.is_new and again.results_sha256 == stored.results_sha256
        with session_scope(engine) as session:
            kept = {r.area_code: r for r in area_results(session, stored.id)}
            cells = session.execute(text("SELECT sum(population), sum(covered), count(*) FROM coverage_cell_results"))
            population, covered, count = cells.one()
            run = get_run(session, stored.id)
            assert run is not None and run.synthetic and run.parameters["minutes"] == 5.0
        assert {r.area.code: r.covered for r in stored.rows} == {code: r.covered for code, r in kept.items()}
        assert set(kept) == {"T1", "T101", "T102"} and count == stored.cells
        assert population == pytest.approx(kept["T1"].population, abs=0.5)
        assert covered == pytest.approx(kept["T1"].covered, abs=1.5)
        with session_scope(engine) as session:
            session.execute(text("UPDATE coverage_runs SET results_sha256 = 'other'"))
        with pytest.raises(Conflict), session_scope(engine) as session:
            store_run(session, snapshot, QUERY)
        runs.append(stored)
        engine.dispose()
    assert runs[0].id == runs[1].id and runs[0].results_sha256 == runs[1].results_sha256


def test_five_minutes_by_hand(make_database: MakeDatabase, tmp_path: Path) -> None:
    """400 m around a station in the south-west corner of the grid: neither nobody nor everybody."""
    engine = make_engine(make_database())
    with session_scope(engine) as session:
        load_block_city(session)
    snapshot = ensure_snapshot(engine, HomeSettings(home=tmp_path))
    with session_scope(engine) as session:
        rows = {r.area.code: r for r in store_run(session, snapshot, QUERY).rows}
    for row in rows.values():
        assert 0 < row.covered < row.population and row.rate is not None
    assert rows["T1"].covered == rows["T101"].covered + rows["T102"].covered
    assert rows["T1"].stations == 2
    engine.dispose()
