"""A year that the office enters reaches what residents are told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.db.engine import make_engine, session_scope
from app.geo.opening_hours import TIME_ZONE, OpenState
from app.services.snapshot import Snapshot, ensure_snapshot
from app.settings import HomeSettings
from tests.conftest import MakeDatabase
from tests.services.test_snapshot_files import run
from tests.support.cities import load_block_city

ENTERED = """INSERT INTO calendar_years (year, holidays, workdays, source)
    VALUES (2027, '[{"date": "2027-10-01", "name": "国庆节"}]', '["2027-10-09"]', '通知')"""


@pytest.fixture
def engine(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database())
    with session_scope(made) as session:
        load_block_city(session)
    run(made, "UPDATE stations SET opening_hours = 'Mo-Fr 09:00-17:00'")
    yield made
    made.dispose()


def state(snapshot: Snapshot, day: int) -> OpenState:
    moment = datetime(2027, 10, day, 10, tzinfo=TIME_ZONE)
    return snapshot.hours.opening(0, int(moment.timestamp())).state


def test_a_snapshot_learns_of_a_year_that_is_entered(engine: Engine, tmp_path: Path) -> None:
    home = HomeSettings(home=tmp_path / "home")
    held = ensure_snapshot(engine, home)
    assert [state(held, day) for day in (1, 8, 9)] == [OpenState.UNKNOWN] * 3
    run(engine, ENTERED)
    entered = ensure_snapshot(engine, home, held=held)
    assert [state(entered, day) for day in (1, 8, 9)] == [OpenState.CLOSED, OpenState.OPEN, OpenState.OPEN]
    assert entered.version == held.version  # nothing but the hours was made anew
    run(engine, "UPDATE calendar_years SET workdays = '[]'")
    assert state(ensure_snapshot(engine, home, held=entered), 9) is OpenState.CLOSED
