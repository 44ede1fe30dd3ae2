"""What ``up --empty`` answers before anything was imported: every call of the document, by its own examples."""

from __future__ import annotations

from typing import Any

import pytest

from app.api.docs_page import operations
from app.main import create_app
from tests.api.conftest import FixedHolder, TestClient

DOCUMENT = create_app(holder=FixedHolder()).openapi()
CALLS = [one for one in operations(DOCUMENT) if one[0].startswith("/v1/")]


def example_of(parameter: dict[str, Any]) -> Any:
    return parameter["schema"]["examples"][0]


def ask(client: TestClient, path: str, method: str, operation: dict[str, Any], *, every: bool) -> Any:
    """The call with what it requires, or with every parameter it has, each as its example."""
    parameters = operation.get("parameters", ())
    query = {
        p["name"]: example_of(p)
        for p in parameters
        if p["in"] == "query" and (p.get("required") or every) and example_of(p) is not None
    }
    query.pop("cursor", None)  # bound to its question
    for p in parameters:
        if p["in"] == "path":
            path = path.replace("{" + p["name"] + "}", str(example_of(p)))
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return client.request(method, path, params=query, json=body.get("example"))


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize(("path", "method", "operation"), CALLS, ids=[f"{m} {p}" for p, m, _ in CALLS])
def test_every_call_answers_clearly(
    empty_client: TestClient, path: str, method: str, operation: dict[str, Any], every: bool
) -> None:
    answer = ask(empty_client, path, method, operation, every=every)
    assert answer.status_code in (200, 401, 404, 422, 503), answer.text
    assert str(answer.status_code) in operation["responses"]
    if answer.status_code == 200:
        body = answer.json()
        if path.startswith(("/v1/vocabularies", "/v1/calendar")):
            return  # they are there before any data
        assert body.get("total", 0) == 0 and next(held for held in body.values() if isinstance(held, list)) == []
        return
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["code"] in ("not_found", "level_not_loaded", "not_ready", "invalid_input", "unauthenticated")
    assert problem["detail"]
    if answer.status_code == 503:
        assert answer.headers["retry-after"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/stations", 200, None),
        ("/v1/stations?format=geojson", 200, None),
        ("/v1/areas", 200, None),
        ("/v1/areas?format=geojson&simplify_m=100", 200, None),
        ("/v1/datasets", 200, None),
        ("/v1/stations?district=440106", 404, "level_not_loaded"),
        ("/v1/areas?level=town", 404, "level_not_loaded"),
        ("/v1/areas/440106", 404, "not_found"),
        ("/v1/stations/GZ-0001", 404, "not_found"),
        ("/v1/datasets/1", 404, "not_found"),
        ("/v1/stations/nearest?lng=113.26&lat=23.13&crs=wgs84", 503, "not_ready"),
        ("/v1/isochrones?lng=113.26&lat=23.13&crs=wgs84", 503, "not_ready"),
        ("/v1/coverage?level=town", 503, "not_ready"),
        ("/v1/coverage/gaps", 503, "not_ready"),
        ("/v1/coverage/curve", 503, "not_ready"),
    ],
)
def test_what_is_said_of_nothing(empty_client: TestClient, path: str, status: int, code: str | None) -> None:
    answer = empty_client.get(path)
    assert answer.status_code == status, answer.text
    if code is not None:
        assert answer.json()["code"] == code
