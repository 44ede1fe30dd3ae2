"""Training and quarterly reports over HTTP: a quarter from its lines to the report of the city."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import Engine

from app.db.engine import make_engine, session_scope
from app.main import create_app
from app.models.vocabularies import Role
from app.services.quarters import quarter_of
from app.services.station_table import today
from tests.api.conftest import FixedHolder, TestClient, load_known_city, serving
from tests.conftest import MakeDatabase
from tests.support.accounts import signed_in

Q = str(quarter_of(today()).previous)
Headers = dict[str, str]
FORMULA = "=HYPERLINK(1)"


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
def city(place: Engine) -> Headers:
    return signed_in(place, Role.CITY_OFFICER, "90", username="city")


@pytest.fixture(scope="module")
def first(place: Engine) -> Headers:
    return signed_in(place, Role.DISTRICT_OFFICER, "9001", username="first")


@pytest.fixture(scope="module")
def second(place: Engine) -> Headers:
    return signed_in(place, Role.DISTRICT_OFFICER, "9002", username="second")


def entry(code: str, visits: int, **more: Any) -> dict[str, Any]:
    return {
        "station_code": code, "quarter": Q, "kind": "special", "target_group": "women", "sessions_held": 3,
        "trainee_visits": visits, "training_hours": 4.5, "certificates": 1, **more,
    }  # fmt: skip


def ask(desk: TestClient, path: str, headers: Headers, **parameters: Any) -> Any:
    answer = desk.get(path, params={"quarter": Q, **parameters}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def step(desk: TestClient, headers: Headers, name: str, level: str, *codes: str, **more: Any) -> Any:
    body = {"step": name, "level": level, "quarter": Q, "codes": list(codes), **more}
    return desk.post("/v1/ledger/reports/steps", json=body, headers=headers)


def stations(desk: TestClient, headers: Headers, town: str) -> list[str]:
    reports = ask(desk, "/v1/ledger/reports", headers, level="station", limit=500).json()["reports"]
    return [report["code"] for report in reports if report["town_code"] == town]


@pytest.fixture(scope="module")
def story(desk: TestClient, city: Headers, first: Headers, second: Headers) -> dict[str, Any]:
    """A quarter that was reported, returned, mended and accepted; and the city's report before the mend."""
    towns = {town: stations(desk, city, town) for town in ("900101", "900102", "900201", "900202")}
    batch = [entry(code, 10 * k + 1) for k, code in enumerate(c for codes in towns.values() for c in codes)]
    batch[1]["note"] = FORMULA
    saved = desk.post("/v1/ledger/training/batch", json={"entries": batch, "reason": "填报"}, headers=city)
    assert saved.status_code == 200 and saved.json()["added"] == len(batch), saved.text
    for district, headers in (("9001", first), ("9002", second)):
        for town in (f"{district}01", f"{district}02"):
            for name in ("submit", "accept"):
                assert step(desk, headers, name, "station", *towns[town]).status_code == 200
            for name in ("submit", "accept"):
                assert step(desk, headers, name, "town", town).status_code == 200
        assert step(desk, headers, "submit", "district", district).status_code == 200
    before = ask(desk, "/v1/ledger/reports/document", city, area="90").json()

    code = towns["900101"][0]
    line = ask(desk, "/v1/ledger/training", city, station=code).json()["entries"][0]
    change = {"sessions_held": 3, "trainee_visits": 500, "training_hours": 4.5, "version": 1, "reason": "漏报"}
    locked = desk.put(f"/v1/ledger/training/{line['id']}", json=change, headers=first)
    assert (locked.status_code, locked.json()["code"]) == (409, "report_locked")
    assert step(desk, city, "return", "station", code).status_code == 422  # without a reason
    assert step(desk, city, "return", "station", code, reason="人次漏报").status_code == 200
    mended = desk.put(f"/v1/ledger/training/{line['id']}", json=change, headers=first)
    assert mended.status_code == 200 and mended.json()["entry"]["version"] == 2
    for headers, name, level, subject in (
        (first, "submit", "station", code), (first, "accept", "station", code), (first, "submit", "town", "900101"),
        (first, "accept", "town", "900101"), (first, "submit", "district", "9001"),
        (city, "accept", "district", "9001"), (city, "accept", "district", "9002"),
    ):  # fmt: skip
        assert step(desk, headers, name, level, subject).status_code == 200
    return {"batch": batch, "before": before, "code": code, "line": line["id"], "first_visits": 1}


def table(document: dict[str, Any], title: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in document["tables"] if one["title"] == title)
    return found


def test_the_city_s_report_reconciles(desk: TestClient, city: Headers, story: dict[str, Any]) -> None:
    document = ask(desk, "/v1/ledger/reports/document", city, area="90").json()
    visits = sum(one["trainee_visits"] for one in story["batch"]) - story["first_visits"] + 500
    summary = dict(table(document, "总览")["rows"])
    areas = table(document, "各区划站点与培训")
    column = areas["headings"].index("人次")
    assert document["reconciles"] and summary["本季培训人次"] == visits
    assert sum(row[column] for row in areas["rows"]) == areas["total"][column] == visits
    assert {row[-2] for row in areas["rows"]} == {"已接收"}
    kinds = table(document, "按培训内容")
    assert kinds["rows"][0][2] == kinds["rows"][0][7] == visits and kinds["rows"][0][-1] == 1.0
    assert "未含覆盖数据" in document["notes"][1] and document["data_notice"]["synthetic"]
    district = ask(desk, "/v1/ledger/reports/document", city, area="9001").json()
    assert dict(table(district, "总览")["rows"])["本季培训人次"] == areas["rows"][0][column]


def test_the_report_before_the_mend_comes_out_again(desk: TestClient, city: Headers, story: dict[str, Any]) -> None:
    before = story["before"]
    again = ask(desk, "/v1/ledger/reports/document", city, area="90", known_at=before["known_at"]).json()
    assert again.pop("made_at") > before["made_at"]
    assert again == {name: value for name, value in before.items() if name != "made_at"}
    now = ask(desk, "/v1/ledger/reports/document", city, area="90").json()
    assert dict(table(now, "总览")["rows"])["本季培训人次"] - dict(table(before, "总览")["rows"])["本季培训人次"] == 499
    told = ask(desk, "/v1/ledger/reports", city, known_at=before["known_at"]).json()
    assert told["counts"]["submitted"] == 2  # both districts


def test_the_report_s_history(desk: TestClient, city: Headers, story: dict[str, Any]) -> None:
    report = desk.get(f"/v1/ledger/reports/district/9001/{Q}", headers=city).json()
    assert [event["to_state"] for event in report["events"]] == ["submitted", "returned", "submitted", "accepted"]
    assert "人次漏报" in report["events"][1]["reason"]
    assert report["reconciles"] and report["differences"] == [] and len(report["children"]) == 2
    assert report["report"]["state"] == "accepted"
    station = desk.get(f"/v1/ledger/reports/station/{story['code']}/{Q}", headers=city).json()
    assert station["report"]["figures"]["trainee_visits"] == 500


def test_the_workbook_holds_values(desk: TestClient, city: Headers, story: dict[str, Any]) -> None:
    answer = ask(desk, "/v1/ledger/reports/document", city, area="90", format="xlsx")
    assert "attachment" in answer.headers["content-disposition"]
    book = load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames[:2] == ["总览", "分区"]
    cells = [cell for page in book for row in page.iter_rows() for cell in row if cell.value is not None]
    assert cells and not [cell for cell in cells if cell.data_type == "f"]
    areas = book["分区"]
    assert [areas.cell(row=k, column=1).value for k in (5, 6)] == ["9001", "9002"]
    assert areas.cell(row=7, column=3).value == areas.cell(row=5, column=3).value + areas.cell(row=6, column=3).value


def test_the_page_stands_alone(desk: TestClient, city: Headers, story: dict[str, Any]) -> None:
    answer = ask(desk, "/v1/ledger/reports/document", city, area="90", format="html")
    assert answer.headers["content-type"].startswith("text/html")
    (style,) = re.findall("<style>(.*?)</style>", answer.text, re.DOTALL)
    known = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{known}';" in answer.headers["content-security-policy"]
    assert " style=" not in answer.text and "制表:" in answer.text
    assert "@page" in answer.text and "试验市" in answer.text
    for outside in ("http://", "https://", "<script", "<link", "<img"):
        assert outside not in answer.text
    english = desk.get(
        f"/v1/ledger/reports/document?area=90&quarter={Q}&format=html", headers={**city, "Accept-Language": "en"}
    ).text
    assert "Trainee-visits of the quarter" in english


def test_districts_keep_to_themselves(desk: TestClient, first: Headers, second: Headers, story: dict[str, Any]) -> None:
    for path, parameters in (
        ("/v1/ledger/reports/document", {"area": "9001"}), ("/v1/ledger/reports/document", {"area": "90"}),
        (f"/v1/ledger/reports/district/9001/{Q}", {"quarter": None}),
        (f"/v1/ledger/training/{story['line']}", {"quarter": None}),
    ):  # fmt: skip
        asked = {name: value for name, value in {"quarter": Q, **parameters}.items() if value is not None}
        answer = desk.get(path, params=asked, headers=second)
        assert (answer.status_code, answer.json()["code"]) == (403, "out_of_scope"), answer.text
    assert step(desk, second, "return", "district", "9001", reason="因").status_code == 403
    assert step(desk, second, "submit", "station", story["code"]).status_code == 403
    listed = ask(desk, "/v1/ledger/training", second, limit=500).json()["entries"]
    own = ask(desk, "/v1/ledger/training", first, limit=500).json()["entries"]
    assert listed and own and not {e["station_code"] for e in listed} & {e["station_code"] for e in own}
    blocked = desk.post("/v1/ledger/training", json=entry(story["code"], 5, kind="project"), headers=second)
    assert blocked.status_code == 403


def test_lines_page_and_export(desk: TestClient, city: Headers, story: dict[str, Any]) -> None:
    whole = [e["id"] for e in ask(desk, "/v1/ledger/training", city, limit=500).json()["entries"]]
    ids, cursor = [], None
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        page = ask(desk, "/v1/ledger/training", city, limit=4, **more).json()
        ids += [e["id"] for e in page["entries"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert ids == whole and len(ids) == len(story["batch"])
    text = ask(desk, "/v1/ledger/training", city, format="csv", limit=500).content.decode("utf-8-sig")
    assert text.splitlines()[0].startswith("站点编号,季度")
    assert f"'{FORMULA}" in text and "妇女" in text


def test_sums_and_doubts(desk: TestClient, city: Headers, story: dict[str, Any]) -> None:
    for by in ("station_code", "town_code", "district_code", "kind", "target_group", "quarter"):
        sums = ask(desk, "/v1/ledger/training/totals", city, by=by).json()
        assert sum(row["trainee_visits"] for row in sums["rows"]) == sums["total"]["trainee_visits"]
    inside = ask(desk, "/v1/ledger/training/totals", city, by="town_code", within="9001").json()
    assert {row["code"] for row in inside["rows"]} == {"900101", "900102"}
    assert ask(desk, "/v1/ledger/training/warnings", city).json()["total"] == 0
    refused = desk.get(f"/v1/ledger/training/totals?within=9999&quarter={Q}", headers=city)
    assert refused.status_code == 422 and refused.json()["errors"][0]["field"] == "within"


def test_a_faulty_batch_writes_nothing(desk: TestClient, city: Headers, story: dict[str, Any]) -> None:
    batch = [entry("S-000", 5, kind="project"), entry("S-777", 5), entry("S-001", 5, kind="project", quarter="2031Q1")]
    answer = desk.post("/v1/ledger/training/batch", json={"entries": batch}, headers=city)
    assert answer.status_code == 422
    assert {item["field"] for item in answer.json()["errors"]} >= {"entries[1].station_code", "entries[2].quarter"}
    assert ask(desk, "/v1/ledger/training", city, kind="project").json()["entries"] == []


def test_moments_to_come_are_refused(desk: TestClient, city: Headers) -> None:
    for path in ("/v1/ledger/training", "/v1/ledger/reports"):
        answer = desk.get(path, params={"quarter": Q, "known_at": "2091-01-01T00:00:00Z"}, headers=city)
        assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "known_at"


def test_reminders_name_who_answers(desk: TestClient, place: Engine, city: Headers, first: Headers) -> None:
    current = str(quarter_of(today()))
    answer = desk.get(
        "/v1/ledger/reports/reminders", params={"quarter": current, "within_days": 90}, headers=first
    ).json()
    assert answer["reminders"] and {one["report"]["district_code"] for one in answer["reminders"]} == {"9001"}
    assert all(one["responsible"] == ["区级经办"] and one["days_left"] >= 0 for one in answer["reminders"])
