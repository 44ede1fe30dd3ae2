"""The ledger of stations, organisations and pairings over HTTP: what officers see, write, and are refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.db.engine import make_engine, session_scope
from app.main import create_app
from app.models.vocabularies import Role
from tests.api.conftest import SIDE, SOUTH, WEST, FixedHolder, TestClient, load_known_city, serving
from tests.conftest import MakeDatabase
from tests.support.accounts import signed_in

CITY, FIRST, SECOND, TOWN = "90", "9001", "9002", "900101"
INSIDE = {"9001": (WEST + SIDE * 0.3, SOUTH + SIDE * 0.3), "9002": (WEST + SIDE * 1.3, SOUTH + SIDE * 0.3)}
Headers = dict[str, str]


@pytest.fixture(scope="module")
def place(make_database: MakeDatabase) -> Iterator[Engine]:
    """A database with the city that is known, to be written to."""
    made = make_engine(make_database())
    with session_scope(made) as writing:
        load_known_city(writing)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def desk(place: Engine) -> Iterator[TestClient]:
    with serving(create_app(engine=place, holder=FixedHolder())) as made:
        yield made


@pytest.fixture(scope="module")
def first(place: Engine) -> Headers:
    return signed_in(place, Role.DISTRICT_OFFICER, FIRST, username="first")


@pytest.fixture(scope="module")
def second(place: Engine) -> Headers:
    return signed_in(place, Role.DISTRICT_OFFICER, SECOND, username="second")


def new_record(code: str, district: str = FIRST, **values: Any) -> dict[str, Any]:
    lng, lat = INSIDE[district]
    return {
        "code": code, "name": f"{code} 站", "type": "community", "host_kind": "other", "status": "open", "lng": lng,
        "lat": lat, "crs": "wgs84", **values,
    }  # fmt: skip


def add(desk: TestClient, headers: Headers, code: str, district: str = FIRST, **values: Any) -> Any:
    body = {"record": new_record(code, district, **values), "reason": "遴选"}
    return desk.post("/v1/ledger/stations", json=body, headers=headers)


def change(desk: TestClient, headers: Headers, code: str, version: int, **more: Any) -> Any:
    effective = {name: more.pop(name) for name in ("effective_on", "reason") if name in more}
    body = {"version": version, "changes": more, **effective}
    return desk.post(f"/v1/ledger/stations/{code}/changes", json=body, headers=headers)


def test_a_registered_station_is_public_at_once(desk: TestClient, first: Headers, place: Engine) -> None:
    answer = add(desk, first, "A-1", seats=40, target_groups=["women"], contractor_organisations=["示范学校"])
    assert answer.status_code == 201, answer.text
    assert (answer.json()["outcome"], answer.json()["version"]) == ("added", 1)
    shown = desk.get("/v1/stations/A-1").json()
    assert shown["district"]["code"] == FIRST and shown["town"]["code"] == "900101"
    kept = desk.get("/v1/ledger/stations/A-1", headers=first).json()
    assert kept["record"]["seats"] == 40 and kept["record"]["target_groups"] == ["women"]
    assert "phone" in kept["missing"] and "seats" not in kept["missing"]
    assert kept["staff_trained_rate"] is None
    with place.connect() as connection:
        entry = connection.execute(text("SELECT * FROM audit_log WHERE kind = 'station' AND key = 'A-1'")).one()
    assert (entry.actor, entry.role, entry.reason, entry.action) == ("first", "district_officer", "遴选", "insert")
    assert entry.address == "testclient" and entry.request_id == answer.headers["x-request-id"]


def test_another_district_is_out_of_reach(desk: TestClient, first: Headers, second: Headers, place: Engine) -> None:
    assert add(desk, first, "A-2").status_code == 201
    for answer in (
        desk.get("/v1/ledger/stations/A-2", headers=second),
        change(desk, second, "A-2", 1, name="夺"),
        add(desk, second, "A-3", FIRST),
    ):
        assert answer.status_code == 403 and answer.json()["code"] == "out_of_scope", answer.text
    listed = desk.get("/v1/ledger/stations?limit=500", headers=second).json()
    assert listed["total"] == len(listed["stations"]) > 5
    assert {station["district"]["code"] for station in listed["stations"]} == {SECOND}
    with place.connect() as connection:
        refused = text("SELECT count(*) FROM audit_log WHERE action = 'refused' AND actor = 'second'")
        assert connection.scalar(refused) == 3


def test_lists_page_and_filter(desk: TestClient, first: Headers) -> None:
    whole = desk.get("/v1/ledger/stations?limit=500", headers=first).json()
    codes, cursor = [], ""
    while cursor is not None:
        page = desk.get(f"/v1/ledger/stations?limit=4{cursor}", headers=first).json()
        codes += [station["code"] for station in page["stations"]]
        cursor = None if page["next_cursor"] is None else f"&cursor={page['next_cursor']}"
    assert codes == [station["code"] for station in whole["stations"]]
    planned = desk.get("/v1/ledger/stations?status=planned&town=900101", headers=first).json()["stations"]
    assert planned and {s["record"]["status"] for s in planned} == {"planned"}
    assert desk.get("/v1/ledger/stations?batch=2", headers=first).json()["total"] == 0
    assert desk.get("/v1/ledger/stations?district=9009", headers=first).status_code == 422


def test_two_officers_save_at_once(desk: TestClient, first: Headers, place: Engine) -> None:
    add(desk, first, "A-4", seats=1)
    city = signed_in(place, Role.CITY_OFFICER, CITY)
    assert change(desk, city, "A-4", 1, seats=2).json()["version"] == 2
    merged = change(desk, first, "A-4", 1, phone="020-1")
    assert merged.status_code == 200 and merged.json()["version"] == 3
    late = change(desk, first, "A-4", 1, seats=3, notes="x")
    assert late.status_code == 409 and late.json()["code"] == "stale_version"
    (item,) = late.json()["errors"]
    assert (item["field"], item["value"]) == ("seats", "3") and "2" in item["message"]
    record = desk.get("/v1/ledger/stations/A-4", headers=first).json()["record"]
    assert (record["seats"], record["phone"], record["notes"]) == (2, "020-1", None)


def test_sent_twice_it_is_registered_once(desk: TestClient, first: Headers) -> None:
    headers = {**first, "Idempotency-Key": "k-1"}
    once = add(desk, headers, "A-5")
    again = add(desk, headers, "A-5")
    assert (once.status_code, again.status_code) == (201, 201)
    assert again.json() == once.json() and again.headers["idempotency-replayed"] == "true"
    other = add(desk, headers, "A-6")
    assert other.status_code == 409 and other.json()["code"] == "idempotency_key_reused"
    assert add(desk, first, "A-5").status_code == 422  # without the key the code is taken


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"seats": -1}, "record.seats"), ({"type": "parc"}, "record.type"),
        ({"opening_hours": "九点"}, "opening_hours"),
        ({"lng": INSIDE[FIRST][1], "lat": INSIDE[FIRST][0] - 90}, "lng, lat"), ({"crs": None}, "crs"),
        ({"lng": 120.0, "lat": 30.0}, "lng, lat"), ({"opened_on": "2025-06-31"}, "record.opened_on"),
        ({"name": None}, "name"), ({"colour": "red"}, "record.colour"), ({"notes": "a\x00b"}, "record.notes"),
    ],
)  # fmt: skip
def test_a_wrong_record_is_refused_by_field(
    desk: TestClient, first: Headers, values: dict[str, Any], field: str
) -> None:
    answer = add(desk, first, "A-9", **values)
    assert answer.status_code == 422, answer.text
    assert field in [item["field"] for item in answer.json()["errors"]], answer.text
    assert all(item["message"] for item in answer.json()["errors"])
    assert desk.get("/v1/stations/A-9").status_code == 404


def test_who_may_not_write(desk: TestClient, place: Engine, first: Headers) -> None:
    viewer = signed_in(place, Role.VIEWER, FIRST)
    assert add(desk, {}, "A-9").status_code == 401
    assert add(desk, viewer, "A-9").json()["code"] == "forbidden"
    town = signed_in(place, Role.TOWN_OFFICER, TOWN)
    assert add(desk, town, "A-7").status_code == 201
    assert change(desk, town, "S-000", 1, name="x").json()["code"] == "out_of_scope"  # of the other town


def test_organisations_and_pairings(desk: TestClient, first: Headers, second: Headers) -> None:
    add(desk, first, "A-8", contractor_organisations=["结对学校"])
    found = desk.get("/v1/ledger/organisations?q=结对", headers=first).json()["organisations"]
    assert [(one["name"], one["stations"]) for one in found] == [("结对学校", 1)]
    school = found[0]
    facts = {"kind": "college", "credit_code": "914401010000000000", "phone": "020-2", "version": school["version"]}
    changed = desk.put(f"/v1/ledger/organisations/{school['id']}", json=facts, headers=first)
    assert changed.status_code == 200 and changed.json()["kind_title"] == "职业院校"
    stale = desk.put(f"/v1/ledger/organisations/{school['id']}", json={**facts, "phone": "9"}, headers=first)
    assert stale.status_code == 409 and [item["field"] for item in stale.json()["errors"]] == ["phone"]
    taken = {"name": "另一学校", "credit_code": "914401010000000000"}
    assert desk.post("/v1/ledger/organisations", json=taken, headers=first).json()["code"] == "conflict"
    other = desk.post("/v1/ledger/organisations", json={"name": "另一学校"}, headers=first).json()

    pairing = {"station_code": "A-8", "organisation_id": school["id"], "mode": "one_to_one", "signed_on": "2026-01-01"}
    made = desk.post("/v1/ledger/pairings", json=pairing, headers=first)
    assert made.status_code == 201 and made.json()["organisation"] == "结对学校"
    beside = {**pairing, "organisation_id": other["id"], "mode": "one_to_many"}
    assert desk.post("/v1/ledger/pairings", json=beside, headers=first).json()["code"] == "conflict"
    path = f"/v1/ledger/pairings/{made.json()['id']}"
    assert desk.get(path, headers=second).status_code == 403
    assert desk.get("/v1/ledger/pairings", headers=second).json()["pairings"] == []
    wider = desk.put(path, json={"mode": "one_to_many", "version": 1, "ends_on": "2030-01-01"}, headers=first)
    assert wider.status_code == 200 and wider.json()["version"] == 2
    assert desk.post("/v1/ledger/pairings", json=beside, headers=first).status_code == 201
    backwards = {"mode": "one_to_many", "version": 2, "signed_on": "2026-01-01", "ends_on": "2025-01-01"}
    assert desk.put(path, json=backwards, headers=first).status_code == 422
    assert len(desk.get("/v1/ledger/pairings?station=A-8", headers=first).json()["pairings"]) == 2


def test_english_is_spoken(desk: TestClient, first: Headers) -> None:
    answer = add(desk, {**first, "Accept-Language": "en"}, "A-9", opening_hours="nine to five")
    assert answer.json()["errors"][0]["message"] == "is not in the form of opening hours"
