"""No call shows or changes what lies outside of an account's area: all calls are walked, and one that is not known here
fails, so that a new one cannot be forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.api.docs_page import operations
from app.api.documentation import example_of
from app.db.engine import make_engine, session_scope
from app.demo.city import generate
from app.demo.load import load_city
from app.demo.spec import CitySpec
from app.main import create_app
from app.models.vocabularies import Role
from tests.api.conftest import FixedHolder, TestClient, serving
from tests.conftest import MakeDatabase
from tests.support.accounts import signed_in
from tests.support.workbooks import opened

DOCUMENT = create_app(holder=FixedHolder()).openapi()
SCHEMAS = DOCUMENT["components"]["schemas"]
SUBJECTS = ("/v1/ledger", "/v1/quality", "/v1/targets", "/v1/auth", "/v1/audit")
CALLS = {op["operationId"]: (path, m, op) for path, m, op in operations(DOCUMENT) if path.startswith(SUBJECTS)}
# for everybody, signed in or not
PUBLIC = {"signIn", "getStationQuality", "addRating", "addComplaint", "getComplaint"}
# about the one who asks
OWN = {"getMe", "signOut", "changePassword", "listTokens", "issueToken", "revokeToken", "getLedgerTemplate"}
# workbooks: see the test at the end, and test_ledger_workbooks.py for what comes in
WORKBOOKS = {"exportLedgerWorkbook", "importLedgerWorkbook"}
# figures of districts and the city are public; the register of organisations is the whole city's
CITYWIDE = {"listTargets", "listTargetSums", "getProgress", "getTarget"}
REGISTER = {"listOrganisations", "addOrganisation", "changeOrganisation"}
# lists of everything that an account may see
LISTS = {
    "listLedgerStations", "listPairings", "listCourses", "listCourseSessions", "listTrainingEntries",
    "getTrainingTotals", "listTrainingWarnings", "listReports", "listReminders", "listInspections", "listFindings",
    "listRatings", "listVisitCodes", "listComplaints", "listAppraisals", "listAppraisalScores", "listExemplars",
    *CITYWIDE, *REGISTER,
} - {"addOrganisation", "changeOrganisation", "getTarget"}  # fmt: skip
QUARTER = "2026Q2"
STATION = re.compile(r"YC\d{6}-\d{3}")
AREA = re.compile(r'"(440\d{3}(?:\d{3})?)"')


@dataclass(frozen=True)
class World:
    """Somebody who asks, what is his, and the ids of what is not."""

    headers: dict[str, str]
    stations: set[str]
    areas: set[str]
    foreign: dict[str, str]


@pytest.fixture(scope="module")
def place(make_database: MakeDatabase) -> Iterator[Engine]:
    """A small demonstration city of its own, with everything that there is in the ledger."""
    made = make_engine(make_database())
    with session_scope(made) as writing:
        load_city(writing, generate(CitySpec(node_target=15_000, stations=120)))
        for statement in (
            "INSERT INTO pairings (station_code, organisation_id, mode) "
            "SELECT code, (SELECT min(id) FROM organisations), 'one_to_many' FROM stations",
            "INSERT INTO visit_code_batches (station_code, count, issued_by, expires_on) "
            "SELECT code, 1, 'demo', '2099-01-01' FROM stations",
            "INSERT INTO exemplars (station_code, year, title, reason, state, proposed_by) "
            "SELECT code, 2027, '样板', '因', 'proposed', 'demo' FROM stations",
        ):
            writing.execute(text(statement))
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def desk(place: Engine) -> Iterator[TestClient]:
    with serving(create_app(engine=place, holder=FixedHolder())) as made:
        yield made


@pytest.fixture(scope="module", params=["district", "town"])
def world(request: pytest.FixtureRequest, place: Engine) -> World:
    """A district's officer who looks at another district; a town's officer who looks at another town of it."""
    column = f"{request.param}_code"
    with place.connect() as connection:
        own, district = connection.execute(
            text(
                f"SELECT {column}, district_code FROM stations WHERE district_code = '440106' AND town_code IN "
                "(SELECT town_code FROM stations JOIN training_entries ON station_code = code GROUP BY town_code) "
                "ORDER BY town_code LIMIT 1"
            )
        ).one()
        same = f"district_code = '440106' AND town_code <> '{own}'"
        if request.param == "district":
            same = "district_code <> '440106'"
        stations = set(connection.scalars(text(f"SELECT code FROM stations WHERE {column} = '{own}'")))
        foreign = _foreign(connection, same)
    areas = {own, district, "4401"}
    if request.param == "district":
        with place.connect() as connection:
            areas |= set(connection.scalars(text("SELECT code FROM areas WHERE parent_code = '440106'")))
    role = Role.DISTRICT_OFFICER if request.param == "district" else Role.TOWN_OFFICER
    return World(signed_in(place, role, own), stations, areas, foreign)


def _foreign(connection: Any, where: str) -> dict[str, str]:
    """Ids of things of stations elsewhere, by the name of their table."""
    inside = f"(SELECT code FROM stations WHERE {where})"
    found = {
        "station": f"SELECT min(station_code) FROM training_entries WHERE station_code IN {inside}",
        "town": f"SELECT min(town_code) FROM stations WHERE {where}",
        "district": f"SELECT min(district_code) FROM stations WHERE {where}",
        "session": "SELECT min(s.id) FROM course_sessions s JOIN courses c ON c.id = course_id "
        f"WHERE station_code IN {inside}",
        "finding": f"SELECT min(id) FROM findings WHERE station_code IN {inside}",
        "complaint": f"SELECT min(number) FROM complaints WHERE station_code IN {inside}",
    }
    found |= {axis: f"SELECT ST_{a}(geom) FROM stations WHERE {where} ORDER BY code LIMIT 1"
              for axis, a in (("lng", "X"), ("lat", "Y"))}  # fmt: skip
    for name, table in (
        ("pairing", "pairings"), ("course", "courses"), ("entry", "training_entries"), ("inspection", "inspections"),
        ("rating", "ratings"), ("batch", "visit_code_batches"), ("exemplar", "exemplars"),
    ):  # fmt: skip
        found[name] = f"SELECT min(id) FROM {table} WHERE station_code IN {inside}"
    return {name: str(connection.scalar(text(query))) for name, query in found.items()}


def test_every_call_is_known_here() -> None:
    walked = LISTS | PUBLIC | OWN | WORKBOOKS | set(BLOCKED) | REGISTER
    assert walked == set(CALLS), walked ^ set(CALLS)
    unsigned = {name for name, (_, _, operation) in CALLS.items() if not operation.get("security")}
    assert unsigned == PUBLIC


@pytest.mark.parametrize("name", sorted(set(CALLS) - PUBLIC - CITYWIDE))
def test_nothing_without_signing_in(desk: TestClient, name: str) -> None:
    path, method, operation = CALLS[name]
    answer = desk.request(method, re.sub(r"\{(id|year)\}", "1", path), json=body_of(operation))
    assert answer.status_code == 401, answer.text


@pytest.mark.parametrize("name", sorted(LISTS))
def test_lists_hold_what_is_in_the_area(desk: TestClient, world: World, name: str) -> None:
    path, _, operation = CALLS[name]
    asked = {"limit": 1000, "quarter": QUARTER, "by": "station_code", "level": "town", "within": "440106"}
    known = {parameter["name"]: parameter["schema"] for parameter in operation.get("parameters", ())}
    query = {n: v for n, v in asked.items() if n in known}
    if "limit" in query:
        query["limit"] = known["limit"]["maximum"]
    if name not in ("getProgress",):
        query.pop("level", None)
        query.pop("within", None)
    answer = desk.get(path.replace("{year}", "2025"), params=query, headers=world.headers)
    if answer.status_code == 403 and answer.json()["code"] in ("forbidden", "out_of_scope"):
        return  # not for this role, or not for a part of the area
    assert answer.status_code == 200, answer.text
    assert set(STATION.findall(answer.text)) <= world.stations
    found = set(AREA.findall(answer.text))
    assert {code for code in found if len(code) == 9} <= world.areas
    if name not in CITYWIDE:
        assert found <= world.areas
    if name in ("listLedgerStations", "listCourses", "listTrainingEntries", "listReports"):
        assert set(STATION.findall(answer.text)), "nothing was looked at"


# path parameters of a call by the name of what is elsewhere; further fields of its body
BLOCKED: dict[str, dict[str, Any]] = {
    "getLedgerStation": {"code": "station"}, "addLedgerStation": {}, "changeLedgerStation": {"code": "station"},
    "listStationChanges": {"code": "station"},
    "addPairing": {}, "getPairing": {"id": "pairing"}, "changePairing": {"id": "pairing"}, "addCourse": {},
    "getCourse": {"id": "course"}, "changeCourse": {"id": "course"}, "addCourseSession": {"id": "course"},
    "getCourseSession": {"id": "session"}, "changeCourseSession": {"id": "session"}, "listSignUps": {"id": "session"},
    "recordAttendance": {"id": "session"}, "replaceCalendar": {"year": "2027"}, "addTrainingEntry": {},
    "saveTrainingEntries": {}, "getTrainingEntry": {"id": "entry"}, "changeTrainingEntry": {"id": "entry"},
    "removeTrainingEntry": {"id": "entry"}, "takeReportStep": {}, "getReport": {"code": "station"},
    "getQuarterlyReport": {}, "addTarget": {}, "getTarget": {"id": "1"}, "changeTarget": {"id": "1"},
    "retireTarget": {"id": "1"}, "listAuditEntries": {}, "getAuditEntry": {"id": "1"}, "listUsers": {}, "addUser": {},
    "getUser": {"username": "nobody"}, "changeUser": {"username": "nobody"}, "resetPassword": {"username": "nobody"},
    "addInspection": {}, "getInspection": {"id": "inspection"}, "changeInspection": {"id": "inspection"},
    "cancelInspection": {"id": "inspection"}, "addFinding": {"id": "inspection"}, "changeFinding": {"id": "finding"},
    "remedyFinding": {"id": "finding"}, "closeFinding": {"id": "finding"}, "returnFinding": {"id": "finding"},
    "publishRating": {"id": "rating"}, "hideRating": {"id": "rating"}, "issueVisitCodes": {},
    "revokeVisitCodes": {"id": "batch"}, "getComplaintFile": {"number": "complaint"},
    "takeComplaint": {"number": "complaint"}, "answerComplaint": {"number": "complaint"},
    "closeComplaint": {"number": "complaint"}, "reopenComplaint": {"number": "complaint"}, "makeAppraisal": {},
    "getAppraisalScore": {"code": "station"}, "publishAppraisal": {}, "addExemplar": {},
    "nameExemplar": {"id": "exemplar"}, "withdrawExemplar": {"id": "exemplar"},
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(BLOCKED) - CITYWIDE))
def test_nothing_elsewhere_is_shown_or_changed(desk: TestClient, place: Engine, world: World, name: str) -> None:
    path, method, operation = CALLS[name]
    for parameter, what in BLOCKED[name].items():
        path = path.replace(f"{{{parameter}}}", world.foreign.get(what, what))
    path = path.replace("{level}", "station").replace("{quarter}", QUARTER).replace("{year}", "2025")
    needed = [p for p in operation.get("parameters", ()) if p["in"] == "query" and p["required"]]
    query = {parameter["name"]: parameter["schema"]["examples"][0] for parameter in needed}
    if name == "getQuarterlyReport":
        query["area"] = world.foreign["district"]
    body = elsewhere(body_of(operation), world)
    if name == "addLedgerStation":
        lng, lat = (float(world.foreign[axis]) for axis in ("lng", "lat"))
        body["record"] |= {"code": "NEW-1", "lng": lng, "lat": lat, "crs": "wgs84"}
    before = everything(place)
    answer = desk.request(method, path, params=query, json=body, headers=world.headers)
    assert answer.status_code == 403, f"{method} {path} {body}: {answer.status_code} {answer.text}"
    assert answer.json()["code"] in ("forbidden", "out_of_scope")
    assert everything(place) == before


@pytest.mark.parametrize("sheet", ["stations", "training"])
def test_workbooks_hold_what_is_in_the_area(desk: TestClient, world: World, sheet: str) -> None:
    answer = desk.get(f"/v1/ledger/workbook.xlsx?sheet={sheet}", headers=world.headers)
    cells = [str(cell) for page in opened(answer.content) for row in page.iter_rows(values_only=True) for cell in row]
    found = set(STATION.findall("\n".join(cells)))
    assert found and found <= world.stations


def body_of(operation: dict[str, Any]) -> Any:
    """A body made of the document's examples."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return None if content is None else example_of(content["schema"], SCHEMAS)


def elsewhere(value: Any, world: World) -> Any:
    """The same body about a station elsewhere."""
    if isinstance(value, dict):
        return {k: elsewhere(v, world) for k, v in value.items()} | (
            {"level": "station", "codes": [world.foreign["station"]], "missing": {}, "versions": {}}
            if "codes" in value and "step" in value
            else {}
        )
    if isinstance(value, list):
        return [elsewhere(one, world) for one in value]
    if isinstance(value, str) and STATION.fullmatch(value):
        return world.foreign["station"]
    return value


def everything(place: Engine) -> list[Any]:
    """How much there is of everything, and the latest change of any row."""
    tables = (
        "stations", "pairings", "courses", "course_sessions", "training_entries", "reports", "inspections", "findings",
        "ratings", "complaints", "exemplars", "targets", "users",
    )  # fmt: skip
    with place.connect() as connection:
        return [connection.execute(text(f"SELECT count(*), sum(version) FROM {t}")).one() for t in tables]
