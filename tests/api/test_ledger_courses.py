"""Courses and sessions over HTTP."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from app.db.engine import make_engine, session_scope
from app.main import create_app
from app.models.vocabularies import Role
from tests.api.conftest import FixedHolder, TestClient, load_known_city, serving
from tests.conftest import MakeDatabase
from tests.support.accounts import signed_in

Headers = dict[str, str]


@pytest.fixture(scope="module")
def place(make_database: MakeDatabase) -> Iterator[Engine]:
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
    return signed_in(place, Role.DISTRICT_OFFICER, "9001")


@pytest.fixture(scope="module")
def second(place: Engine) -> Headers:
    return signed_in(place, Role.DISTRICT_OFFICER, "9002")


def course(desk: TestClient, headers: Headers, **more: Any) -> Any:
    body = {"station_code": "S-000", "title": "护理", "kind": "special", "form": "evening_school", **more}
    return desk.post("/v1/ledger/courses", json=body, headers=headers)


def test_a_course_is_recorded_changed_and_ended(desk: TestClient, first: Headers, second: Headers) -> None:
    made = course(desk, first, skill="养老护理", target_groups=["women"], fee_yuan=99.5, seats=20)
    assert made.status_code == 201, made.text
    kept = made.json()
    assert (kept["form_title"], kept["fee_yuan"], kept["target_groups"], kept["version"]) == (
        "夜校",
        99.5,
        ["women"],
        1,
    )
    path = f"/v1/ledger/courses/{kept['id']}"
    facts = {"title": "护理", "kind": "special", "form": "evening_school", "status": "ended", "version": 1}
    assert desk.put(path, json=facts, headers=second).status_code == 403
    assert desk.put(path, json=facts, headers=first).json()["status_title"] == "已停开"
    stale = desk.put(path, json={**facts, "seats": 5}, headers=first)
    assert stale.status_code == 409 and "seats" in [item["field"] for item in stale.json()["errors"]]
    ended = desk.post(f"{path}/sessions", json=times(), headers=first)
    assert ended.status_code == 422 and ended.json()["errors"][0]["field"] == "course_id"


def times(**more: Any) -> dict[str, Any]:
    return {"starts_at": "2026-12-01T19:00:00+08:00", "ends_at": "2026-12-01T21:00:00+08:00", **more}


def test_sessions_are_planned_held_and_listed(desk: TestClient, first: Headers, second: Headers) -> None:
    number = course(desk, first).json()["id"]
    path = f"/v1/ledger/courses/{number}/sessions"
    made = []
    for day in (3, 1, 2):
        when = times(starts_at=f"2026-12-0{day}T19:00:00+08:00", ends_at=f"2026-12-0{day}T20:00:00+08:00")
        made.append(desk.post(path, json=when, headers=first).json())
    listed = desk.get(f"/v1/ledger/sessions?course={number}&limit=2", headers=first).json()
    rest = desk.get(
        "/v1/ledger/sessions", params={"course": number, "limit": 2, "cursor": listed["next_cursor"]}, headers=first
    ).json()
    assert [s["id"] for s in listed["sessions"] + rest["sessions"]] == [made[1]["id"], made[2]["id"], made[0]["id"]]
    assert rest["next_cursor"] is None
    since = desk.get("/v1/ledger/sessions?since=2026-12-02T00:00:00%2B08:00", headers=first).json()["sessions"]
    assert [s["id"] for s in since] == [made[2]["id"], made[0]["id"]]
    assert desk.get("/v1/ledger/sessions", headers=second).json()["sessions"] == []
    one = f"/v1/ledger/sessions/{made[0]['id']}"
    assert desk.get(one, headers=second).status_code == 403
    held = times(status="held", attended=18, certificates=3, version=1)
    assert desk.put(one, json={**held, "status": "planned"}, headers=first).status_code == 422
    assert desk.put(one, json=held, headers=first).json()["attended"] == 18


def test_tables_and_parts_of_the_city(desk: TestClient, place: Engine, first: Headers) -> None:
    made = course(desk, first, title="=1+1", target_groups=["women", "veterans"], subsidised=True).json()
    desk.post(f"/v1/ledger/courses/{made['id']}/sessions", json=times(teacher="@x"), headers=first)
    city = signed_in(place, Role.CITY_OFFICER, "90")
    courses, sessions = (
        desk.get(path, params={"format": "csv", "station": "S-000"}, headers=city)
        for path in ("/v1/ledger/courses", "/v1/ledger/sessions")
    )
    row = list(csv.DictReader(io.StringIO(courses.text.removeprefix("\ufeff"))))[-1]
    assert (row["课程名称"], row["群体"], row["可申领补贴"], row["形式"]) == ("'=1+1", "妇女、退役军人", "是", "夜校")
    (held,) = [r for r in csv.DictReader(io.StringIO(sessions.text.removeprefix("\ufeff"))) if r["教师"]]
    assert (held["课程编号"], held["教师"], held["开始(北京时间)"]) == (str(made["id"]), "'@x", "2026-12-01 19:00")
    for area, any_there in (("9001", True), ("900102", True), ("900101", False), ("9002", False)):
        for name in ("courses", "sessions"):
            body = desk.get(f"/v1/ledger/{name}", params={"within": area}, headers=city).json()
            assert bool(body[name]) is any_there, (name, area)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"form": "online"}, "online_url"), ({"form": "online", "online_url": "ftp://x"}, "online_url"),
        ({"title": " 空格"}, "title"), ({"fee_yuan": -1}, "fee_yuan"), ({"fee_yuan": 1.001}, "fee_yuan"),
        ({"target_groups": ["men"]}, "target_groups[0]"), ({"colour": 1}, "colour"),
    ],
)  # fmt: skip
def test_a_wrong_course_is_refused(desk: TestClient, first: Headers, more: dict[str, Any], field: str) -> None:
    answer = course(desk, first, **more)
    assert answer.status_code == 422 and field in [item["field"] for item in answer.json()["errors"]], answer.text


def test_a_wrong_session_is_refused(desk: TestClient, first: Headers) -> None:
    path = f"/v1/ledger/courses/{course(desk, first).json()['id']}/sessions"
    for wrong in (times(ends_at="2026-12-01T18:00:00+08:00"), times(starts_at="2026-12-01T19:00:00"),
                  times(ends_at="2026-12-03T18:00:00+08:00")):  # fmt: skip
        assert desk.post(path, json=wrong, headers=first).status_code == 422
    assert desk.post("/v1/ledger/courses/999999/sessions", json=times(), headers=first).status_code == 404
    assert course(desk, first, station_code="S-777").status_code == 404
    assert course(desk, first, station_code="S-020").status_code == 403  # of the other district
