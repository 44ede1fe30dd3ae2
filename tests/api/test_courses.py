"""Lists of courses and sessions over an offer that has every case (full, cancelled, over, without a limit, of stations
that come and go): each answer is held against plain Python over the rows that were written.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import orjson
import pytest
from sqlalchemy import Engine, event, text

from app.db.engine import make_engine, session_scope
from app.geo.opening_hours import TIME_ZONE
from app.main import create_app
from app.models.vocabularies import CourseForm, CourseKind, TargetGroup
from app.services.station_table import today
from tests.api.conftest import FixedHolder, TestClient, load_known_city, serving
from tests.api.test_sessions import serves
from tests.conftest import MakeDatabase

COURSES, SESSIONS, QUESTIONS = 90, 900, 100
SKILLS = ("焊工", "Welding 100%", "a_b", "back\\slash", "茶艺", None)
STATIONS = [f"S-{k:03d}" for k in range(12)]
KINDS, FORMS, GROUPS = ([w.value for w in words] for words in (CourseKind, CourseForm, TargetGroup))


def pick(rng: np.random.Generator, values: Any) -> Any:
    return values[int(rng.integers(0, len(values)))]


def write_offer(engine: Engine) -> None:
    """Courses and sessions of all sorts; none begins or ends within the next half hour."""
    rng, now = np.random.default_rng(71), datetime.now(UTC).replace(microsecond=0)
    day = today()
    with session_scope(engine) as session:
        load_known_city(session)

        def write(query: str, values: Any) -> None:
            session.execute(text(query), values)

        for code, status, opened, closed in (
            ("S-001", "suspended", day, None), ("S-003", "open", day, day + timedelta(days=3)),
            ("S-005", "planned", day + timedelta(days=2), None), ("S-007", "open", None, None),
        ):  # fmt: skip
            write(
                "UPDATE stations SET status = :s, opened_on = :o, closed_on = :c WHERE code = :code",
                {"code": code, "s": status, "o": opened, "c": closed},
            )
        for number in range(1, COURSES + 1):
            form = pick(rng, FORMS)
            write(
                "INSERT INTO courses (id, station_code, title, kind, form, skill, target_groups, fee_yuan, subsidised, "
                "seats, status, online_url) OVERRIDING SYSTEM VALUE VALUES (:id, :station, :title, :kind, :form, "
                ":skill, :groups, :fee, :subsidised, :seats, :status, :url)",
                {
                    "id": number, "station": pick(rng, STATIONS), "kind": pick(rng, KINDS), "form": form,
                    "title": pick(rng, ("入门班", "提高班", "welding 2", "50% 班")), "skill": pick(rng, SKILLS),
                    "groups": [pick(rng, GROUPS) for _ in range(int(rng.integers(0, 4)))],
                    "fee": pick(rng, (0, 0, 120.5)), "subsidised": bool(rng.random() < 0.4),
                    "seats": pick(rng, (None, 0, 1, 20)), "status": "ended" if rng.random() < 0.1 else "offered",
                    "url": "https://example.org/c" if form == "online" else None,
                },
            )  # fmt: skip
        for number in range(1, SESSIONS + 1):  # many begin at the same moment: pages must not tear them apart
            begins = now + timedelta(hours=int(rng.integers(-60, 60)) * 4 + 1)
            write(
                "INSERT INTO course_sessions (id, course_id, starts_at, ends_at, seats, status) "
                "OVERRIDING SYSTEM VALUE VALUES (:id, :course, :begins, :ends, :seats, :status)",
                {
                    "id": number, "course": int(rng.integers(1, COURSES + 1)), "begins": begins,
                    "ends": begins + timedelta(hours=pick(rng, (2, 4, 24))), "seats": pick(rng, (None, 0, 3)),
                    "status": pick(rng, ("planned", "planned", "planned", "cancelled", "held")),
                },
            )  # fmt: skip
            if rng.random() < 0.6:
                write("INSERT INTO session_seats VALUES (:id, :taken, :waiting)",
                      {"id": number, "taken": int(rng.integers(0, 5)), "waiting": int(rng.integers(0, 3))})  # fmt: skip


@pytest.fixture(scope="module")
def offer_engine(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database())
    write_offer(made)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def asked(offer_engine: Engine) -> Iterator[TestClient]:
    with serving(create_app(engine=offer_engine, holder=FixedHolder())) as made:
        yield made


@pytest.fixture(scope="module")
def courses(offer_engine: Engine) -> list[dict[str, Any]]:
    query = (
        "SELECT c.*, s.name AS station_name, s.status AS station_status, s.opened_on, s.closed_on, s.district_code, "
        "s.town_code FROM courses c JOIN stations s ON s.code = c.station_code ORDER BY c.station_code, c.id"
    )
    with offer_engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(text(query))]


@pytest.fixture(scope="module")
def sessions(offer_engine: Engine, courses: list[dict[str, Any]]) -> list[dict[str, Any]]:
    of = {course["id"]: course for course in courses}
    query = "SELECT x.*, taken, waiting FROM course_sessions x LEFT JOIN session_seats ON session_id = x.id"
    with offer_engine.connect() as connection:
        rows = [dict(row._mapping) for row in connection.execute(text(f"{query} ORDER BY starts_at, x.id"))]
    for row in rows:
        row["course"] = of[row["course_id"]]
        room = row["course"]["seats"] if row["seats"] is None else row["seats"]
        row["left"] = None if room is None else max(0, room - (row["taken"] or 0))
    return rows


def drawn(rng: np.random.Generator) -> dict[str, Any]:
    """Some filters, of both lists."""
    found: dict[str, Any] = {}
    for name, values, chance in (
        ("q", ("班", "WELD", "100%", "_", "\\", "第3站"), 0.3), ("skill", ("焊工", "welding", "%", "a_b", "\\s"), 0.3),
        ("station", (*STATIONS, "S-012"), 0.15), ("district", ("9001", "9002"), 0.2),
        ("town", ("900101", "900102", "900202"), 0.15), ("online", ("true", "false"), 0.2),
    ):  # fmt: skip
        if rng.random() < chance:
            found[name] = pick(rng, values)
    for name, values, chance in (
        ("kind", KINDS, 0.3), ("form", FORMS, 0.3), ("group", GROUPS, 0.3), ("cost", ("free", "subsidised"), 0.3),
    ):  # fmt: skip
        if rng.random() < chance:
            found[name] = sorted({pick(rng, values) for _ in range(int(rng.integers(1, 6)))})
    return found


def fits(course: dict[str, Any], wanted: dict[str, Any]) -> bool:
    skill = f"{course['skill'] or ''}\n{course['title']}".lower()
    costs = {"free": course["fee_yuan"] == 0, "subsidised": course["subsidised"]}
    groups = set(course["target_groups"])
    return course["status"] == "offered" and all([
        wanted.get("q", "").lower() in f"{skill}\n{course['station_name']}".lower(),
        wanted.get("skill", "").lower() in skill,
        all(course[column] == wanted.get(name, course[column]) for name, column in (
            ("station", "station_code"), ("district", "district_code"), ("town", "town_code"))),
        all(name not in wanted or course[name] in wanted[name] for name in ("kind", "form")),
        "group" not in wanted or not groups or groups & set(wanted["group"]),
        "cost" not in wanted or any(costs[one] for one in wanted["cost"]),
        "online" not in wanted or (course["form"] == "online") == (wanted["online"] == "true"),
    ])  # fmt: skip


def pages(client: TestClient, path: str, wanted: dict[str, Any], limit: int, name: str) -> list[dict[str, Any]]:
    """All of a list, page by page as the Link header leads; every page but the last is full."""
    found: list[dict[str, Any]] = []
    answer = client.get(path, params={**wanted, "limit": limit})
    while True:
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        page = answer.json()[name]
        found += page
        if "link" not in answer.headers:
            assert answer.json()["next_cursor"] is None and len(page) <= limit
            return found
        assert len(page) == limit
        answer = client.get(answer.headers["link"].removeprefix("<").removesuffix('>; rel="next"'))


def test_courses_by_any_filters(asked: TestClient, courses: list[dict[str, Any]]) -> None:
    rng, sizes = np.random.default_rng(72), []
    for _ in range(QUESTIONS):
        wanted = drawn(rng)
        expected = [c["id"] for c in courses if fits(c, wanted) and serves(c, today())]
        found = pages(asked, "/v1/courses", wanted, int(rng.integers(8, 60)), "courses")
        assert [one["id"] for one in found] == expected, wanted
        assert asked.get("/v1/courses", params={**wanted, "limit": 1}).json()["total"] == len(expected)
        sizes.append(len(expected))
    assert sum(size > 0 for size in sizes) > QUESTIONS / 4 and max(sizes) > 30


def test_sessions_by_any_filters_in_any_time(asked: TestClient, sessions: list[dict[str, Any]]) -> None:
    rng, sizes, now = np.random.default_rng(73), [], datetime.now(UTC)
    for _ in range(QUESTIONS):
        wanted, since, until = drawn(rng), now, datetime.max.replace(tzinfo=UTC)
        if rng.random() < 0.5:
            since = now + timedelta(hours=int(rng.integers(-300, 200)))
            wanted["since"] = since.astimezone(TIME_ZONE).isoformat()
        if rng.random() < 0.4:
            until = max(since, now) + timedelta(hours=int(rng.integers(1, 200)))
            wanted["until"] = until.isoformat()
        if rng.random() < 0.3:
            wanted["has_seats"] = "true"
        if rng.random() < 0.1:
            wanted["course"] = int(rng.integers(1, COURSES + 1))
        expected = [
            one["id"]
            for one in sessions
            if fits(one["course"], wanted) and one["status"] != "held" and since < one["ends_at"]
            and one["starts_at"] < until and serves(one["course"], one["starts_at"].astimezone(TIME_ZONE).date())
            and one["course_id"] == wanted.get("course", one["course_id"])
            and ("has_seats" not in wanted or (one["status"] == "planned" and one["left"] != 0))
        ]  # fmt: skip
        found = pages(asked, "/v1/sessions", wanted, int(rng.integers(7, 200)), "sessions")
        assert [one["id"] for one in found] == expected, wanted
        sizes.append(len(expected))
    assert sum(size > 0 for size in sizes) > QUESTIONS / 4 and max(sizes) > 100


def test_what_is_said_of_each(asked: TestClient, courses: list[dict[str, Any]], sessions: list[dict[str, Any]]) -> None:
    now = datetime.now(UTC)
    rows = {one["id"]: one for one in sessions}
    shown = pages(asked, "/v1/sessions", {"since": "2020-01-01T00:00:00Z"}, 200, "sessions")
    for one in shown:
        row = rows[one["id"]]
        assert (one["seats_left"], one["waiting"], one["status"]) == (row["left"], row["waiting"] or 0, row["status"])
        assert datetime.fromisoformat(one["starts_at"]) == row["starts_at"] and one["starts_at"].endswith("+08:00")
        assert [group["code"] for group in one["target_groups"]] == row["course"]["target_groups"]
        assert one["fee_yuan"] == float(row["course"]["fee_yuan"]) and one["title"] == row["course"]["title"]
    assert {one["seats_left"] for one in shown} >= {None, 0, 1} and {one["status"] for one in shown} == {
        "planned", "cancelled",
    }  # fmt: skip
    for one in pages(asked, "/v1/courses", {}, 200, "courses"):
        coming = [s["starts_at"] for s in sessions if s["course_id"] == one["id"] and s["status"] == "planned"
                  and s["starts_at"] > now]  # fmt: skip
        told = one["next_starts_at"]
        assert (told and datetime.fromisoformat(told)) == min(coming, default=None)
    held = next(one for one in sessions if one["status"] == "held")
    assert asked.get(f"/v1/sessions/{held['id']}").json()["session"]["status"] == "held"
    ended = next(one for one in courses if one["status"] == "ended")
    answer = asked.get(f"/v1/courses/{ended['id']}").json()
    assert answer["course"]["title"] == ended["title"] and answer["sessions"] == []


def test_a_page_takes_as_many_queries_as_a_short_one(asked: TestClient, offer_engine: Engine) -> None:
    for path in ("/v1/courses", "/v1/sessions"):
        counts = []
        for limit in (1, 60):
            seen: list[str] = []

            def note(_c: Any, _u: Any, statement: str, *_rest: Any, seen: list[str] = seen) -> None:
                seen.append(statement)

            event.listen(offer_engine, "before_cursor_execute", note)
            assert asked.get(path, params={"limit": limit}).status_code == 200
            event.remove(offer_engine, "before_cursor_execute", note)
            counts.append(len(seen))
        assert counts[0] == counts[1] <= 8, path


@pytest.mark.parametrize("path", ["/v1/courses", "/v1/sessions"])
@pytest.mark.parametrize(
    "place",
    ['["S-001",99999999999999999999]', '["\\u0000",1]', "[null,1]", '["S-001","1"]', '["S-001",1.5]', "[1]", "7", "x",
     '["2026-01-01T00:00:00",true]', '[["S-001"],1]', '["\\ud800",1]', '["S-001", 1]'],
)  # fmt: skip
def test_cursors_that_nobody_was_given(asked: TestClient, path: str, place: str) -> None:
    given = asked.get(path, params={"limit": 1}).json()["next_cursor"]
    question = orjson.loads(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)))[0]
    forged = base64.urlsafe_b64encode(orjson.dumps([question, place])).decode().rstrip("=")
    answer = asked.get(path, params={"limit": 1, "cursor": forged})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")
    assert answer.json()["errors"][0]["remedy"]
