"""Every call asked signed in, about things that there are: the document's own examples, then questions made up from it.

``test_contract.py`` asks signed out, and gets no farther than 401 where one has to sign in; made-up codes get no
farther than 404. So here codes, numbers, ids and versions become those of the demonstration city.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection
from sqlalchemy import Engine, text

from app.api.docs_page import operations
from app.api.documentation import example_of
from app.db.engine import make_engine, session_scope
from app.demo.city import generate
from app.demo.load import load_city
from app.demo.spec import CitySpec
from app.main import create_app
from app.models.vocabularies import Role
from app.services.coverage import CoverageQuery
from app.services.profiles import resolve_profile
from app.services.runs import store_run
from app.services.snapshot import ensure_snapshot
from app.settings import home_settings
from tests.api.conftest import FixedHolder, TestClient, serving
from tests.api.test_contract import BOUNDED, DOCUMENT, OPERATIONS, PROMISES, WITH_INPUT
from tests.conftest import MakeDatabase
from tests.support.accounts import add_user, signed_in

# signing in and out, with which the session ends, or is not used
OWN_SIGN_IN = {"/v1/auth/token", "/v1/auth/sign-out"}
FEW, FEWER = BOUNDED.__class__(BOUNDED, max_examples=6), BOUNDED.__class__(BOUNDED, max_examples=2)
OFFICERS = [(path, method) for path, method, operation in operations(DOCUMENT) if operation.get("security")]
TAKING_JSON = [
    (path, method, operation)
    for path, method, operation in operations(DOCUMENT)
    if operation.get("security") and "application/json" in operation.get("requestBody", {}).get("content", {})
]
SCHEMAS = DOCUMENT["components"]["schemas"]
# how a thing is named in a path, by the table that it is in
KEYS = {"complaints": "number", "users": "username", "appraisals": "year", "stations": "code"}
TABLES = {
    "/v1/ledger/stations": "stations", "/v1/ledger/organisations": "organisations", "/v1/ledger/pairings": "pairings",
    "/v1/ledger/courses": "courses", "/v1/ledger/sessions": "course_sessions",
    "/v1/ledger/training": "training_entries", "/v1/quality/inspections": "inspections",
    "/v1/quality/findings": "findings", "/v1/quality/ratings": "ratings", "/v1/quality/complaints": "complaints",
    "/v1/quality/visit-codes": "visit_code_batches", "/v1/quality/exemplars": "exemplars",
    "/v1/quality/appraisals": "appraisals", "/v1/targets": "targets", "/v1/audit": "audit_log",
    "/v1/scenarios/saved": "scenarios",
    "/v1/jobs": "jobs", "/v1/coverage/runs": "coverage_runs",
    "/v1/datasets": "datasets", "/v1/auth/users": "users", "/v1/auth/tokens": "api_tokens",
}  # fmt: skip
UNVERSIONED = ("audit_log", "datasets", "api_tokens", "jobs", "coverage_runs")
# the state that a step begins in
FROM_STATE = {
    "/remedy": "open", "/findings/{id}/close": "remedied", "/return": "remedied", "/take": "received",
    "/answer": "in_progress", "/complaints/{number}/close": "answered", "/reopen": "closed",
    "/ratings/{id}/publish": "pending", "/hide": "published", "/name": "proposed", "/withdraw": "proposed",
}  # fmt: skip
EARLY = "NOT is_cancelled AND inspected_on <= '2026-05-06'"  # before the days of the examples
SOMEBODY = "somebody"
# what the examples ask for and does not fit the demonstration city, or an account without that password
REFUSED = {
    "POST /v1/auth/password": 422, "POST /v1/targets": 409, "POST /v1/ledger/organisations": 409,
    "POST /v1/ledger/reports/steps": 409, "POST /v1/quality/appraisals": 409,
    "POST /v1/quality/appraisals/{year}/publish": 409, "POST /v1/ledger/sessions/{id}/attendance": 409,
    "PUT /v1/ledger/calendar/{year}": 422,  # the place is asked about another year than the example's
}  # fmt: skip
OF_STATIONS = (
    "pairings", "courses", "training_entries", "inspections", "findings", "ratings", "complaints", "exemplars",
    "visit_code_batches",
)  # fmt: skip


@dataclass
class Place:
    """The demonstration city; a town of it and a station there, which questions are about."""

    engine: Engine
    client: TestClient
    town: str
    station: str

    def about_what_there_is(self, path: str, parameters: Any, query: Any, body: Any) -> Any:
        """Put what there is into the parameters of a question, and return its body with that."""
        name, key, version = self._thing(path)
        there = {"code": self.town if path.startswith("/v1/areas") else self.station, "quarter": "2026Q2",
                 "level": "station", "year": 2025} | ({name: key} if name else {})  # fmt: skip
        for parameter in dict(parameters or {}):
            parameters[parameter] = there.get(parameter, parameters[parameter])
        if query and "version" in query:
            query["version"] = version
        return self._known(body, version)

    def _thing(self, path: str) -> tuple[str, Any, int | None]:
        """What a path is about: the name of its parameter, its key, its version; in the town where there is one."""
        table = next((t for p, t in TABLES.items() if path.startswith(f"{p}/{{")), None)
        if table is None:
            return "", None, None
        name = KEYS.get(table, "id")
        version = "NULL" if table in UNVERSIONED else "version"
        state = next((s for suffix, s in FROM_STATE.items() if path.endswith(suffix)), None)
        first = [f"state = '{state}'"] if state else []
        first += {
            "stations": [f"code = '{self.station}'"], "users": [f"username = '{SOMEBODY}'"],
            "inspections": [EARLY],
            "findings": ["state = 'open'", f"inspection_id IN (SELECT id FROM inspections WHERE {EARLY})"],
            "training_entries": ["quarter = '2026Q4'"],
        }.get(table, [])  # fmt: skip
        if table in OF_STATIONS:
            first.append(f"station_code = '{self.station}'")
        order = ", ".join(f"({one}) DESC" for one in first)
        with self.engine.connect() as connection:
            query = f"SELECT {name}, {version} FROM {table} ORDER BY {order}{', ' if order else ''}{name} DESC LIMIT 1"
            key, seen = connection.execute(text(query)).one()
        return name, str(key) if isinstance(key, UUID) else key, seen

    def _known(self, value: Any, version: int | None) -> Any:
        if isinstance(value, list):
            return [self._known(one, version) for one in value]
        if not isinstance(value, dict):
            return value
        held: dict[str, Any] = {"quarter": "2026Q4", "station": self.station, "station_code": self.station}
        if "organisation_id" in value:
            with self.engine.connect() as connection:
                held["organisation_id"] = connection.scalar(text("SELECT max(id) FROM organisations"))
        if version is not None:
            held["version"] = version
        return {name: held.get(name, self._known(one, version)) for name, one in value.items()}


@pytest.fixture(scope="module")
def place(make_database: MakeDatabase, isolated_home: Any) -> Iterator[Place]:
    engine = make_engine(make_database())
    with session_scope(engine) as writing:
        load_city(writing, generate(CitySpec(node_target=15_000, stations=120)))
        for statement in (
            "INSERT INTO scenarios (owner, name, shared, share_key, question) "
            "SELECT 'city', 'x', 'office', 'k' || id || '-' || n, question FROM scenarios, generate_series(1, 60) AS n",
            "INSERT INTO visit_code_batches (station_code, count, issued_by, expires_on) "
            "SELECT code, 1, 'demo', '2099-01-01' FROM stations",
            "INSERT INTO training_entries (station_code, quarter, kind, target_group, sessions_held, trainee_visits, "
            "training_hours, certificates) SELECT code, '2026Q4', 'special', 'women', 1, 20, 3, 0 FROM stations "
            "WHERE status = 'open'",
            "INSERT INTO exemplars (station_code, year, title, reason, state, proposed_by) "
            "SELECT code, 2027, '样板', '因', 'proposed', 'demo' FROM stations",
            "INSERT INTO jobs (id, kind, parameters, asked_by) VALUES (gen_random_uuid(), 'none', '{}', 'demo')",
        ):
            writing.execute(text(statement))
        add_user(writing, Role.VIEWER, "440106", username=SOMEBODY)
        town, station = writing.execute(
            text(
                "SELECT town_code, code FROM stations WHERE status = 'open' AND district_code = '440106' ORDER BY "
                "(SELECT count(*) FROM complaints WHERE station_code = code) + "
                "(SELECT count(*) FROM findings WHERE station_code = code) DESC, code LIMIT 1"
            )
        ).one()
    snapshot = ensure_snapshot(engine, home_settings())
    with session_scope(engine) as writing:
        store_run(writing, snapshot, CoverageQuery(resolve_profile(), date(2026, 11, 20)))
    holder = FixedHolder(snapshot)
    with serving(create_app(engine=engine, holder=holder)) as client:
        yield Place(engine, client, town, station)
    engine.dispose()


@pytest.fixture(scope="module")
def document(place: Place) -> Any:
    return schemathesis.openapi.from_asgi("/openapi.json", place.client.app)


@pytest.mark.parametrize(("path", "method", "operation"), TAKING_JSON, ids=[f"{m} {p}" for p, m, _ in TAKING_JSON])
def test_the_example_of_a_write_is_taken(place: Place, path: str, method: str, operation: dict[str, Any]) -> None:
    headers = signed_in(place.engine, Role.ADMINISTRATOR, "4401")
    parameters = {p["name"]: p["schema"]["examples"][0] for p in operation.get("parameters", ()) if p["in"] == "path"}
    body = example_of(operation["requestBody"]["content"]["application/json"]["schema"], SCHEMAS)
    body = place.about_what_there_is(path, parameters, {}, body)
    answer = place.client.request(method, path.format(**parameters), json=body, headers=headers)
    refused = REFUSED.get(f"{method} {path}")
    assert answer.status_code == refused if refused else answer.status_code in (200, 201, 202, 204), answer.text


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_an_administrator_gets_what_is_promised(
    place: Place, document: Any, path: str, method: str, mode: GenerationMode
) -> None:
    if mode is GenerationMode.NEGATIVE and (path, method) not in WITH_INPUT:
        return  # nothing that could be wrong
    headers = signed_in(place.engine, Role.ADMINISTRATOR, "4401")
    seen = ask(place, document, path, method, mode, headers, FEW)
    if path not in OWN_SIGN_IN:
        assert 401 not in seen, "signed in it was"


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize(("path", "method"), OFFICERS)
def test_a_town_officer_gets_what_is_promised(
    place: Place, document: Any, path: str, method: str, mode: GenerationMode
) -> None:
    if mode is GenerationMode.NEGATIVE and (path, method) not in WITH_INPUT:
        return
    headers = signed_in(place.engine, Role.TOWN_OFFICER, place.town)
    seen = ask(place, document, path, method, mode, headers, FEWER)
    if path not in OWN_SIGN_IN:
        assert 401 not in seen, "signed in it was"


def sensible(case: Any, operation: dict[str, Any], chance: Random) -> None:
    """Put the document's examples in place of all but one or two values: else most is refused at the door."""
    examples = {p["name"]: p["schema"]["examples"][0] for p in operation.get("parameters", ()) if p["in"] == "query"}
    for name in list(case.query or {}):
        if name == "cursor":
            del case.query[name]
        elif chance.random() < 2 / 3:
            case.query[name] = examples[name]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is not None:
        case.body = _blended(case.body, example_of(content["schema"], SCHEMAS), chance, 2 / 3)


def _blended(made_up: Any, example: Any, chance: Random, share: float) -> Any:
    if isinstance(made_up, dict) and isinstance(example, dict):
        share = max(share, 1 - 1.5 / max(len(made_up), 1))
        return {n: _blended(one, example[n], chance, share) if n in example else one for n, one in made_up.items()}
    if isinstance(made_up, list) and made_up and isinstance(example, list) and example:
        return [_blended(one, example[0], chance, share) for one in made_up]
    return example if chance.random() < share else made_up


def ask(
    place: Place, document: Any, path: str, method: str, mode: GenerationMode, headers: dict[str, str], bounds: Any
) -> set[int]:
    """Ask what the document allows (or does not), hold every answer to its promises, and return the statuses."""
    is_right = mode is GenerationMode.POSITIVE
    checks = PROMISES if is_right else [*PROMISES, negative_data_rejection]
    seen: set[int] = set()

    @bounds
    @given(case=document[path][method].as_strategy(generation_mode=mode), chance=st.randoms())
    def asked(case: Any, chance: Random) -> None:
        if is_right:
            sensible(case, DOCUMENT["paths"][path][method.lower()], chance)
            case.body = place.about_what_there_is(path, case.path_parameters, case.query, case.body)
        seen.add(case.call_and_validate(checks=checks, headers=headers).status_code)

    asked()
    return seen
