"""Invented courses and training figures: say that they are, are possible, and add up to something."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Engine, text

from app.demo.spec import CitySpec
from app.demo.training import PART_TRAINING, _courses, _lines
from app.models.vocabularies import CourseKind, HostKind, StationStatus, StationType, TargetGroup
from app.services.loading import NewStation
from app.services.quarters import FIRST, quarter_of


def count(engine: Engine, query: str) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text(query)) or 0)


def test_there_is_some_of_everything_and_it_says_what_it_is(demo_engine: Engine) -> None:
    for table in ("courses", "course_sessions", "training_entries"):
        assert count(demo_engine, f"SELECT count(*) FROM {table}") > 100, table
    assert count(demo_engine, "SELECT count(*) FROM courses WHERE title NOT LIKE '%示范%'") == 0
    written = "SELECT count(*) FROM audit_log WHERE kind = 'training_entry' AND action = 'insert'"
    entries = count(demo_engine, "SELECT count(*) FROM training_entries")
    assert count(demo_engine, written) == count(demo_engine, f"{written} AND actor = 'demo'") == entries


def test_the_figures_are_possible(demo_engine: Engine) -> None:
    lines = "SELECT count(*) FROM training_entries e JOIN stations s ON s.code = e.station_code WHERE "
    assert count(demo_engine, lines + "trainee_visits > seats * sessions_held") == 0
    assert count(demo_engine, lines + "certificates > trainee_visits OR sessions_held = 0") == 0
    assert count(demo_engine, lines + "s.opened_on IS NULL") == 0
    for column, known in (("kind", CourseKind), ("target_group", TargetGroup)):
        words = ", ".join(f"'{word.value}'" for word in known)
        assert count(demo_engine, lines + f"{column} NOT IN ({words})") == 0


def test_quarters_are_those_that_are_over_and_in_which_a_station_was_open() -> None:
    spec = CitySpec()
    station = NewStation(
        code="S", name="示范站", type=StationType.COMMUNITY, host_kind=HostKind.OTHER, status=StationStatus.CLOSED,
        address=None, selected_on=None, plaque_hung_on=None, opened_on=date(2025, 11, 3), closed_on=date(2026, 7, 1),
        lng=113.2, lat=23.1, source_crs="wgs84", source_lng=113.2, source_lat=23.1,
        details={"seats": 30, "target_groups": []},
    )  # fmt: skip
    first, second = (list(_lines(station, spec, spec.generator(PART_TRAINING))) for _ in range(2))
    assert first == second and {one["quarter"] for one in first} <= {"2025Q4", "2026Q1", "2026Q2"}
    still_open = NewStation(**{**vars(station), "closed_on": None, "opened_on": date(2025, 1, 1)})
    quarters = {one["quarter"] for one in _lines(still_open, spec, spec.generator(PART_TRAINING))}
    assert str(FIRST) in quarters and max(quarters) == str(quarter_of(spec.as_of).previous)
    assert all(one["status"] == "ended" for one in _courses(station, spec.generator(PART_TRAINING)))
