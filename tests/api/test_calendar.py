"""Hours on holidays, make-up workdays and in years to come, over HTTP; entering a year that is announced."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.db.engine import make_engine, session_scope
from app.main import create_app
from app.models.vocabularies import Role
from tests.api.conftest import FixedHolder, TestClient, load_known_city, serving
from tests.conftest import MakeDatabase
from tests.support.accounts import signed_in

OWN = {"holidays": [{"date": "2027-10-01", "name": "国庆节"}], "workdays": ["2027-10-09"], "source": "通知"}


@pytest.fixture(scope="module")
def engine_here(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database())
    with session_scope(made) as writing:
        load_known_city(writing)
        writing.execute(text("UPDATE stations SET opening_hours = 'Mo-Fr 09:00-17:00'"))
        writing.execute(text(
            """UPDATE stations SET hour_exceptions = '[{"date": "2027-03-02", "hours": null, "note": "盘点"}]'
            WHERE code = 'S-003'"""
        ))  # fmt: skip
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def desk(engine_here: Engine) -> Iterator[TestClient]:
    with serving(create_app(engine=engine_here, holder=FixedHolder())) as made:
        yield made


def states(desk: TestClient, first: str, days: int = 1, code: str = "S-001") -> list[str]:
    body = desk.get(f"/v1/stations/{code}/hours", params={"first": first, "days": days}).json()
    return [day["state"] for day in body["days"]]


def test_holidays_make_up_workdays_and_years_not_announced(desk: TestClient) -> None:
    assert states(desk, "2026-09-30", 9) == ["open", *["closed"] * 7, "open"]
    assert states(desk, "2026-10-10") == ["open"] and states(desk, "2026-10-11") == ["closed"]
    assert states(desk, "2031-01-05", 3) == ["unknown"] * 3
    body = desk.get("/v1/stations/S-001/hours", params={"first": "2026-10-01", "days": 1}).json()
    assert body["days"][0] == {
        "date": "2026-10-01", "weekday": 4, "kind": "holiday", "kind_title": "法定节假日", "holiday_name": "国庆节",
        "state": "closed", "intervals": [], "note": None,
    }  # fmt: skip
    assert body["time_zone"] == "Asia/Shanghai"


def test_entering_a_year_makes_it_known_and_leaves_a_trace(desk: TestClient, engine_here: Engine) -> None:
    officer = signed_in(engine_here, Role.CITY_OFFICER, "90")
    assert desk.get("/v1/calendar/2027").json() | {"x": 0} == {
        "year": 2027, "announced": False, "source": None, "holidays": [], "workdays": [], "version": None, "x": 0
    }  # fmt: skip
    assert states(desk, "2027-03-01", 2, "S-003") == ["unknown", "closed"]
    made = desk.put("/v1/ledger/calendar/2027", json=OWN, headers=officer)
    assert made.status_code == 200 and made.json()["version"] == 1, made.text
    assert states(desk, "2027-03-01") == ["open"] and states(desk, "2027-10-01") == ["closed"]
    assert states(desk, "2027-10-09") == ["open"]
    again = desk.put("/v1/ledger/calendar/2027", json={**OWN, "source": "x", "version": 7}, headers=officer)
    assert [item["field"] for item in again.json()["errors"]] == ["source"]
    assert (again.status_code, again.json()["code"]) == (409, "stale_version")
    changed = desk.put("/v1/ledger/calendar/2027", json={**OWN, "workdays": [], "version": 1}, headers=officer)
    assert changed.json()["version"] == 2 and states(desk, "2027-10-09") == ["closed"]
    with engine_here.connect() as connection:
        noted = connection.execute(text("SELECT count(*) FROM audit_log WHERE kind = 'calendar'")).scalar()
    assert noted == 2
    assert desk.get("/v1/calendar/2026").json()["source"].startswith("chinesecalendar")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"holidays": [{"date": "2026-10-01"}]}, "holidays[0]"),
        ({"holidays": [{"date": "2027-10-01"}, {"date": "2027-10-01"}]}, "holidays[1]"),
        ({"workdays": ["2027-10-08"]}, "workdays[0]"),  # a Friday
        ({"holidays": [{"date": "2027-10-09"}]}, "workdays[0]"),
        ({"holidays": []}, "holidays"),
        ({"source": ""}, "source"),
    ],
)
def test_a_calendar_that_is_wrong(desk: TestClient, engine_here: Engine, change: dict[str, Any], field: str) -> None:
    officer = signed_in(engine_here, Role.CITY_OFFICER, "90")
    answer = desk.put("/v1/ledger/calendar/2027", json={**OWN, "version": 2, **change}, headers=officer)
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == field


def test_two_officers_at_once(desk: TestClient, engine_here: Engine) -> None:
    """One of them is told so, and nothing of the other's is lost: for a new year, and for a change."""
    officer, days = signed_in(engine_here, Role.CITY_OFFICER, "90"), ["2029-10-06", "2029-10-07"]
    whole = {**OWN, "holidays": [{"date": "2029-10-01"}]}
    for version in (None, 1):
        asked = [{**whole, "workdays": [day], "source": f"通知 {version}", "version": version} for day in days]
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda one: desk.put("/v1/ledger/calendar/2029", json=one, headers=officer), asked))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        refused = next(answer.json() for answer in answers if answer.status_code == 409)
        assert [item["field"] for item in refused["errors"]] == ["workdays"]
        written = next(answer.json() for answer in answers if answer.status_code == 200)
        assert desk.get("/v1/calendar/2029").json() == written


def test_the_last_days_there_are(desk: TestClient) -> None:
    body = desk.get("/v1/stations/S-001/hours", params={"first": "9999-12-30", "days": 7}).json()
    assert [(day["date"], day["state"]) for day in body["days"]] == [
        ("9999-12-30", "unknown"), ("9999-12-31", "unknown")
    ]  # fmt: skip


def test_who_may_not(desk: TestClient, engine_here: Engine) -> None:
    town = signed_in(engine_here, Role.TOWN_OFFICER, "900101")
    assert desk.put("/v1/ledger/calendar/2028", json=OWN, headers=town).status_code == 403
    assert desk.put("/v1/ledger/calendar/2028", json=OWN).status_code == 401
    assert desk.get("/v1/calendar/1999").status_code == 422
    assert desk.get("/v1/stations/S-999/hours").status_code == 404
