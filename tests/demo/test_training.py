"""Invented courses and training figures: say that they are, are possible, and add up to something."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Engine, text

from app.demo.spec import CitySpec
from app.demo.training import PART_TRAINING, WEEKS_LATER, _courses, _lines
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


def test_there_are_sessions_to_come_for_a_year_from_the_citys_day_on(demo_engine: Engine) -> None:
    """No clock is read where the city is made: it must not be without sessions a month later."""
    sessions = "SELECT count(*) FROM course_sessions WHERE "
    for week in range(1, WEEKS_LATER):
        first = CitySpec().as_of + timedelta(weeks=week)
        span = f"starts_at >= '{first}T00:00+08:00' AND starts_at < '{first + timedelta(weeks=1)}T00:00+08:00'"
        assert count(demo_engine, sessions + span) > 100, first
    assert 5_000 < count(demo_engine, sessions + "true") < 15_000
    # one course is held at one hour of one weekday, never twice at once, and evening schools are held in the evening
    local = "(starts_at AT TIME ZONE 'Asia/Shanghai')"
    slots = f"SELECT count(DISTINCT (course_id, {local}::time, extract(isodow FROM {local}))) FROM course_sessions"
    courses = count(demo_engine, "SELECT count(DISTINCT course_id) FROM course_sessions")
    assert count(demo_engine, slots) == courses
    assert count(demo_engine, "SELECT count(DISTINCT (course_id, starts_at)) FROM course_sessions") == count(
        demo_engine, sessions + "true"
    )
    evening = "SELECT count(*) FROM course_sessions s JOIN courses c ON c.id = course_id WHERE form = 'evening_school'"
    assert count(demo_engine, f"{evening} AND ({local}::time <> '19:00' OR ends_at - starts_at <> '2 hours')") == 0
    assert count(demo_engine, evening) > 500


def test_some_courses_are_for_everybody(demo_engine: Engine) -> None:
    courses = count(demo_engine, "SELECT count(*) FROM courses")
    open_to_all = count(demo_engine, "SELECT count(*) FROM courses WHERE target_groups = '{}'")
    assert 0.04 * courses < open_to_all < 0.25 * courses


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
