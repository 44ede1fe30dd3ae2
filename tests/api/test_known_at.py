"""As it was on a day, as was known at a moment, over HTTP: what was answered then is answered again by every call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.db.engine import make_engine, session_scope
from app.main import create_app
from app.repositories.context import ledger_moment
from app.services.snapshot import ensure_snapshot
from app.services.station_table import today
from app.settings import HomeSettings
from tests.api.conftest import FixedHolder, TestClient, serving
from tests.conftest import MakeDatabase
from tests.services.test_snapshot_changes import add
from tests.support.cities import SOUTH, STEP, WEST, load_block_city

LNG, LAT = WEST + 4.3 * STEP, SOUTH + 5 * STEP
HERE = f"lng={LNG}&lat={LAT}&crs=wgs84"
DAYS = (date(2026, 3, 1), date(2026, 6, 15), date(2026, 10, 1))
READS = [
    "/v1/stations?as_of={day}",
    "/v1/stations?as_of={day}&open_on={day}&limit=1",
    "/v1/stations?open_on={day}&format=geojson",
    "/v1/stations?as_of={day}&walkable=true&status=open",
    "/v1/stations/T-W?as_of={day}",
    f"/v1/stations/T-W/route?{HERE}&as_of={{day}}",
    f"/v1/stations/nearest?{HERE}&open_on={{day}}",
    f"/v1/stations/nearest?{HERE}&open_on={{day}}&max_minutes=2&type=community",
    "/v1/areas?as_of={day}",
    "/v1/areas/T101?as_of={day}&format=geojson",
    "/v1/coverage?as_of={day}&minutes=5&level=district",
    "/v1/coverage?as_of={day}&minutes=5&profile=wheelchair&format=geojson",
    "/v1/coverage?as_of={day}&minutes=5&format=csv",
    "/v1/coverage/curve?as_of={day}",
    "/v1/coverage/gaps?as_of={day}&minutes=5&level=district",
    "/v1/coverage/matrix?as_of={day}&minutes=5&level=district&by=district",
    "/v1/coverage/cells?as_of={day}&minutes=5&area=T1",
    "/v1/isochrones?station=T-W&minutes=5&as_of={day}",
]


@dataclass
class Town:
    """A service over the block city, and what it answered after each transaction."""

    engine: Engine
    client: TestClient
    holder: FixedHolder
    home: HomeSettings
    told: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)

    def write(self, *statements: str) -> datetime:
        with session_scope(self.engine) as session:
            for statement in statements:
                session.execute(text(statement))
            moment = ledger_moment(session)
        self.holder.snapshot = ensure_snapshot(self.engine, self.home, None, self.holder.snapshot)
        return moment

    def ask(self, path: str, known_at: datetime | None = None) -> Any:
        sign = "&" if "?" in path else "?"
        when = "" if known_at is None else f"{sign}known_at={known_at.isoformat().replace('+', '%2B')}"
        answer = self.client.get(path + when, headers={"Accept-Language": "en"})
        if "csv" in path:
            return answer.status_code, answer.text
        return answer.status_code, comparable(answer.json())


def comparable(body: Any) -> Any:
    """Without what names the question itself, or its second."""
    if isinstance(body, dict):
        unnamed = ("known_at", "imported_since", "request_id", "instance", "next_cursor", "at")
        return {name: comparable(value) for name, value in body.items() if name not in unnamed}
    return [comparable(value) for value in body] if isinstance(body, list) else body


@pytest.fixture(scope="module")
def town(make_database: MakeDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    engine = make_engine(make_database())
    with session_scope(engine) as session:
        load_block_city(session)
    holder, home = FixedHolder(), HomeSettings(home=Path(tmp_path_factory.mktemp("home")))
    with serving(create_app(engine=engine, holder=holder)) as client:
        made = Town(engine, client, holder, home)
        middle = f"ST_SetSRID(ST_MakePoint({WEST + 5 * STEP}, {SOUTH + 0.0061}), 4326)"
        for statements in (
            ["SELECT 1"],
            ["UPDATE stations SET status = 'suspended', valid_from = '2026-04-01' WHERE code = 'T-W'"],
            [add("NEW", middle), "UPDATE stations SET opened_on = '2026-05-01' WHERE code = 'NEW'"],
            [
                "UPDATE stations SET geom = ST_Translate(geom, 0.001, 0), address = '新址', valid_from = '2026-06-01' "
                "WHERE code = 'T-E'"
            ],
            ["UPDATE stations SET status = 'open', valid_from = '2026-07-01' WHERE code = 'T-W'"],
            ["UPDATE stations SET name = '改名', closed_on = '2026-09-01' WHERE code = 'NEW'"],
            ["DELETE FROM stations WHERE code = 'T-W'"],
        ):
            moment = made.write(*statements)
            paths = [path.format(day=day) for path in READS for day in DAYS]
            made.told.append((moment, {path: made.ask(path) for path in paths}))
        yield made
    engine.dispose()


@pytest.mark.parametrize("path", READS)
def test_what_was_answered_is_answered_again(town: Town, path: str) -> None:
    different = set()
    for moment, answers in town.told:
        for day in DAYS:
            question = path.format(day=day)
            assert town.ask(question, moment) == answers[question], (moment, day)
            different.add(str(answers[question]))
    assert len(different) > 2, "nothing that is asked here depends on the moment"


def test_posted_questions_too(town: Town) -> None:
    for moment, answers in town.told:
        day = DAYS[1]
        body = {"lng": LNG, "lat": LAT, "crs": "wgs84", "open_on": str(day), "known_at": moment.isoformat()}
        answer = town.client.post("/v1/stations/nearest", json=body, headers={"Accept-Language": "en"})
        assert answer.status_code == 200, answer.text
        assert comparable(answer.json()) == answers[f"/v1/stations/nearest?{HERE}&open_on={day}"][1]


def test_pages_go_on_at_their_moment(town: Town) -> None:
    moment, _ = town.told[2]
    asked = {"known_at": moment.isoformat(), "as_of": str(DAYS[1]), "limit": 1}
    codes, cursor = [], None
    while True:
        page = town.client.get("/v1/stations", params={**asked, **({"cursor": cursor} if cursor else {})})
        assert page.json()["total"] == 3
        codes += [station["code"] for station in page.json()["stations"]]
        cursor = page.json()["next_cursor"]
        if cursor is None:
            break
    assert codes == ["NEW", "T-E", "T-W"]
    first = town.client.get("/v1/stations", params=asked).json()["next_cursor"]
    other = town.client.get("/v1/stations", params={**asked, "known_at": town.told[3][0].isoformat(), "cursor": first})
    assert other.status_code == 422, "a cursor belongs to its moment"


def test_answers_name_their_moment_and_what_came_later(town: Town) -> None:
    moment, _ = town.told[1]
    asked = {"known_at": moment.isoformat(), "as_of": str(DAYS[0])}
    told = town.client.get("/v1/coverage", params=asked).json()
    assert datetime.fromisoformat(told["known_at"]) == moment and told["as_of"] == str(DAYS[0])
    assert told["imported_since"] == []
    early = town.client.get("/v1/coverage", params={"known_at": "2001-01-01T00:00:00Z"}).json()
    assert early["imported_since"] == ["boundaries", "network", "population"]
    assert "不是当时的数据" in early["data_notice"]["message"]
    now = town.client.get("/v1/coverage").json()
    assert now["known_at"] is None and now["imported_since"] == [] and now["as_of"] == str(today())
    assert "不是当时的数据" not in (now["data_notice"] or {"message": ""})["message"]


def test_before_anything_was_known_there_is_an_empty_city_and_it_is_said(town: Town) -> None:
    early = {"known_at": "2001-01-01T00:00:00Z"}
    told = {
        path: town.client.get(path, params=early).json()
        for path in ("/v1/stations", "/v1/coverage", "/v1/areas", f"/v1/stations/nearest?{HERE}")
        if "?" not in path
    }
    assert told["/v1/stations"]["total"] == 0 and told["/v1/stations"]["stations"] == []
    assert told["/v1/coverage"]["totals"]["covered"] == 0 == told["/v1/coverage"]["totals"]["stations"]
    assert {area["stations"] for area in told["/v1/areas"]["areas"]} == {0}
    for path, body in told.items():
        assert "该时点尚无站点记录" in body["data_notice"]["message"], path
    nearest = town.client.get("/v1/stations/nearest", params={**early, "lng": LNG, "lat": LAT, "crs": "wgs84"}).json()
    assert nearest["hits"] == [] and nearest["beyond"] is None and nearest["message"]
    assert town.client.get("/v1/stations/T-E", params=early).status_code == 404
    assert town.client.get("/v1/isochrones", params={**early, "station": "T-E"}).status_code == 404


@pytest.mark.parametrize(
    "path", ["/v1/stations", "/v1/stations/T-E", "/v1/areas", "/v1/coverage", f"/v1/stations/nearest?{HERE}"]
)
def test_a_moment_that_cannot_be_is_refused(town: Town, path: str) -> None:
    def ask(value: str) -> Any:
        return town.client.get(f"{path}{'&' if '?' in path else '?'}known_at={value.replace('+', '%2B')}")

    to_come = ask((datetime.now(UTC) + timedelta(hours=1)).isoformat())
    assert to_come.status_code == 422
    (error,) = to_come.json()["errors"]
    assert error["field"] == "known_at" and error["remedy"]
    for wrong in ("2026-11-20T00:00:00", "2026-11-20", "yesterday", "", "2026-13-01T00:00:00Z"):
        assert ask(wrong).status_code == 422, wrong
    assert ask("9999-12-31T23:59:59-12:00").status_code == 422
    assert ask("0001-01-01T00:00:00+14:00").status_code in (200, 404, 422)


def test_days_at_the_end_of_time_are_answered(town: Town) -> None:
    for day in ("0001-01-01", "9999-12-31"):
        for path in ("/v1/stations", "/v1/areas", "/v1/coverage"):
            assert town.client.get(path, params={"as_of": day}).status_code == 200


def test_open_stations_of_areas_are_those_open_on_the_day(town: Town) -> None:
    """NEW opened on 1 May and closed on 1 September, whatever its status says."""
    moment, _ = town.told[5]
    counts = []
    for day in ("2026-04-30", "2026-05-01", "2026-08-31", "2026-09-01"):
        (city,) = town.client.get(
            "/v1/areas", params={"level": "city", "as_of": day, "known_at": moment.isoformat()}
        ).json()["areas"]
        counts.append((city["stations"], city["stations_open"]))
    assert counts == [(3, 1), (3, 2), (3, 3), (3, 2)]


def test_answers_of_a_moment_may_be_kept(town: Town) -> None:
    moment, _ = town.told[3]
    for path in ("/v1/stations", "/v1/stations/T-E", "/v1/areas", "/v1/coverage"):
        asked = {"known_at": moment.isoformat(), "as_of": str(DAYS[1])}
        first = town.client.get(path, params=asked)
        again = town.client.get(path, params=asked, headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304, path
        other = town.client.get(path, params={**asked, "known_at": town.told[0][0].isoformat()})
        assert other.headers["etag"] != first.headers["etag"], path


def test_every_read_of_stations_takes_both(town: Town) -> None:
    """Whatever is added under these paths has to."""
    taken = ("/v1/stations", "/v1/coverage", "/v1/areas", "/v1/isochrones")
    # the one tells all of it, the other what is so from now on
    without = {"/v1/stations/{code}/history", "/v1/stations/{code}/hours"}
    # runs are what they were when they were made; changes have two days, and are asked below
    without |= {"/v1/coverage/runs", "/v1/coverage/runs/{id}", "/v1/coverage/runs/{id}/changes", "/v1/coverage/changes"}
    document = town.client.get("/openapi.json").json()
    found = 0
    for path, operations in document["paths"].items():
        if not path.startswith(taken) or path in without or "get" not in operations:
            continue
        names = {parameter["name"] for parameter in operations["get"]["parameters"]}
        assert "known_at" in names and names & {"as_of", "open_on"}, path
        found += 1
    assert found >= 12
    changes = {parameter["name"] for parameter in document["paths"]["/v1/coverage/changes"]["get"]["parameters"]}
    assert {"from", "to", "known_at"} <= changes
