"""The role that the service acts as: what it may and may not do, and when it is used."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.db.engine import SERVICE_ROLE, libpq_url, make_engine, make_service_engine, parse_url, render
from app.services.acting import act_as
from app.services.actors import of_system
from tests.conftest import MakeDatabase
from tests.db.test_ledger_ground import ADD, add_dataset

KEPT = ("audit_log", "station_versions", "target_versions")


@pytest.fixture(scope="module")
def url(make_database: MakeDatabase) -> str:
    """A database with one station, changed once, and one target, changed once."""
    made = make_database()
    engine = make_engine(made)
    for name in ("甲", "乙"):
        with Session(engine) as session, session.begin():
            act_as(session, of_system("test"))
            if name == "甲":
                session.execute(text(ADD), {"code": "A", "dataset": add_dataset(session)})
                session.execute(
                    text(
                        "INSERT INTO targets (year, area_code, measure, value, due_on) "
                        "VALUES (2026, '4401', 'stations', 1, '2026-12-31')"
                    )
                )
            else:
                session.execute(text("UPDATE stations SET name = '乙'"))
                session.execute(text("UPDATE targets SET value = 2"))
    engine.dispose()
    return made


@pytest.fixture(scope="module")
def service_engine(url: str) -> Iterator[Engine]:
    made = make_service_engine(url)
    yield made
    made.dispose()


def refused(engine: Engine, statement: str) -> str:
    with Session(engine) as session, pytest.raises(DBAPIError) as caught, session.begin():
        session.execute(text(statement))
    return str(caught.value.orig)


def test_the_service_acts_as_its_role(service_engine: Engine, url: str) -> None:
    with service_engine.connect() as connection:
        user, login = connection.execute(text("SELECT current_user, session_user")).one()
    assert user == SERVICE_ROLE and login == parse_url(url).username


@pytest.mark.parametrize("table", KEPT)
def test_what_happened_cannot_be_changed(service_engine: Engine, table: str) -> None:
    with service_engine.connect() as connection:
        count = connection.scalar(text(f"SELECT count(*) FROM {table}"))
    assert count
    column = "actor" if table == "audit_log" else "note" if table == "target_versions" else "name"
    for statement in (f"UPDATE {table} SET {column} = 'x'", f"DELETE FROM {table}", f"TRUNCATE {table}"):
        assert "permission denied" in refused(service_engine, statement)
    with service_engine.connect() as connection:
        assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == count


def test_history_is_written_by_triggers_alone(service_engine: Engine) -> None:
    for statement in (
        "INSERT INTO station_versions SELECT * FROM station_versions",
        "INSERT INTO target_versions SELECT * FROM target_versions",
        "DELETE FROM stations", "DELETE FROM targets", "TRUNCATE stations CASCADE", "DROP TABLE audit_log CASCADE",
        "ALTER TABLE audit_log DISABLE TRIGGER ALL", "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger "
        "LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    ):  # fmt: skip
        assert any(word in refused(service_engine, statement) for word in ("permission denied", "must be owner"))


def test_its_own_writes_leave_history_and_entries(service_engine: Engine) -> None:
    count = text("SELECT (SELECT count(*) FROM audit_log), (SELECT count(*) FROM station_versions)")
    with Session(service_engine) as session:
        before = session.execute(count).one()
        session.execute(text("UPDATE stations SET name = '丙'"))
        after = session.execute(count).one()
        session.rollback()
    assert (after[0] - before[0], after[1] - before[1]) == (1, 1)


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"]
)
def test_the_owner_is_refused_too(url: str, statement: str) -> None:
    engine = make_engine(url)
    assert "may not be changed" in refused(engine, statement)
    engine.dispose()


def test_the_role_by_options_alone(url: str) -> None:
    with psycopg.connect(libpq_url(url), options=f"-c role={SERVICE_ROLE}") as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM audit_log")


def test_a_user_who_may_not_take_the_role_is_told(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = f"skillsmap_test_{parse_url(url).database}"
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'x'").format(sql.Identifier(name)))
    try:
        stranger = render(parse_url(url).set(username=name, password="x"))
        engine = make_service_engine(stranger)
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT current_user")) == name
        engine.dispose()
        told = capsys.readouterr()
        assert "role_missing" in told.out + told.err
    finally:
        with psycopg.connect(libpq_url(url), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_a_database_without_the_tables_is_served_plainly(server_url: str) -> None:
    engine = make_service_engine(server_url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT current_user")) != SERVICE_ROLE
    engine.dispose()
