"""Supervision over HTTP: what the public may do, what officers see, what two people at once make of one thing."""

from __future__ import annotations

import csv
import io
import logging
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.db.engine import make_engine, make_service_engine, session_scope
from app.main import create_app
from app.models.vocabularies import Role
from app.services.appraisal_scores import LEAST_WEIGHT, WEIGHTS
from app.settings import PROJECT_ROOT, QualitySettings
from tests.api.conftest import FixedHolder, TestClient, load_known_city, serving
from tests.conftest import MakeDatabase
from tests.support.accounts import signed_in
from tests.support.quality import whole_table

Headers = dict[str, str]
CONTACT, WORDS, SLANDER = "13800005678", "周六来访无人,本人李小红", "讲师张三的住址是某街 12 号"


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
    """The service with the rights that it has in earnest."""
    engine = make_service_engine(place.url.render_as_string(hide_password=False))
    with serving(create_app(engine=engine, holder=FixedHolder())) as made:
        yield made
    engine.dispose()


@pytest.fixture(autouse=True)
def another_day(place: Engine) -> None:
    """Nobody has rated or complained yet today."""
    with session_scope(place) as writing:
        writing.execute(text("DELETE FROM visitor_counts"))


@pytest.fixture(scope="module")
def first(place: Engine) -> Headers:
    return signed_in(place, Role.DISTRICT_OFFICER, "9001", username="first")


@pytest.fixture(scope="module")
def second(place: Engine) -> Headers:
    return signed_in(place, Role.DISTRICT_OFFICER, "9002", username="second")


@pytest.fixture(scope="module")
def chief(place: Engine) -> Headers:
    return signed_in(place, Role.CITY_OFFICER, "90", username="chief")


def post(desk: TestClient, path: str, body: dict[str, Any], headers: Headers | None = None) -> Any:
    return desk.post(f"/v1/quality/{path}", json=body, headers=headers)


def get(desk: TestClient, path: str, headers: Headers | None = None) -> Any:
    return desk.get(f"/v1/quality/{path}", headers=headers)


def complain(desk: TestClient, station: str = "S-001", **more: Any) -> Any:
    return post(desk, "complaints", {"station": station, "subject": "opening", "text": WORDS, **more})


def codes(desk: TestClient, headers: Headers, station: str, count: int = 2) -> list[str]:
    made = post(desk, "visit-codes", {"station": station, "count": count}, headers)
    assert made.status_code == 201, made.text
    listed: list[str] = made.json()["codes"]
    return listed


def all_rows(place: Engine, table: str) -> str:
    """Everything that a table holds, as text."""
    with place.connect() as connection:
        return whole_table(connection, table)


def test_an_inspection_from_finding_to_closing(desk: TestClient, first: Headers, second: Headers) -> None:
    body = {
        "station": "S-001", "inspected_on": "2026-05-06", "verdict_signage": "met", "score_operation": 80,
        "findings": [
            {"standard": "service", "severity": "major", "text": " 未公示\n投诉方式 ", "due_on": "2026-05-20"}
        ],
    }  # fmt: skip
    assert post(desk, "inspections", body).status_code == 401
    assert post(desk, "inspections", body, second).json()["code"] == "out_of_scope"
    made = post(desk, "inspections", body, first)
    assert made.status_code == 201, made.text
    (found,) = made.json()["found"]
    assert (found["text"], found["about_title"], found["is_overdue"]) == ("未公示\n投诉方式", "规范服务标准", True)
    assert [f["id"] for f in get(desk, "findings?overdue=true", first).json()["findings"]] == [found["id"]]
    assert get(desk, "findings?overdue=true", second).json()["findings"] == []
    remedy = {"version": 1, "remedied_on": "2026-05-19", "text": "已公示"}
    assert post(desk, f"findings/{found['id']}/remedy", remedy, first).json()["state"] == "remedied"
    stale = post(desk, f"findings/{found['id']}/close", {"version": 1}, first)
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    assert post(desk, f"findings/{found['id']}/close", {"version": 2}, first).json()["state_title"] == "已销号"
    again = post(desk, f"findings/{found['id']}/close", {"version": 3}, first)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert made.headers["cache-control"] == "no-store"


def test_lists_page_to_their_end(desk: TestClient, first: Headers) -> None:
    for day in (3, 1, 2, 2):
        body = {"station": "S-003", "inspected_on": f"2026-04-{day:02d}", "verdict_service": "met"}
        assert post(desk, "inspections", body, first).status_code == 201
    seen: list[Any] = []
    path: str | None = "/v1/quality/inspections?station=S-003&limit=1"
    while path is not None:
        answer = desk.get(path, headers=first)
        seen += answer.json()["inspections"]
        path = answer.headers["link"].split(">")[0][1:] if "link" in answer.headers else None
    assert [row["inspected_on"][-2:] for row in seen] == ["03", "02", "02", "01"]
    assert len({row["id"] for row in seen}) == 4
    wrong = get(desk, "findings?cursor=abc", first)
    assert wrong.status_code == 422 and wrong.json()["errors"][0]["field"] == "cursor"
    assert get(desk, "inspections?station=S-015", first).json()["code"] == "out_of_scope"
    assert get(desk, "inspections?station=S-999", first).status_code == 404
    assert get(desk, "inspections?district=900101", first).status_code == 422


def test_a_rating_with_a_code(desk: TestClient, first: Headers) -> None:
    code, _ = codes(desk, first, "S-004")
    body = {"station": "S-004", "stars": 5, "aspects": {"teaching": 4}, "visit_code": code.lower()}
    made = post(desk, "ratings", body)
    assert made.status_code == 201, made.text
    assert (made.json()["weight"], made.json()["state"]) == (1.0, "published")
    spent = post(desk, "ratings", body)
    assert (spent.status_code, spent.json()["code"], spent.json()["errors"][0]["field"]) == (
        409,
        "conflict",
        "visit_code",
    )
    shown = get(desk, "stations/S-004").json()
    assert shown["rating"] == {
        "average": 3.75, "ratings": 1, "weight": 1.0, "by_code": 1, "stars": [0, 0, 0, 0, 1],
        "aspects": {"teaching": 4.0}, "prior_stars": 3.5, "prior_weight": 5.0, "weight_without_code": 0.25,
    }  # fmt: skip
    assert shown["data_notice"]["synthetic"] is True and shown["grade"] is None


def test_two_ratings_with_one_code_at_once(desk: TestClient, first: Headers, place: Engine) -> None:
    for code in codes(desk, first, "S-006", 5):
        body = {"station": "S-006", "stars": 4, "visit_code": code}
        with ThreadPoolExecutor(4) as pool:
            told = list(pool.map(lambda _: post(desk, "ratings", body).status_code, range(4)))  # noqa: B023
        assert sorted(told) == [201, 409, 409, 409]
    with place.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM ratings WHERE station_code = 'S-006'")) == 5


def test_the_limit_holds_for_many_at_once(desk: TestClient, place: Engine) -> None:
    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(lambda _: post(desk, "ratings", {"station": "S-007", "stars": 1}), range(6)))
    assert sorted(answer.status_code for answer in told) == [201, 201, 201, 429, 429, 429]
    refused = next(answer for answer in told if answer.status_code == 429)
    assert 0 < int(refused.headers["retry-after"]) <= 86_400
    assert get(desk, "stations/S-007").json()["rating"]["weight"] == 0.75


def test_wrong_codes_cannot_be_tried_for_ever(desk: TestClient, first: Headers) -> None:
    (code,) = codes(desk, first, "S-009", 1)
    for k in range(20):
        wrong = post(desk, "ratings", {"station": "S-009", "stars": 1, "visit_code": f"WRONG{k:03d}"})
        assert wrong.status_code == 422 and wrong.json()["errors"][0]["field"] == "visit_code"
    assert post(desk, "ratings", {"station": "S-009", "stars": 5, "visit_code": code}).status_code == 429


def test_what_is_sent_again_is_taken_once(desk: TestClient, first: Headers, place: Engine) -> None:
    key = {"Idempotency-Key": "again-1"}
    body = {"station": "S-010", "subject": "fees", "text": "收费不明", "contact": CONTACT}
    one, two = (desk.post("/v1/quality/complaints", json=body, headers=key) for _ in range(2))
    assert one.json()["number"] == two.json()["number"] and two.headers["idempotency-replayed"] == "true"
    other = desk.post("/v1/quality/complaints", json={**body, "text": "别的"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    issue = {**first, "Idempotency-Key": "again-2"}
    shown = post(desk, "visit-codes", {"station": "S-010", "count": 2}, issue)
    again = post(desk, "visit-codes", {"station": "S-010", "count": 2}, issue)
    assert len(shown.json()["codes"]) == 2 and again.json()["codes"] is None
    assert again.json()["batch"]["id"] == shown.json()["batch"]["id"]
    kept = all_rows(place, "answered_requests")
    for trace in ("testclient", CONTACT, *(code for code in shown.json()["codes"])):
        assert trace not in kept


def test_codes_come_as_a_sheet(desk: TestClient, first: Headers) -> None:
    made = post(desk, "visit-codes?format=csv", {"station": "S-000", "count": 3, "valid_days": 1}, first)
    assert made.status_code == 201 and made.text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(made.text[1:])))
    assert rows[0] == ["评价码", "站点", "站点编号", "有效期至"] and [row[2] for row in rows[1:]] == ["S-000"] * 3
    (batch,) = get(desk, "visit-codes?station=S-000", first).json()["batches"]
    assert (batch["count"], batch["used"], batch["issued_by"]) == (3, 0, "first")
    revoked = post(desk, f"visit-codes/{batch['id']}/revoke", {"reason": "遗失"}, first)
    assert revoked.json()["is_revoked"] is True
    gone = post(desk, "ratings", {"station": "S-000", "stars": 5, "visit_code": rows[1][0]})
    assert gone.status_code == 409


def test_comments_are_public_after_moderation(desk: TestClient, first: Headers, second: Headers, place: Engine) -> None:
    for comment in (SLANDER, "老师很好"):
        assert post(desk, "ratings", {"station": "S-012", "stars": 3, "comment": comment}).status_code == 201
    assert get(desk, "stations/S-012").json()["comments"] == []
    owner = first if get(desk, "ratings?station=S-012", first).status_code == 200 else second
    stranger = second if owner is first else first
    good, bad = get(desk, "ratings?station=S-012&state=pending", owner).json()["ratings"]
    hide = {"version": 1, "reason": "含个人信息"}
    assert post(desk, f"ratings/{bad['id']}/hide", hide, stranger).json()["code"] == "out_of_scope"
    assert post(desk, f"ratings/{bad['id']}/hide", {"version": 1}, owner).status_code == 422
    assert post(desk, f"ratings/{bad['id']}/hide", hide, owner).json()["state"] == "hidden"
    assert post(desk, f"ratings/{good['id']}/publish", {"version": 1}, owner).json()["state"] == "published"
    answer = get(desk, "stations/S-012")
    assert [comment["text"] for comment in answer.json()["comments"]] == ["老师很好"]
    assert answer.json()["rating"]["ratings"] == 1 and SLANDER not in answer.text
    assert SLANDER not in all_rows(place, "audit_log")


def test_a_complaint_is_followed_up_by_its_number(desk: TestClient, first: Headers, second: Headers) -> None:
    made = complain(desk, contact=CONTACT)
    assert made.status_code == 201, made.text
    number = made.json()["number"]
    path = f"complaints/{number}"
    assert post(desk, f"{path}/take", {"version": 1}, second).json()["code"] == "out_of_scope"
    assert get(desk, f"{path}/file", second).status_code == 403 and get(desk, f"{path}/file").status_code == 401
    assert post(desk, f"{path}/take", {"version": 1}, first).json()["taken_by"] == "first"
    answered = post(desk, f"{path}/answer", {"version": 2, "text": "已调整值班。"}, first).json()
    assert (answered["state"], answered["contact"]) == ("answered", CONTACT)
    closed = post(desk, f"{path}/close", {"version": 3, "note": "李小红表示满意"}, first)
    assert closed.json()["state"] == "closed"
    public = get(desk, f"complaints/{number.lower()}")
    assert [(s["action"], s["text"]) for s in public.json()["steps"]] == [
        ("received", None), ("taken", None), ("answered", "已调整值班。"), ("closed", None),
    ]  # fmt: skip
    for trace in (CONTACT, WORDS, "李小红", "first"):
        assert trace not in public.text
    assert get(desk, "complaints/TS-20260101-AAAAAA").status_code == 404
    assert get(desk, "complaints/TS-1").status_code == 422
    assert number in get(desk, "complaints?station=S-001&state=closed", first).text
    assert number not in get(desk, "complaints", second).text


def test_address_and_contact_stand_nowhere(
    desk: TestClient, first: Headers, place: Engine, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.CRITICAL)  # the client's own log, not the service's
    app = desk.app
    with TestClient(app, client=("198.51.100.123", 5555)) as public:
        answers = [complain(public, contact=CONTACT) for _ in range(6)]
        answers.append(complain(public, contact=CONTACT * 20))
        answers.append(post(public, "complaints", {"station": "S-001", "contact": CONTACT}))
        answers += [post(public, "ratings", {"station": "S-001", "stars": 2, "comment": SLANDER}) for _ in range(4)]
        keyed = {"Idempotency-Key": "privacy"}
        answers.append(public.post("/v1/quality/ratings", json={"station": "S-016", "stars": 2}, headers=keyed))

        def fail(*args: object) -> None:
            raise ZeroDivisionError(f"{CONTACT} 198.51.100.123")

        monkeypatch.setattr("app.services.complaints.working_days_after", fail)
    with TestClient(app, client=("198.51.100.124", 5555), raise_server_exceptions=False) as public:
        answers.append(complain(public, contact=CONTACT))
    told = [answer.status_code for answer in answers]
    assert told == [201] * 5 + [429, 422, 422] + [201] * 3 + [429, 201, 500]
    out, err = capfd.readouterr()
    written = out + err + caplog.text
    kept = "".join(all_rows(place, table) for table in ("audit_log", "answered_requests", "ratings", "complaints"))
    marks = all_rows(place, "visitor_counts")
    for trace in (CONTACT, "198.51.100"):
        assert trace not in written and trace not in kept and trace not in marks
    for trace in (SLANDER, WORDS):
        assert trace not in written and trace not in all_rows(place, "audit_log")
    assert not any(CONTACT in answer.text for answer in answers if answer.status_code in (201, 429, 500))


def test_an_appraisal_is_opened_and_explained(desk: TestClient, first: Headers, chief: Headers, place: Engine) -> None:
    with session_scope(place) as writing:
        writing.execute(
            text("UPDATE stations SET signage_met = true, seats = 20, staff_count = 4, staff_trained_count = 4")
        )
        writing.execute(text("UPDATE stations SET staff_trained_count = 2 WHERE code = 'S-001'"))
        writing.execute(
            text(
                "INSERT INTO training_entries (station_code, quarter, kind, target_group, sessions_held, "
                "trainee_visits, training_hours, certificates) "
                "VALUES ('S-003', '2025Q3', 'special', 'women', 3, 99, 9, 0)"
            )
        )
    assert post(desk, "appraisals", {"year": 2025}, first).status_code == 403
    made = post(desk, "appraisals", {"year": 2025}, chief)
    assert made.status_code == 201, made.text
    ranking = get(desk, "appraisals/2025?limit=500", chief).json()["scores"]
    assert ranking[0]["station"]["code"] == "S-003" and ranking[0]["rank"] == 1
    assert made.json()["stations"] == len(ranking)
    mine = get(desk, "appraisals/2025?limit=500", first).json()["scores"]
    assert {row["district_code"] for row in mine} == {"9001"}
    of_kind = get(desk, "appraisals/2025?type=park&limit=500", chief).json()["scores"]
    assert min(row["rank_in_type"] for row in of_kind) == 1 and {row["type"] for row in of_kind} == {"park"}
    shown = desk.get("/v1/quality/appraisals/2025/stations/S-001", headers={**first, "Accept-Language": "en"}).json()
    told = {part["component"]: part for part in shown["components"]}
    assert told["staff_trained"]["text"] == "2 of 4 staff trained before starting"
    assert told["staff_trained"]["points"] == 50 and told["complaints"]["weight_used"] == 0
    assert round(sum(part["contribution"] for part in shown["components"]), 2) == shown["score"]
    assert get(desk, "appraisals/2025/stations/S-015", first).status_code == 403
    assert get(desk, "appraisals/2031", chief).status_code == 404
    published = post(desk, "appraisals/2025/publish", {"version": 1}, chief)
    assert published.json()["state"] == "published"
    assert post(desk, "appraisals", {"year": 2025}, chief).status_code == 409
    public = get(desk, "stations/S-001").json()
    assert (public["grade"], public["graded_year"]) == (shown["grade"], 2025)


def test_exemplars(desk: TestClient, first: Headers, chief: Headers) -> None:
    body = {"station": "S-003", "year": 2026, "title": "样板站", "reason": "夜校"}
    proposed = post(desk, "exemplars", body, first).json()
    assert post(desk, "exemplars", body, chief).status_code == 409
    named = post(desk, f"exemplars/{proposed['id']}/name", {"version": 1}, chief)
    assert named.json()["state"] == "named"
    assert get(desk, "stations/S-003").json()["exemplars"] == [{"year": 2026, "title": "样板站"}]
    listed = get(desk, "exemplars?year=2026&state=named", first).json()["exemplars"]
    assert [row["id"] for row in listed] == [proposed["id"]]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("ratings", {"station": "S-001", "stars": 6}, "stars"),
        ("ratings", {"station": "S-001", "stars": 3, "comment": "\x00"}, "comment"),
        ("ratings", {"station": "S-001", "stars": 3, "aspects": {"taste": 1}}, "aspects"),
        ("ratings", {"station": "S-001", "stars": 3, "extra": 1}, "extra"),
        ("complaints", {"station": "S-001", "subject": "opening", "text": " \n "}, "text"),
        ("complaints", {"station": "S-001", "subject": "opening", "text": "x" * 2001}, "text"),
        ("complaints", {"station": "S-001", "subject": "weather", "text": "x"}, "subject"),
    ],
)
def test_what_is_wrong_is_named(desk: TestClient, path: str, body: dict[str, Any], field: str) -> None:
    answer = post(desk, path, body)
    assert answer.status_code == 422 and field in answer.json()["errors"][0]["field"], answer.text


def test_unknown_stations(desk: TestClient) -> None:
    assert get(desk, "stations/S-999").status_code == 404
    assert post(desk, "ratings", {"station": "S-999", "stars": 3}).status_code == 404
    answer = complain(desk, "S-99")
    assert answer.status_code == 404 and "S-0" in answer.json()["errors"][0]["remedy"]


def test_the_documentation_has_the_weights_and_limits() -> None:
    page, rules = (PROJECT_ROOT / "docs" / "api.md").read_text(encoding="utf-8"), QualitySettings()
    for component, weight in WEIGHTS.items():
        assert re.search(rf"^\| `{component.value}` \| [^|]+ \| {weight} \|$", page, re.MULTILINE)
    for told in (
        f"每站每天 {rules.ratings_per_station_a_day} 次、全市 {rules.ratings_a_day} 次",
        f"办结 {rules.contact_days} 天后清除", f"开放满 {rules.appraisal_days_open} 天",
        f"每座全年 {rules.appraisal_visits_per_seat:g} 人次", f"权重不足 {LEAST_WEIGHT} ",
    ):  # fmt: skip
        assert told in page, told


def test_everything_but_four_calls_needs_a_sign_in(desk: TestClient) -> None:
    paths = desk.get("/openapi.json").json()["paths"]
    public = {
        (method, path.removeprefix("/v1/quality/"))
        for path, operations in paths.items()
        if path.startswith("/v1/quality/")
        for method, operation in operations.items()
        if not operation.get("security")
    }
    assert public == {
        ("post", "ratings"), ("post", "complaints"), ("get", "complaints/{number}"), ("get", "stations/{code}"),
    }  # fmt: skip
