"""The audit log over HTTP: for administrators alone, with filters and export."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.api.sheets import BOM
from app.db.engine import make_engine, session_scope
from app.main import create_app
from app.models.vocabularies import AreaLevel, AuditAction, Channel, Role
from app.repositories.audit import EntryFilter, list_entries
from app.repositories.scope import Scope
from app.services import audit
from app.services.acting import act_as
from app.services.actors import Actor
from tests.api.conftest import FixedHolder, TestClient, load_known_city, serving
from tests.conftest import MakeDatabase
from tests.support.accounts import signed_in

Headers = dict[str, str]
OFFICER = Actor(
    7, "li", "李", Role.DISTRICT_OFFICER, Scope(AreaLevel.DISTRICT, "9001"), Channel.TOKEN, address="203.0.113.5",
    request_id="r-9",
)  # fmt: skip


@pytest.fixture(scope="module")
def place(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database())
    with session_scope(made) as writing:
        load_known_city(writing)
    with session_scope(made) as writing:
        act_as(writing, OFFICER, reason="=搬迁")
        writing.execute(text("UPDATE stations SET seats = 40 WHERE code IN ('S-000', 'S-022')"))
        audit.note_event(writing, OFFICER, AuditAction.SIGN_IN, "session", "li")
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def client(place: Engine) -> Iterator[TestClient]:
    with serving(create_app(engine=place, holder=FixedHolder())) as made:
        yield made


@pytest.fixture(scope="module")
def admin(place: Engine) -> Headers:
    return signed_in(place, Role.ADMINISTRATOR, "90", username="root")


def ask(client: TestClient, headers: Headers, **params: Any) -> Any:
    answer = client.get("/v1/audit", params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def test_an_entry_names_everything(client: TestClient, admin: Headers) -> None:
    (entry,) = ask(client, admin, actor="li", station="S-000").json()["entries"]
    assert entry["before"] == {"seats": None} and entry["after"] == {"seats": 40}
    told = (entry["actor"], entry["actor_id"], entry["role"], entry["role_title"], entry["scope_code"])
    assert told == ("li", 7, "district_officer", "区级经办", "9001")
    assert (entry["channel"], entry["address"], entry["request_id"]) == ("token", "203.0.113.5", "r-9")
    assert (entry["action_title"], entry["kind"], entry["key"]) == ("修改", "station", "S-000")
    assert (entry["reason"], entry["district_code"]) == ("=搬迁", "9001") and entry["town_code"]
    assert client.get(f"/v1/audit/{entry['id']}", headers=admin).json() == entry
    assert client.get(f"/v1/audit/{10**12}", headers=admin).status_code == 404


@pytest.mark.parametrize(
    ("params", "condition"),
    [
        ({"actor": "li"}, "actor = 'li'"),
        ({"action": "insert"}, "action = 'insert'"),
        ({"action": ["sign_in", "update"]}, "action IN ('sign_in', 'update')"),
        ({"kind": "station", "key": "S-003"}, "kind = 'station' AND key = 'S-003'"),
        ({"area": "9002"}, "district_code = '9002'"),
        ({"area": "900102"}, "town_code = '900102'"),
        ({"area": "nowhere"}, "false"),
        ({"channel": "token"}, "channel = 'token'"),
        ({"q": "搬"}, "reason LIKE '%搬%'"),
        ({"q": "%"}, "reason LIKE '%!%%' ESCAPE '!'"),
        ({"from": "2020-01-01T00:00:00Z", "until": "2020-02-01T00:00:00Z"}, "false"),
        ({"station": "S-022", "action": "update"}, "station_code = 'S-022' AND action = 'update'"),
    ],
)
def test_filters(
    client: TestClient, admin: Headers, place: Engine, params: dict[str, Any], condition: str
) -> None:  # fmt: skip
    found = [entry["id"] for entry in ask(client, admin, limit=500, **params).json()["entries"]]
    with place.connect() as connection:
        expected = connection.scalars(text(f"SELECT id FROM audit_log WHERE {condition} ORDER BY id DESC"))
        assert found == list(expected)


def test_times_include_the_first_and_not_the_last(client: TestClient, admin: Headers) -> None:
    newest = ask(client, admin, actor="li", kind="station").json()["entries"][0]
    assert ask(client, admin, kind="station", **{"from": newest["at"]}).json()["entries"]
    later = ask(client, admin, kind="station", actor="li", until=newest["at"]).json()["entries"]
    assert newest["id"] not in [entry["id"] for entry in later]


def test_pages_go_back_to_the_first(client: TestClient, admin: Headers, place: Engine) -> None:
    found, params = [], {"kind": "station", "limit": 10}
    while True:
        page = ask(client, admin, **params).json()
        found += [entry["id"] for entry in page["entries"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    with place.connect() as connection:
        assert found == list(
            connection.scalars(text("SELECT id FROM audit_log WHERE kind = 'station' ORDER BY id DESC"))
        )


def test_only_administrators_read_it(client: TestClient, place: Engine) -> None:
    assert client.get("/v1/audit").status_code == 401
    for role, area in ((Role.CITY_OFFICER, "90"), (Role.DISTRICT_OFFICER, "9001"), (Role.VIEWER, "90")):
        headers = signed_in(place, role, area)
        for path in ("/v1/audit", "/v1/audit/1", "/v1/audit?format=csv"):
            assert client.get(path, headers=headers).json()["code"] == "forbidden"
    with Session(place) as session:
        noted = session.scalars(text("SELECT key FROM audit_log WHERE action = 'refused'"))
        assert "GET /v1/audit" in set(noted)
        assert not session.scalar(text("SELECT count(*) FROM audit_log WHERE action = 'export' AND actor <> 'root'"))


def test_exports_are_whole_safe_and_noted(client: TestClient, admin: Headers, place: Engine) -> None:
    answer = ask(client, admin, actor="li", format="csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8" and answer.headers["x-truncated"] == "false"
    assert answer.headers["content-disposition"].startswith("attachment") and answer.text.startswith(BOM)
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix(BOM))))
    assert len(rows) == 3 and {row["原因 reason"] for row in rows} == {"'=搬迁", ""}
    lines = [json.loads(line) for line in ask(client, admin, actor="li", format="ndjson").text.splitlines()]
    assert [line["id"] for line in lines] == [int(row["编号 id"]) for row in rows]
    assert lines[-1]["after"] == {"seats": 40}
    with Session(place) as session:
        wanted = EntryFilter(actions=["export"])
        noted = list_entries(session, wanted, before_id=None, limit=10)
    assert [(e.actor, e.kind, e.key, e.after) for e in noted] == [
        ("root", "audit_log", key, {"asked": {"actor": "li", "format": key}, "limit": audit.MAX_EXPORT})
        for key in ("ndjson", "csv")
    ]


def test_a_longer_export_says_so(client: TestClient, admin: Headers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.services.audit.MAX_EXPORT", 5)
    monkeypatch.setattr("app.api.routes.audit.MAX_EXPORT", 5)
    answer = ask(client, admin, format="ndjson")
    assert len(answer.text.splitlines()) == 5 and answer.headers["x-truncated"] == "true"


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (EntryFilter(), "pk_audit_log"),
        (EntryFilter(actor="officer7"), "ix_audit_log_actor"),
        (EntryFilter(station_code="S-003"), "ix_audit_log_station_code"),
        (EntryFilter(kind="station", key="S-003"), "ix_audit_log_subject"),
        (EntryFilter(area_code="9002"), "ix_audit_log_district_code"),
        (EntryFilter(actions=["export"]), "ix_audit_log_event"),
        (EntryFilter(actions=["delete"]), "ix_audit_log_event"),
        (EntryFilter(channel="token"), "ix_audit_log_channel"),
    ],
)
def test_lists_are_read_by_an_index(long_log: Engine, wanted: EntryFilter, index: str) -> None:
    from app.repositories.audit import _query

    with Session(long_log) as session:
        query = _query(session, wanted, None).limit(101)
        compiled = query.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
        plan = "\n".join(session.scalars(text(f"EXPLAIN {str(compiled).replace(':', chr(92) + ':')}")))
    assert index in plan and "Seq Scan" not in plan and "Sort" not in plan


@pytest.fixture(scope="module")
def long_log(make_database: MakeDatabase) -> Iterator[Engine]:
    """60,000 entries of 50 people on 300 stations, and one export."""
    made = make_engine(make_database())
    with session_scope(made) as writing:
        load_known_city(writing)
        writing.execute(
            text(
                "INSERT INTO audit_log (at, actor, channel, action, kind, key, station_code, district_code) "
                "SELECT now() + k * interval '1 ms', 'officer' || k % 50, 'session', 'update', 'training_entry', k, "
                "'T-' || k % 300, '900' || k % 40 FROM generate_series(1, 60000) k"
            )
        )
        writing.execute(
            text(
                "INSERT INTO audit_log (at, actor, channel, action, kind, key) VALUES (now(), 'x', 'token', 'export', "
                "'audit_log', 'csv')"
            )
        )
    with made.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE audit_log"))
    yield made
    made.dispose()
