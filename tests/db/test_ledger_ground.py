"""The ground of the ledger: one moment a transaction, versions of rows, and entries in the audit log."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.db.engine import make_engine
from app.models.vocabularies import AreaLevel, Channel, Role
from app.repositories.context import ledger_moment
from app.repositories.scope import Scope
from app.services.acting import act_as
from app.services.actors import Actor
from tests.conftest import MakeDatabase

ADD = """
    INSERT INTO stations (code, name, type, host_kind, status, district_code, town_code, source_crs, source_lng,
        source_lat, geom, h3_r7, h3_r8, h3_r9, h3_r10, dataset_id)
    VALUES (:code, '站', 'park', 'other', 'open', '9001', '900101', 'wgs84', 113, 23, 'SRID=4326;POINT(113 23)',
        1, 1, 1, 1, :dataset)
"""
OFFICER = Actor(
    7, "li", "李", Role.DISTRICT_OFFICER, Scope(AreaLevel.DISTRICT, "9001"), Channel.SESSION, address="10.0.0.9",
    request_id="r-1",
)  # fmt: skip


@pytest.fixture
def dataset(session: Session) -> int:
    return add_dataset(session)


def add_dataset(session: Session) -> int:
    added = session.execute(
        text(
            "INSERT INTO datasets (kind, name, source, licence, vintage, sha256, synthetic, is_current, parameters, "
            "report) VALUES ('stations', 't', 't', 't', 't', 't', false, true, '{}', '{}') RETURNING id"
        )
    )
    return int(added.scalar_one())


def entries(session: Session) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in session.execute(text("SELECT * FROM audit_log ORDER BY id"))]


def test_every_write_leaves_who_when_from_where_and_why(session: Session, dataset: int) -> None:
    act_as(session, OFFICER, reason="遴选")
    session.execute(text(ADD), {"code": "A", "dataset": dataset})
    session.execute(text("UPDATE stations SET name = '新站', seats = 5 WHERE code = 'A'"))
    session.execute(text("UPDATE stations SET name = '新站' WHERE code = 'A'"))  # changes nothing: no entry
    session.execute(text("DELETE FROM stations WHERE code = 'A'"))
    added, changed, removed = entries(session)
    for entry in (added, changed, removed):
        assert (entry["actor"], entry["actor_id"], entry["role"], entry["scope_code"], entry["channel"]) == (
            "li", 7, "district_officer", "9001", "session",
        )  # fmt: skip
        assert (entry["address"], entry["request_id"], entry["reason"]) == ("10.0.0.9", "r-1", "遴选")
        assert (entry["kind"], entry["key"], entry["station_code"]) == ("station", "A", "A")
        assert (entry["district_code"], entry["town_code"]) == ("9001", "900101")
        assert entry["at"] == ledger_moment(session)
    assert (added["action"], added["before"], added["after"]["name"]) == ("insert", None, "站")
    assert (changed["before"], changed["after"]) == ({"name": "站", "seats": None}, {"name": "新站", "seats": 5})
    assert (removed["action"], removed["before"]["seats"], removed["after"]) == ("delete", 5, None)


def test_a_write_by_nobody_known_is_the_database_user_s(session: Session, dataset: int) -> None:
    session.execute(text(ADD), {"code": "A", "dataset": dataset})
    (entry,) = entries(session)
    user = session.scalar(text("SELECT session_user"))
    assert (entry["actor"], entry["channel"], entry["database_user"]) == (user, "database", user)


def test_the_log_cannot_be_changed(session: Session, dataset: int) -> None:
    session.execute(text(ADD), {"code": "A", "dataset": dataset})
    for statement in (
        "UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log", "TRUNCATE stations CASCADE",
    ):  # fmt: skip
        with pytest.raises(DBAPIError, match="may not be changed"), session.begin_nested():
            session.execute(text(statement))
    assert len(entries(session)) == 1


def test_versions_count_changes_alone(session: Session, dataset: int) -> None:
    session.execute(text(ADD), {"code": "A", "dataset": dataset})

    def state() -> tuple[int, object]:
        row = session.execute(text("SELECT version, updated_at FROM stations")).one()
        return row.version, row.updated_at

    assert state()[0] == 1
    session.execute(text("UPDATE stations SET seats = 1"))
    assert state() == (2, ledger_moment(session))
    session.execute(text("UPDATE stations SET seats = 1, version = 40, updated_at = now() + interval '1 day'"))
    assert state() == (2, ledger_moment(session))


@pytest.fixture
def own_engine(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database())
    yield made
    made.dispose()


def test_moments_have_the_order_of_commits(own_engine: Engine) -> None:
    """A transaction that began earlier and writes later is known later; two writers never interleave."""
    order: list[str] = []
    with Session(own_engine) as first, Session(own_engine) as second:
        first.execute(text("SELECT now()"))  # begins first
        dataset = add_dataset(second)
        early = ledger_moment(second)

        def wait() -> None:
            moments.append(ledger_moment(first))
            order.append("first writes")
            first.commit()

        moments: list[Any] = []
        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.2)
        second.execute(text(ADD), {"code": "A", "dataset": dataset})
        order.append("second commits")
        second.commit()
        waiting.join(10)
    assert order == ["second commits", "first writes"]
    assert moments[0] > early
    with Session(own_engine) as reading:
        assert reading.scalar(text("SELECT known_from FROM station_versions")) == early


def test_the_context_ends_with_its_transaction(own_engine: Engine) -> None:
    with Session(own_engine) as session, session.begin():
        act_as(session, OFFICER)
        add_dataset(session)
        first = ledger_moment(session)
    with Session(own_engine) as session, session.begin():
        assert not session.scalar(text("SELECT current_setting('skillsmap.context', true)"))
        assert ledger_moment(session) > first
