"""Long lists of supervision are read in the order of an index: nothing is sorted, and nothing is read whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.orm import Session

from app.models.vocabularies import AreaLevel
from app.repositories import quality_complaints, quality_inspections, quality_ratings
from app.repositories.quality_places import Place
from app.repositories.scope import Scope
from tests.api.conftest import load_known_city

CITY = Scope(AreaLevel.CITY, "90")
TABLES = ("inspections", "findings", "ratings", "complaints")
FILL = (
    "INSERT INTO inspections (station_code, inspected_on, inspector) "
    "SELECT code, date '2025-06-01' + n % 500, 'x' FROM stations, generate_series(1, 500) n",
    "INSERT INTO findings (inspection_id, station_code, standard, severity, text, due_on) "
    "SELECT id, station_code, 'service', 'minor', 'x', inspected_on + 9 FROM inspections",
    "INSERT INTO ratings (station_code, stars, by_code, rated_on, state, comment) "
    "SELECT code, 1 + n % 5, true, '2026-01-01', CASE WHEN n % 99 = 0 THEN 'pending' ELSE 'published' END, 'x' "
    "FROM stations, generate_series(1, 900) n",
    "INSERT INTO complaints (number, station_code, subject, text, received_on, due_on, first_due_on, state) "
    "SELECT code || '/' || n, code, 'fees', 'x', date '2026-01-01' + n % 300, date '2026-01-08' + n % 300, "
    "date '2026-01-08' + n % 300, CASE WHEN n % 9 = 0 THEN 'received' ELSE 'closed' END "
    "FROM stations, generate_series(1, 900) n",
)
WANTED: dict[str, Callable[[Session], Any]] = {
    "inspections": lambda s: quality_inspections.list_inspections(s, CITY, Place(), limit=50),
    "findings": lambda s: quality_inspections.list_findings(s, CITY, Place(), limit=50),
    "overdue findings": lambda s: quality_inspections.list_findings(
        s, CITY, Place(), overdue_on=date(2026, 9, 1), after=(date(2026, 3, 1), 0), limit=50
    ),
    "ratings": lambda s: quality_ratings.list_ratings(s, CITY, Place(), before_id=None, limit=50),
    "pending ratings": lambda s: quality_ratings.list_ratings(
        s, CITY, Place(), states=["pending"], before_id=None, limit=50
    ),
    "complaints": lambda s: quality_complaints.list_complaints(s, CITY, Place(), limit=50),
    "answered complaints": lambda s: quality_complaints.list_complaints(
        s, CITY, Place(), after=(True, date(2026, 3, 1), 0), limit=50
    ),
}


@pytest.fixture
def long(session: Session) -> Session:
    """The known city with thousands of rows of every kind."""
    load_known_city(session)
    for table in TABLES:
        session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
    for statement in FILL:
        session.execute(text(statement))
    for table in (*TABLES, "stations"):
        session.execute(text(f"ANALYZE {table}"))
    return session


@contextmanager
def asked(session: Session) -> Iterator[list[tuple[str, Any]]]:
    """The statements that are sent meanwhile."""
    sent: list[tuple[str, Any]] = []

    def note(connection: Connection, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        sent.append((statement, parameters))

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", note)
    yield sent
    event.remove(connection, "before_cursor_execute", note)


def test_every_list_is_read_in_the_order_of_an_index(long: Session) -> None:
    for name, ask in WANTED.items():
        with asked(long) as sent:
            assert len(ask(long)) == 50
        for statement, parameters in sent:
            rows = long.connection().exec_driver_sql(f"EXPLAIN {statement}", parameters)
            plan = "\n".join(row[0] for row in rows)
            assert "Sort" not in plan, f"{name}:\n{plan}"
            for table in TABLES:
                assert f"Seq Scan on {table}" not in plan, f"{name}:\n{plan}"
