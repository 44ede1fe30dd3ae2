"""The OpenAPI document and the page made from it."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.api.docs_page import operations, problem_kinds, prose, render
from app.api.schemas.jobs import EXAMPLE_ID
from app.main import create_app
from app.models import CoverageRun, Job
from app.models.vocabularies import Role
from tests.api.conftest import FixedHolder, TestClient
from tests.support.accounts import signed_in

DOCUMENT = create_app(holder=FixedHolder()).openapi()
OPERATIONS = list(operations(DOCUMENT))
IDS = [operation["operationId"] for _, _, operation in OPERATIONS]
PAGE = render(DOCUMENT)
RUN = {
    "id": "3f6c1f0a9b2d4e57", "method_version": "1", "minutes": 15.0, "profile": "adult", "synthetic": True,
    "parameters": {
        "profile": "adult", "minutes": 15.0, "speed_kmh": 4.8, "step_free": False, "as_of": "2026-11-24",
        "station_types": [],
    },
    "inputs": {"layers": {}, "datasets": []}, "results_sha256": "x",
}  # fmt: skip


def validator(schema: dict[str, Any]) -> Any:
    return jsonschema_rs.validator_for({**schema, "components": DOCUMENT["components"]})


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def test_the_document_is_served_and_named(known_client: TestClient) -> None:
    served = known_client.get("/openapi.json").json()
    assert served["openapi"].startswith("3.1") and served["info"]["title"] and served["info"]["version"]
    assert {"stations", "areas", "datasets", "service"} <= {tag["name"] for tag in served["tags"]}
    assert all(tag["description"] for tag in served["tags"])


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        where: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            where = where[step]
    assert "HTTPValidationError" not in DOCUMENT["components"]["schemas"]


def test_operation_ids_read_as_methods() -> None:
    assert len(set(IDS)) == len(IDS)
    assert {"listStations", "getStation", "listAreas", "getArea", "listDatasets", "getDataset"} <= set(IDS)
    for name in IDS:
        assert re.fullmatch(r"[a-z]+[A-Z][A-Za-z]+", name)


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=IDS)
def test_every_call_is_described(path: str, method: str, operation: dict[str, Any]) -> None:
    assert operation["summary"] and operation["description"] and operation["tags"]
    assert " · " in operation["summary"]  # Chinese and English
    for parameter in operation.get("parameters", ()):
        assert parameter["description"], parameter["name"]
        (example, *_) = parameter["schema"]["examples"]
        validator(parameter["schema"]).validate(example)
    responses = operation["responses"]
    needed = {"422", "500", "503"} | ({"404"} if "{" in path else set())
    assert needed <= set(responses)
    for status, response in responses.items():
        if status.startswith(("4", "5")):
            content = response["content"]["application/problem+json"]
            assert list(response["content"]) == ["application/problem+json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            validator(content["schema"]).validate(content["example"])
            assert content["example"]["status"] == int(status)


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=IDS)
def test_every_answer_has_an_example_that_is_one(path: str, method: str, operation: dict[str, Any]) -> None:
    answers = operation["responses"]
    (good,) = (
        answers[status]
        for status in ("200", "201", "202", "204")
        if status in answers and not (status == "204" and "200" in answers)
    )
    for media_type, content in good.get("content", {}).items():
        if media_type.endswith("json"):
            assert content["example"], media_type
            validator(content["schema"]).validate(content["example"])


def test_the_page_shows_every_call_and_every_problem_and_loads_nothing(known_client: TestClient) -> None:
    answer = known_client.get("/docs")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
    for path, _, operation in OPERATIONS:
        assert f'id="{operation["operationId"]}"' in answer.text and f"<code>{path}</code>" in answer.text
        for parameter in operation.get("parameters", ()):
            assert f"<code>{parameter['name']}</code>" in answer.text
    for kind in problem_kinds():
        assert f'id="problem-{kind.code}"' in answer.text
    assert not re.search(r"<(script|link|img|iframe)|src=|@import|url\(", answer.text)
    named = r"http://127\.0\.0\.1:8000|http://www\.opengis\.net/|https://json-schema\.org/"  # the latter two are names
    assert "://" not in re.sub(named, "", answer.text)


def test_examples_on_the_page_work(client: TestClient, demo_engine: Engine) -> None:
    """Every linked example is answered by the demonstration city; to an administrator where one has to sign in."""
    links = re.findall(r'例 · Example: <a href="([^"]+)"', PAGE)
    assert len(links) == sum(method == "GET" for _, method, _ in OPERATIONS)
    headers = signed_in(demo_engine, Role.ADMINISTRATOR, "4401", username="tianhe")
    with Session(demo_engine) as session, session.begin():  # what the city itself has no example of
        session.add(Job(id=UUID(EXAMPLE_ID), kind="coverage_run", parameters={}, asked_by="tianhe"))
        session.add(CoverageRun(**RUN))
    wrong = []
    for link in links:
        answer = client.get(link.replace("&amp;", "&"))
        if answer.status_code == 401:
            answer = client.get(link.replace("&amp;", "&"), headers=headers)
        if answer.status_code != 200:
            wrong.append((link, answer.text))
    assert wrong == []


def test_problem_types_lead_to_the_page(known_client: TestClient) -> None:
    kind = known_client.get("/v1/stations/none").json()["type"]
    answer = known_client.get(kind)
    assert answer.status_code == 303 and answer.headers["location"] == "/docs#problem-not_found"
    assert known_client.get("/problems/<x>").status_code == 422
    assert known_client.get("/").headers["location"] == "/docs"


def test_prose_is_escaped() -> None:
    made = prose("## A `<b>`\n\n- one\n- `two`\n\nthree\nfour")
    assert made == (
        "<h3>A <code>&lt;b&gt;</code></h3><ul><li>one</li><li><code>two</code></li></ul><p>three<br>four</p>"
    )
