"""The training ledger over HTTP: one line, many, pages, tables, sums, doubts."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.db.engine import make_engine, session_scope
from app.main import create_app
from app.models.vocabularies import Role
from tests.api.conftest import FixedHolder, TestClient, load_known_city, serving
from tests.conftest import MakeDatabase
from tests.support.accounts import signed_in

PATH = "/v1/ledger/training"
QUARTER = "2025Q3"
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
def city(place: Engine) -> Headers:
    return signed_in(place, Role.CITY_OFFICER, "90")


@pytest.fixture(autouse=True)
def an_empty_ledger(place: Engine) -> Iterator[None]:
    yield
    with place.begin() as connection:
        for table in ("training_entries", "training_entry_versions", "reports"):
            connection.execute(text(f"DELETE FROM {table}"))


def line(code: str = "S-000", **more: Any) -> dict[str, Any]:
    return {
        "station_code": code, "quarter": QUARTER, "kind": "special", "target_group": "women", "sessions_held": 2,
        "trainee_visits": 40, "training_hours": 8.5, "certificates": 3, **more,
    }  # fmt: skip


def post(desk: TestClient, headers: Headers, path: str = PATH, /, **body: Any) -> Any:
    return desk.post(path, json=body, headers=headers)


def add_many(desk: TestClient, headers: Headers, *entries: dict[str, Any], **more: Any) -> Any:
    return post(desk, headers, f"{PATH}/batch", entries=list(entries), **more)


def fields(answer: Any) -> list[str]:
    return [item["field"] for item in answer.json()["errors"]]


def test_a_line_is_entered_changed_and_taken_out(desk: TestClient, first: Headers) -> None:
    made = post(desk, first, **line())
    assert made.status_code == 201, made.text
    kept = made.json()["entry"]
    assert (kept["kind_title"], kept["training_hours"], kept["version"]) == ("专项", 8.5, 1)
    one = f"{PATH}/{kept['id']}"
    figures = {"sessions_held": 2, "trainee_visits": 50, "training_hours": 8.5, "certificates": 3, "version": 1}
    changed = desk.put(one, json={**figures, "reason": "漏报"}, headers=first).json()
    assert [(c["field"], c["old"], c["new"]) for c in changed["changes"]] == [("trainee_visits", 40, 50)]
    stale = desk.put(one, json={**figures, "trainee_visits": 60}, headers=first)
    assert (stale.status_code, stale.json()["code"], fields(stale)) == (409, "stale_version", ["trainee_visits"])
    assert desk.get(one, headers=first).json()["trainee_visits"] == 50
    before = {"known_at": kept["known_from"]}
    assert desk.delete(f"{one}?version=1&reason=x", headers=first).status_code == 409
    assert desk.delete(f"{one}?version=2", headers=first).status_code == 422  # why?
    assert desk.delete(f"{one}?version=2&reason=x", headers=first).status_code == 204
    assert desk.get(one, headers=first).status_code == 404
    assert desk.get(PATH, headers=first).json()["entries"] == []
    (then,) = desk.get(PATH, params=before, headers=first).json()["entries"]
    assert (then["id"], then["trainee_visits"]) == (kept["id"], 40)


def test_many_lines_are_written_or_none(desk: TestClient, first: Headers) -> None:
    wrong = add_many(desk, first, line(), line("S-001", quarter="2025Q1"), line("S-404"))
    assert (wrong.status_code, fields(wrong)) == (422, ["entries[1].quarter", "entries[2].station_code"])
    assert fields(add_many(desk, first, line("S-404"))) == ["entries[0].station_code"]  # a list of one is a list
    other = add_many(desk, first, line(), line("S-020"))
    assert (other.status_code, other.json()["code"], fields(other)) == (
        403,
        "out_of_scope",
        ["entries[1].station_code"],
    )
    assert desk.get(PATH, headers=first).json()["entries"] == []
    tried = add_many(desk, first, line(), dry_run=True).json()
    assert (tried["added"], tried["entries"][0]["entry"]) == (1, None)
    saved = add_many(desk, first, line(), line("S-001")).json()
    again = add_many(desk, first, line(), line("S-001", certificates=4, version=1), line("S-003")).json()
    assert [saved[n] for n in ("added", "changed", "unchanged")] == [2, 0, 0]
    assert [again[n] for n in ("added", "changed", "unchanged")] == [1, 1, 1]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"trainee_visits": -1}, "trainee_visits"), ({"trainee_visits": 1.5}, "trainee_visits"),
        ({"training_hours": 1.25}, "training_hours"), ({"training_hours": "NaN"}, "training_hours"),
        ({"quarter": "2026年1季度"}, "quarter"), ({"quarter": "2098Q1"}, "quarter"), ({"kind": "yoga"}, "kind"),
        ({"note": "a\x00b"}, "note"), ({"colour": 1}, "colour"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_refused(desk: TestClient, first: Headers, more: dict[str, Any], field: str) -> None:
    answer = post(desk, first, **line(**more))
    assert (answer.status_code, fields(answer)) == (422, [field]), answer.text


def test_a_request_that_is_sent_twice_enters_once(desk: TestClient, first: Headers) -> None:
    headers = {**first, "Idempotency-Key": "twice"}
    answers = [post(desk, headers, **line()) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 201] and answers[0].content == answers[1].content
    assert post(desk, headers, **line("S-001")).json()["code"] == "idempotency_key_reused"
    assert fields(post(desk, first, **line(certificates=9))) == ["version"]  # there is such a line


def test_what_is_reported_stands_still(desk: TestClient, place: Engine, first: Headers) -> None:
    number = post(desk, first, **line()).json()["entry"]["id"]
    with place.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO reports (level, subject_code, quarter, state) VALUES ('station', 'S-000', :q, 'submitted')"
            ),
            {"q": QUARTER},
        )
    removed = desk.delete(f"{PATH}/{number}?version=1&reason=x", headers=first)
    added = post(desk, first, **line(target_group="unemployed"))
    for answer in (removed, added):
        assert (answer.status_code, answer.json()["code"], fields(answer)) == (409, "report_locked", ["quarter"])
    assert post(desk, first, **line("S-001")).status_code == 201


def test_pages_hold_every_line_once_in_order(desk: TestClient, city: Headers, first: Headers) -> None:
    lines = [
        line(code, kind=kind, target_group=group)
        for code in ("S-000", "S-003", "S-020") for kind in ("special", "project") for group in ("women", "unemployed")
    ]  # fmt: skip
    assert add_many(desk, city, *lines).status_code == 200
    place = sorted((e["station_code"], e["quarter"], e["kind"], e["target_group"]) for e in lines)
    assert walk(desk, city, limit=5) == place
    assert walk(desk, first, limit=3) == [p for p in place if p[0] != "S-020"]
    assert walk(desk, city, limit=3, within="9002") == [p for p in place if p[0] == "S-020"]
    assert walk(desk, city, limit=3, within="900102") == [p for p in place if p[0] == "S-000"]
    assert walk(desk, first, limit=3, within="9002") == []
    chosen = {"station": ["S-000", "S-020"], "kind": "project", "target_group": "women", "quarter": QUARTER}
    assert walk(desk, city, limit=1, **chosen) == [
        p for p in place if p[0] != "S-003" and p[2:] == ("project", "women")
    ]
    assert walk(desk, city, limit=1, quarter="2025Q4") == []
    unknown = desk.get(PATH, params={"within": "9009"}, headers=city)
    assert (unknown.status_code, fields(unknown)) == (422, ["within"])


def walk(desk: TestClient, headers: Headers, **parameters: Any) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = desk.get(PATH, params={**parameters, **cursor}, headers=headers)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found += [(e["station_code"], e["quarter"], e["kind"], e["target_group"]) for e in body["entries"]]
        assert ("Link" in answer.headers) == (body["next_cursor"] is not None)
        if body["next_cursor"] is None:
            return found
        cursor = {"cursor": body["next_cursor"]}


def test_tables_open_in_a_spreadsheet_as_they_are_meant(desk: TestClient, first: Headers) -> None:
    post(desk, first, **line(note="=HYPERLINK(1)\n第二行"))
    answer = desk.get(PATH, params={"format": "csv"}, headers=first)
    assert answer.content.startswith("\ufeff站点编号,季度".encode())
    _, row = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert row == ["S-000", QUARTER, "专项", "妇女", "2", "40", "8.5", "3", "'=HYPERLINK(1)\n第二行", "1"]


def test_sums_add_up_in_every_direction(desk: TestClient, city: Headers, first: Headers) -> None:
    visits = {"S-000": 10, "S-001": 20, "S-003": 30, "S-020": 40}
    add_many(desk, city, *(line(code, trainee_visits=n) for code, n in visits.items()))
    whole = {}
    for by in ("station_code", "town_code", "district_code", "quarter", "kind", "target_group"):
        sums = desk.get(f"{PATH}/totals", params={"by": by}, headers=city).json()
        assert sum(row["trainee_visits"] for row in sums["rows"]) == sums["total"]["trainee_visits"] == 100
        whole[by] = {row["code"]: row["trainee_visits"] for row in sums["rows"]}
    assert whole["station_code"] == visits and whole["district_code"] == {"9001": 60, "9002": 40}
    own = desk.get(f"{PATH}/totals", params={"by": "town_code", "quarter": QUARTER}, headers=first).json()
    assert {row["code"]: row["trainee_visits"] for row in own["rows"]} == {"900101": 50, "900102": 10}
    assert desk.get(f"{PATH}/totals", params={"quarter": "2025Q4"}, headers=city).json()["total"]["stations"] == 0


def test_doubts_name_the_line(desk: TestClient, first: Headers) -> None:
    post(desk, first, **line(certificates=41))
    listed = desk.get(f"{PATH}/warnings", params={"quarter": QUARTER}, headers=first).json()
    found = {(w["station_code"], w["code"], w["kind"], w["target_group"]) for w in listed["warnings"]}
    assert ("S-000", "certificates_above_visits", "special", "women") in found
    assert ("S-001", "no_entries", None, None) in found
    assert all(code < "S-013" for code, *_ in found) and listed["total"] == len(listed["warnings"])
