"""Who came, and what it adds to the training ledger: exactly, also when it is recorded again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.db.engine import make_engine, session_scope
from app.errors import Conflict, InvalidInput, OutOfScope, ReportLocked, StaleVersion
from app.geo.opening_hours import TIME_ZONE
from app.models.vocabularies import AreaLevel, Channel, Role
from app.repositories import courses as course_repo
from app.repositories import sign_ups as repo
from app.repositories import training as training_repo
from app.repositories.scope import Scope
from app.repositories.training import EntryFilter
from app.services.actors import Actor
from app.services.attendance import Came, list_sign_ups, record_attendance
from app.services.quarters import quarter_of
from tests.api.conftest import load_known_city
from tests.conftest import MakeDatabase
from tests.services.test_sign_ups import KEYS, STATION, plan, take

STARTED = datetime.now(UTC) - timedelta(hours=3)
QUARTER = str(quarter_of(STARTED.astimezone(TIME_ZONE).date()))


@pytest.fixture
def city(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database())
    with session_scope(made) as writing:
        load_known_city(writing)
    yield made
    made.dispose()


def officer(role: Role = Role.TOWN_OFFICER, area: str | None = None, *, may_write: bool = True) -> Actor:
    scope = Scope(AreaLevel.CITY, "90") if area is None else Scope(AreaLevel.TOWN, area)
    return Actor(1, "officer", "officer", role, scope, Channel.SESSION, may_write=may_write)


def begun(engine: Engine, people: list[int]) -> tuple[int, dict[int, int]]:
    """A session for which some signed up and that began three hours ago; the number of each one's sign-up."""
    number = plan(engine, 30)
    for phone in people:
        take(engine, number, phone)
    with session_scope(engine) as session:
        course_repo.update_session(
            session, number, {"starts_at": STARTED, "ends_at": STARTED + timedelta(hours=2, minutes=30)}
        )
        ids = [row.id for row in repo.list_of_session(session, number)]
    return number, dict(zip(people, ids, strict=True))


def record(engine: Engine, number: int, came: Came, actor: Actor | None = None) -> None:
    with session_scope(engine) as session:
        row = course_repo.get_session_row(session, number)
        assert row is not None
        record_attendance(session, actor or officer(), number, row.version, came)


def ledger(engine: Engine) -> dict[str, tuple[int, int, Decimal, int]]:
    with Session(engine) as session:
        rows = training_repo.list_entries(
            session, Scope(AreaLevel.CITY, "90"), EntryFilter(), known_at=None, after=None, limit=100
        )
    assert {(row.station_code, row.quarter, row.kind) for row in rows} <= {(STATION, QUARTER, "special")}
    return {
        row.target_group: (row.sessions_held, row.trainee_visits, row.training_hours, row.certificates) for row in rows
    }


def test_who_came_is_in_the_ledger_and_corrections_are_differences(city: Engine) -> None:
    number, ids = begun(city, [1, 2, 3, 4])
    record(city, number, Came([ids[1], ids[2]], {"general": 1}, {"women": 1}))
    assert ledger(city) == {"women": (1, 2, Decimal("2.5"), 1), "general": (0, 1, Decimal(0), 0)}
    with Session(city) as session:
        row = course_repo.get_session_row(session, number)
        states = [one.state for one in repo.list_of_session(session, number)]
    assert row is not None and (row.status, row.attended, row.certificates) == ("held", 3, 1)
    assert states == ["attended", "attended", "absent", "absent"]
    record(city, number, Came([ids[3]], {"general": 4}, {}))  # it was otherwise
    assert ledger(city) == {"women": (0, 1, Decimal(0), 0), "general": (1, 4, Decimal("2.5"), 0)}
    other, _ = begun(city, [])
    record(city, other, Came([], {"general": 2}, {}))
    assert ledger(city)["general"] == (2, 6, Decimal("5.0"), 0)
    record(city, other, Came([], {}, {}))  # nobody, after all
    assert ledger(city)["general"] == (1, 4, Decimal("2.5"), 0)


def test_a_reported_quarter_stays_as_it_is(city: Engine) -> None:
    number, _ = begun(city, [])
    with city.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO reports (level, subject_code, quarter, state) "
                "VALUES ('station', :code, :quarter, 'submitted')"
            ),
            {"code": STATION, "quarter": QUARTER},
        )
    with pytest.raises(ReportLocked):
        record(city, number, Came([], {"general": 2}, {}))
    assert ledger(city) == {}
    with Session(city) as session:
        row = course_repo.get_session_row(session, number)
    assert row is not None and row.status == "planned"


def test_what_cannot_be_recorded(city: Engine) -> None:
    number, ids = begun(city, [1])
    with pytest.raises(InvalidInput):
        record(city, number, Came([10_000], {}, {}))
    with pytest.raises(InvalidInput):
        record(city, number, Came([ids[1], ids[1]], {}, {}))
    with pytest.raises(OutOfScope):
        record(city, number, Came([], {}, {}), officer(area="900202"))
    with pytest.raises(StaleVersion), session_scope(city) as session:
        record_attendance(session, officer(), number, 99, Came([], {}, {}))
    with pytest.raises(Conflict):
        record(city, plan(city, 3), Came([], {"general": 1}, {}))  # has not begun
    record(city, number, Came([], {"general": 5}, {}))
    with city.begin() as connection:
        connection.execute(text("UPDATE training_entries SET trainee_visits = 1"))
    with pytest.raises(Conflict, match="does not agree"):
        record(city, number, Came([], {"general": 1}, {}))


def test_numbers_are_shown_to_those_who_may_write_alone(city: Engine) -> None:
    number, _ = begun(city, [1, 2])
    with Session(city) as session:
        _, seen = list_sign_ups(session, officer(), number, KEYS)
        assert [one.phone for one in seen] == ["13800000001", "13800000002"]
        for reader in (officer(Role.VIEWER), officer(may_write=False)):
            assert [one.phone for one in list_sign_ups(session, reader, number, KEYS)[1]] == [None, None]
        with pytest.raises(OutOfScope):
            list_sign_ups(session, officer(area="900202"), number, KEYS)
