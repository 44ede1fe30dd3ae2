"""Targets and progress over HTTP: what the public sees, what officers do, and what is told to caches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.db.engine import make_engine, session_scope
from app.main import create_app
from app.models.vocabularies import Role
from app.services.acting import act_as
from app.services.actors import of_system
from app.services.station_table import today
from tests.api.conftest import FixedHolder, TestClient, load_known_city, serving
from tests.conftest import MakeDatabase
from tests.support.accounts import signed_in

Headers = dict[str, str]
NEW = {"year": 2026, "area_code": "9001", "measure": "stations", "value": 12, "note": "分解下达", "reason": "方案"}


@pytest.fixture(scope="module")
def place(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database())
    with session_scope(made) as writing:
        load_known_city(writing)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def client(place: Engine) -> Iterator[TestClient]:
    with serving(create_app(engine=place, holder=FixedHolder())) as made:
        yield made


@pytest.fixture(scope="module")
def city(place: Engine) -> Headers:
    return signed_in(place, Role.CITY_OFFICER, "90")


@pytest.fixture(scope="module")
def town(place: Engine) -> Headers:
    return signed_in(place, Role.TOWN_OFFICER, "900101")


def add(client: TestClient, headers: Headers, **values: Any) -> Any:
    return client.post("/v1/targets", json=NEW | values, headers=headers)


def test_a_target_s_life(client: TestClient, city: Headers, place: Engine) -> None:
    made = add(client, city, year=2030)
    assert made.status_code == 201 and made.headers["cache-control"] == "no-store"
    body = made.json()
    assert (body["due_on"], body["measure_title"], body["version"]) == ("2030-12-31", "建成站点数", 1)
    assert body["area"] == {"code": "9001", "name": "第1区"} and not body["synthetic"]
    path = f"/v1/targets/{body['id']}"
    assert client.get(path).json() == body
    change = {"value": 13, "due_on": "2030-11-30", "version": 1, "reason": "调整"}
    changed = client.put(path, json=change, headers=city).json()
    assert (changed["value"], changed["due_on"], changed["note"], changed["version"]) == (13, "2030-11-30", None, 2)
    stale = client.put(path, json=change | {"value": 14}, headers=city)
    assert stale.status_code == 409 and stale.json()["code"] == "stale_version"
    retired = client.delete(path, params={"version": 2, "reason": "方案调整"}, headers=city)
    assert retired.status_code == 200 and retired.json()["is_retired"]
    listed = client.get("/v1/targets", params={"year": 2030}).json()["targets"]
    assert listed == [] and client.get("/v1/targets", params={"year": 2030, "retired": True}).json()["targets"]
    with Session(place) as session:
        reasons = session.scalars(
            text("SELECT reason FROM audit_log WHERE kind = 'target' AND key = :key ORDER BY id"),
            {"key": str(body["id"])},
        )
        assert list(reasons) == ["方案", "调整", "方案调整"]


def test_sent_twice_it_is_set_once(client: TestClient, city: Headers) -> None:
    key = {"Idempotency-Key": "target-1"}
    first, second = (add(client, city | key, year=2031) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201) and first.json() == second.json()
    assert add(client, city, year=2031).status_code == 409


def test_who_may_not(client: TestClient, place: Engine, town: Headers) -> None:
    district = signed_in(place, Role.DISTRICT_OFFICER, "9001")
    assert add(client, {}).status_code == 401
    for headers in (town, district):
        assert add(client, headers).json()["code"] == "forbidden"
    for path in ("/v1/targets/1",):
        assert client.put(path, json={"value": 1, "due_on": "2026-12-31", "version": 1}).status_code == 401
        assert client.delete(path, params={"version": 1}).status_code == 401


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"value": -1}, "value"), ({"value": 1.5}, "value"), ({"year": 1999}, "year"),
        ({"measure": "people"}, "measure"), ({"area_code": "77"}, "area_code"),
        ({"due_on": "2027-01-01"}, "due_on"), ({"note": "a\x00b"}, "note"),
        ({"owner": "x"}, "owner"), ({"area_code": "900101", "measure": "districts_covered"}, "measure"),
    ],
)  # fmt: skip
def test_bad_targets_are_refused(client: TestClient, city: Headers, values: dict[str, Any], field: str) -> None:
    answer = add(client, city, **values)
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == field


def test_pages_hold_everything_once(client: TestClient, city: Headers, town: Headers) -> None:
    for area in ("90", "9001", "9002", "900101", "900202"):
        for year in (2026, 2027):
            assert add(client, city, area_code=area, year=year, measure="trainee_visits").status_code == 201

    def all_of(headers: Headers) -> list[tuple[str, str, str]]:
        found, query = [], "?limit=3&measure=trainee_visits"
        while query:
            page = client.get(f"/v1/targets{query}", headers=headers)
            found += [(t["area"]["code"], t["measure"], t["due_on"]) for t in page.json()["targets"]]
            link = page.headers.get("Link", "")
            query = link[link.index("?") : link.index(">")] if link else ""
        return found

    public = [(a, "trainee_visits", f"{y}-12-31") for a in ("90", "9001", "9002") for y in (2026, 2027)]
    assert all_of({}) == public
    assert all_of(town) == sorted([*public, *(("900101", "trainee_visits", f"{y}-12-31") for y in (2026, 2027))])
    assert len(all_of(city)) == 10
    assert client.get("/v1/targets?cursor=WyJhIiwiYiJd").status_code == 422
    sums = client.get("/v1/targets/sums", headers=town).json()["sums"]
    assert {(s["area"]["code"], s["value"], s["parts"], s["difference"]) for s in sums} >= {("9001", 12, 1, 0)}


def test_progress_is_public_but_for_towns(client: TestClient, place: Engine, city: Headers, town: Headers) -> None:
    path = "/v1/targets/progress"
    body = client.get(path, params={"as_of": "2025-12-31", "measure": "stations"}).json()
    (row,) = body["progress"]
    assert (row["area"]["code"], row["actual"], row["counted_until"]) == ("90", 16, "2025-12-31")
    assert body["districts"] == 2 and body["data_notice"]["synthetic"] and body["known_at"] is None
    assert [b["batch"] for b in body["batches"]] == [1, 2, 3]
    districts = client.get(path, params={"level": "district"}).json()
    assert {r["area"]["code"] for r in districts["progress"]} == {"9001", "9002"} and districts["as_of"] == str(today())
    assert client.get(path, params={"level": "town"}).json()["code"] == "unauthenticated"
    shown = client.get(path, params={"level": "town"}, headers=town)
    assert shown.headers["cache-control"] == "no-store"
    assert {r["area"]["code"] for r in shown.json()["progress"]} == {"900101"}
    outside = client.get(path, params={"level": "town", "within": "9002"}, headers=town)
    assert outside.status_code == 403 and outside.json()["code"] == "out_of_scope"
    for params in ({"as_of": "2999-01-01"}, {"known_at": "2999-01-01T00:00:00Z"}, {"known_at": "2026-01-01T00:00:00"},
                   {"within": "x"}):  # fmt: skip
        assert client.get(path, params=params).status_code == 422


def test_the_public_answer_is_kept_until_somebody_writes(client: TestClient, place: Engine, city: Headers) -> None:
    for path in ("/v1/targets/progress", "/v1/targets", "/v1/targets/sums"):
        first = client.get(path)
        held = {"If-None-Match": first.headers["ETag"]}
        assert client.get(path, headers=held).status_code == 304
        assert client.get(path, headers=held | city).status_code == 200  # an officer's is not kept
        with Session(place) as session, session.begin():
            act_as(session, of_system("test"))
            session.execute(
                text(
                    "INSERT INTO training_entries (station_code, quarter, kind, target_group, sessions_held, "
                    "trainee_visits, training_hours, certificates) VALUES ('S-000', :q, 'special', 'women', 1, 5, 1, 0)"
                ),
                {"q": {"/v1/targets": "2025Q3", "/v1/targets/sums": "2025Q4"}.get(path, "2025Q2")},
            )
        assert client.get(path, headers=held).status_code == 200


def test_figures_known_before_a_mend_are_given_again(client: TestClient, place: Engine) -> None:
    asked = {"measure": "stations", "as_of": "2026-06-30"}
    with Session(place) as session:
        moment = session.scalar(text("SELECT clock_timestamp()"))
    before = client.get("/v1/targets/progress", params=asked).json()["progress"]
    with Session(place) as session, session.begin():
        session.execute(text("UPDATE stations SET status = 'suspended' WHERE code = 'S-001'"))
    after = client.get("/v1/targets/progress", params=asked).json()["progress"]
    known = client.get("/v1/targets/progress", params=asked | {"known_at": moment.isoformat()}).json()["progress"]
    assert before[0]["actual"] == after[0]["actual"] + 1 and known == before


def test_no_areas_no_progress(empty_client: TestClient) -> None:
    answer = empty_client.get("/v1/targets/progress")
    assert answer.status_code == 404 and answer.json()["code"] == "level_not_loaded"
    assert empty_client.get("/v1/targets").json() == {"next_cursor": None, "targets": []}
