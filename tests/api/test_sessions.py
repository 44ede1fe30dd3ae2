"""Courses and sessions over HTTP: every filter against plain Python, pages, calendars; signing up from end to end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import icalendar
import numpy as np
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, text

from app.db.engine import make_engine, session_scope
from app.geo.opening_hours import TIME_ZONE
from app.main import create_app
from app.models.vocabularies import CourseForm, CourseKind, Role, TargetGroup
from app.services.station_table import today
from tests.api.conftest import FixedHolder, TestClient, load_known_city, serving
from tests.conftest import MakeDatabase
from tests.services.test_sign_ups import plan, seats
from tests.support.accounts import signed_in

QUESTIONS = 20  # see test_courses.py for those of every kind


@pytest.fixture(scope="module")
def rows(demo_engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """Courses and sessions as they lie in the database, with their stations."""
    station = (
        "s.name AS station_name, s.status AS station_status, s.opened_on, s.closed_on, s.district_code, s.town_code"
    )
    with demo_engine.connect() as connection:

        def read(query: str) -> list[dict[str, Any]]:
            return [dict(row._mapping) for row in connection.execute(text(query))]

        courses = read(f"SELECT c.*, {station} FROM courses c JOIN stations s ON s.code = c.station_code")
        sessions = read(
            f"SELECT c.*, {station}, x.id AS session_id, x.starts_at, x.ends_at, x.status AS session_status, "
            "coalesce(x.seats, c.seats) AS room FROM course_sessions x JOIN courses c ON c.id = x.course_id "
            "JOIN stations s ON s.code = c.station_code"
        )
    return {"courses": courses, "sessions": sessions}


def drawn(rng: np.random.Generator) -> dict[str, Any]:
    """Some filters of both lists."""
    found: dict[str, Any] = {}
    for name, words in (("kind", CourseKind), ("form", CourseForm), ("group", TargetGroup)):
        if rng.random() < 0.35:
            found[name] = sorted({str(rng.choice([w.value for w in words])) for _ in range(int(rng.integers(1, 4)))})
    for name, values, chance in (
        ("skill", ["焊工", "电", "茶艺", "护理"], 0.3), ("q", ["示范课 1", "街道", "焊", "100%"], 0.2),
        ("cost", ["free", "subsidised"], 0.2), ("online", ["true", "false"], 0.2),
        ("district", ["440106", "440103"], 0.2),
    ):  # fmt: skip
        if rng.random() < chance:
            found[name] = str(rng.choice(values))
    return found


def fits(row: dict[str, Any], asked: dict[str, Any]) -> bool:
    skill = f"{row['skill'] or ''}\n{row['title']}"
    return row["status"] == "offered" and all([
        not asked.get("kind") or row["kind"] in asked["kind"],
        not asked.get("form") or row["form"] in asked["form"],
        not asked.get("group") or not row["target_groups"] or set(asked["group"]) & set(row["target_groups"]),
        asked.get("skill", "") in skill,
        asked.get("q", "") in f"{skill}\n{row['station_name']}",
        asked.get("cost") != "free" or row["fee_yuan"] == 0,
        asked.get("cost") != "subsidised" or row["subsidised"],
        "online" not in asked or (row["form"] == "online") == (asked["online"] == "true"),
        "district" not in asked or row["district_code"] == asked["district"],
    ])  # fmt: skip


def serves(row: dict[str, Any], day: Any) -> bool:
    if row["station_status"] == "suspended" or (row["station_status"] == "closed" and row["closed_on"] is None):
        return False
    if row["closed_on"] is not None and row["closed_on"] <= day:
        return False
    return row["opened_on"] <= day if row["opened_on"] else row["station_status"] == "open"


def pages(client: TestClient, path: str, asked: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """All of a list, page by page."""
    found: list[dict[str, Any]] = []
    body = client.get(path, params={**asked, "limit": 200}).json()
    while True:
        found += body[name]
        if body["next_cursor"] is None:
            return found
        body = client.get(path, params={**asked, "limit": 200, "cursor": body["next_cursor"]}).json()


def test_courses_are_those_that_plain_python_finds(client: TestClient, rows: dict[str, Any]) -> None:
    rng, seen = np.random.default_rng(61), 0
    for _ in range(QUESTIONS):
        asked = drawn(rng)
        wanted = [r for r in rows["courses"] if fits(r, asked) and serves(r, today())]
        answer = client.get("/v1/courses", params={**asked, "limit": 200})
        assert answer.status_code == 200, answer.text
        assert answer.json()["total"] == len(wanted)
        found = [one["id"] for one in pages(client, "/v1/courses", asked, "courses")]
        assert found == [r["id"] for r in sorted(wanted, key=lambda r: (r["station_code"], r["id"]))]
        seen += len(found)
    assert seen > 200


def test_sessions_are_those_that_plain_python_finds(client: TestClient, rows: dict[str, Any]) -> None:
    rng, seen = np.random.default_rng(62), 0
    first = min(r["starts_at"] for r in rows["sessions"])
    for _ in range(QUESTIONS):
        asked = drawn(rng)
        since = first + timedelta(hours=int(rng.integers(-24, 400)))
        until = since + timedelta(hours=int(rng.integers(1, 300)))
        asked |= {"since": since.isoformat(), "until": until.isoformat()}
        wanted = [
            (r["starts_at"], r["session_id"])
            for r in rows["sessions"]
            if fits(r, asked) and r["ends_at"] > since and r["starts_at"] < until and r["session_status"] != "held"
            and serves(r, r["starts_at"].astimezone(TIME_ZONE).date())
        ]  # fmt: skip
        found = [one["id"] for one in pages(client, "/v1/sessions", asked, "sessions")]
        assert found == [number for _, number in sorted(wanted)]
        seen += len(found)
    assert seen > 200


def test_one_course_and_one_session(client: TestClient, rows: dict[str, Any]) -> None:
    course = client.get("/v1/courses", params={"limit": 1}).json()["courses"][0]
    body = client.get(f"/v1/courses/{course['id']}").json()
    assert body["course"] == course and len(body["sessions"]) <= 20
    (one,) = client.get("/v1/sessions", params={"limit": 1, "since": "2026-01-01T00:00:00Z"}).json()["sessions"]
    assert client.get(f"/v1/sessions/{one['id']}").json()["session"] == one
    row = next(r for r in rows["sessions"] if r["session_id"] == one["id"])
    assert datetime.fromisoformat(one["starts_at"]) == row["starts_at"] and one["starts_at"].endswith("+08:00")
    assert one["seats_left"] == row["room"]


@pytest.mark.parametrize(
    ("path", "params", "code", "field"),
    [
        ("/v1/courses/999999999", {}, "not_found", "id"),
        ("/v1/sessions/999999999", {}, "not_found", "id"),
        ("/v1/courses", {"station": "YC-none"}, "not_found", "station"),
        ("/v1/courses", {"district": "999999"}, "invalid_input", "district"),
        ("/v1/sessions", {"since": "2026-12-01T00:00:00Z", "until": "2026-11-01T00:00:00Z"}, "invalid_input", "until"),
        ("/v1/sessions", {"since": "2026-12-01T00:00:00"}, "invalid_input", "since"),
        ("/v1/sessions", {"cost": "cheap"}, "invalid_input", "cost"),
        ("/v1/sessions", {"open": "true"}, "unknown_parameter", "open"),
    ],
)
def test_bad_questions(client: TestClient, path: str, params: dict[str, str], code: str, field: str) -> None:
    answer = client.get(path, params=params)
    assert answer.json()["code"] == code and answer.json()["errors"][0]["field"] == field
    assert answer.json()["errors"][0]["remedy"]


def test_calendars_hold_what_the_list_holds(client: TestClient) -> None:
    asked = {"since": "2026-01-01T00:00:00Z", "form": "evening_school", "limit": 200}
    listed = client.get("/v1/sessions", params=asked).json()["sessions"]
    answer = client.get("/v1/sessions", params={**asked, "format": "ics"})
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert 'filename="sessions.ics"' in answer.headers["content-disposition"]
    assert all(len(line) <= 75 for line in answer.content.split(b"\r\n"))
    calendar = icalendar.Calendar.from_ical(answer.content)
    events = {int(str(event["UID"]).partition("@")[0]): event for event in calendar.walk("VEVENT")}
    assert len(listed) > 50 and {one["id"] for one in listed} <= set(events)
    for one in listed:
        event = events[one["id"]]
        assert event.decoded("DTSTART") == datetime.fromisoformat(one["starts_at"])
        assert event.decoded("DTEND") == datetime.fromisoformat(one["ends_at"])
        assert event["DTSTART"].params["TZID"] == "Asia/Shanghai"
        assert str(event["SUMMARY"]) == one["title"] and one["station_name"] in str(event["LOCATION"])
    (alone,) = icalendar.Calendar.from_ical(
        client.get(f"/v1/sessions/{listed[0]['id']}", params={"format": "ics"}).content
    ).walk("VEVENT")
    assert alone.to_ical() == events[listed[0]["id"]].to_ical()


@pytest.fixture(scope="module")
def engine_of_sign_ups(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database(), pool_size=20)
    with session_scope(made) as writing:
        load_known_city(writing)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def app_of_sign_ups(engine_of_sign_ups: Engine) -> FastAPI:
    return create_app(engine=engine_of_sign_ups, holder=FixedHolder())


@pytest.fixture(scope="module")
def desk(app_of_sign_ups: FastAPI) -> Iterator[TestClient]:
    with serving(app_of_sign_ups) as made:
        yield made


def sign_up(desk: TestClient, number: int, phone: str, key: str | None = None, **more: Any) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return desk.post(f"/v1/sessions/{number}/sign-ups", json={"phone": phone, **more}, headers=headers)


def test_from_signing_up_to_the_training_ledger(desk: TestClient, engine_of_sign_ups: Engine) -> None:
    engine = engine_of_sign_ups
    number = plan(engine, 1)
    first = sign_up(desk, number, "138 0013 8000", "first-key", group="unemployed")
    assert first.status_code == 201 and first.json()["state"] == "confirmed"
    assert first.json()["phone_masked"] == "138****8000" and first.json()["session"]["seats_left"] == 0
    assert sign_up(desk, number, "13800138000", "first-key", group="unemployed").json()["code"] == first.json()["code"]
    again = sign_up(desk, number, "13800138000")
    assert (again.status_code, again.json()["code"]) == (409, "already_signed_up")
    full = sign_up(desk, number, "13900139000")
    assert (full.status_code, full.json()["code"]) == (409, "session_full") and "waiting" in full.text
    second = sign_up(desk, number, "13900139000", waiting=True).json()
    assert (second["state"], second["position"]) == ("waiting", 1)
    mine = desk.post("/v1/sign-ups/look-up", json={"codes": [second["code"], "NOSUCHCODE"]}).json()
    assert mine["sign_ups"][0]["position"] == 1 and mine["unknown"] == ["NOSUCHCODE"]
    gone = desk.post("/v1/sign-ups/cancel", json={"code": first.json()["code"]})
    assert gone.status_code == 200 and gone.json()["state"] == "cancelled" and gone.json()["phone_masked"] is None
    mine = desk.post("/v1/sign-ups/look-up", json={"codes": [second["code"]]}).json()
    assert mine["sign_ups"][0]["state"] == "confirmed"
    nobody = desk.post("/v1/sign-ups/cancel", json={"code": "AAAA"})
    assert (nobody.status_code, nobody.json()["errors"][0]["value"]) == (404, None)

    with engine.begin() as connection:  # two days later
        connection.execute(
            text("UPDATE course_sessions SET (starts_at, ends_at) = "
                 "(starts_at - interval '2 days', ends_at - interval '2 days') WHERE id = :id"), {"id": number},
        )  # fmt: skip
    officer = signed_in(engine, Role.TOWN_OFFICER, "900101")
    listed = desk.get(f"/v1/ledger/sessions/{number}/sign-ups", headers=officer)
    assert listed.status_code == 200, listed.text
    (came,) = [one for one in listed.json()["sign_ups"] if one["state"] == "confirmed"]
    assert came["phone"] == "13900139000"
    with engine.connect() as connection:
        noted = connection.execute(text("SELECT actor FROM audit_log WHERE kind = 'sign_ups'")).scalars().all()
    assert len(noted) == 1
    asked = {"version": listed.json()["session"]["version"], "attended": [came["id"]], "walk_ins": [
        {"group": "women", "count": 2}]}  # fmt: skip
    held = desk.post(f"/v1/ledger/sessions/{number}/attendance", json=asked, headers=officer)
    assert held.status_code == 200 and (held.json()["status"], held.json()["attended"]) == ("held", 3)
    lines = desk.get("/v1/ledger/training", headers=officer).json()["entries"]
    assert {line["target_group"]: line["trainee_visits"] for line in lines} == {"general": 1, "women": 2}
    elsewhere = signed_in(engine, Role.TOWN_OFFICER, "900202")
    assert desk.get(f"/v1/ledger/sessions/{number}/sign-ups", headers=elsewhere).status_code == 403


def test_a_phone_that_is_none_is_not_sent_back(desk: TestClient, engine_of_sign_ups: Engine) -> None:
    answer = sign_up(desk, plan(engine_of_sign_ups, 3), "1380013800x")
    assert answer.status_code == 422 and "1380013800" not in answer.text
    assert answer.json()["errors"][0]["field"] == "phone"


def test_many_at_once_for_few_seats(desk: TestClient, engine_of_sign_ups: Engine) -> None:
    storm(desk, engine_of_sign_ups, 400)


@pytest.mark.slow
def test_ten_thousand_at_once_for_ten_seats(desk: TestClient, engine_of_sign_ups: Engine) -> None:
    storm(desk, engine_of_sign_ups, 10_000)


def storm(desk: TestClient, engine: Engine, people: int) -> None:
    number = plan(engine, 10)

    def one(k: int) -> tuple[int, str]:
        answer = sign_up(desk, number, f"137{k:08d}")
        return answer.status_code, json.loads(answer.content).get("code", "") if answer.status_code != 201 else "given"

    with ThreadPoolExecutor(16) as pool:
        outcomes = Counter(pool.map(one, range(people)))
    assert outcomes == {(201, "given"): 10, (409, "session_full"): people - 10}
    assert seats(engine, number) == (10, 0, Counter(confirmed=10))
