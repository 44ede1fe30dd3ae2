"""A position is personal: neither its digits nor the query that held them are written down, whatever happens."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient as Client

from app.services.snapshot import Snapshot
from tests.api.conftest import TestClient
from tests.api.test_nearest import asked, places

NEAREST, ISOCHRONES = "/v1/stations/nearest", "/v1/isochrones"


def written(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> str:
    out, err = capfd.readouterr()
    return out + err + caplog.text


def traces(params: dict[str, Any]) -> list[str]:
    """What must not appear: the coordinates to a kilometre or finer."""
    return [str(params["lng"])[:6], str(params["lat"])[:5], "lng=", "lat="]


def test_lookups_and_errors_leave_no_trace(
    client: TestClient, demo_snapshot: Snapshot, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.CRITICAL)  # the client's own log, not the service's
    (place,) = places(demo_snapshot, 1)
    right = asked(place)
    wrong = [{**right, "crs": "nowhere"}, {**right, "lat": 123.456}, {**right, "limit": 0}, {**right, "x": 1}]
    for params in (right, *wrong, {"lng": 114.9123, "lat": 21.9123, "crs": "wgs84"}):
        for path in (NEAREST, ISOCHRONES):
            client.get(path, params=params)
        client.post(NEAREST, json=params)
    text = written(capfd, caplog)
    for trace in (*traces(right), "114.91", "21.91", "123.45"):
        assert trace not in text


def test_a_failure_leaves_no_trace(
    app: FastAPI, client: TestClient, demo_snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.CRITICAL)
    (place,) = places(demo_snapshot, 1)
    params = asked(place)

    def fail(snapshot: object, position: Any, *args: object, **more: object) -> None:
        raise ZeroDivisionError(f"at {position.lng}, {position.lat} for {position}")

    monkeypatch.setattr("app.api.routes.nearest.find_nearest", fail)
    monkeypatch.setattr("app.api.routes.isochrones.isochrones_of_position", fail)
    careless = Client(app, raise_server_exceptions=False)
    answers = [
        careless.get(NEAREST, params=params), careless.post(NEAREST, json=params),
        careless.get(ISOCHRONES, params=params),
    ]  # fmt: skip
    text = written(capfd, caplog)
    for answer in answers:
        assert answer.status_code == 500 and answer.json()["code"] == "internal_error"
        assert answer.json()["request_id"] in text, "the failure itself is logged"
        for trace in traces(params):
            assert trace not in answer.text
    for trace in traces(params)[:2]:  # the text of this failure names its fields, but no digit of them
        assert trace not in text


def test_answers_to_a_position_are_kept_nowhere(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    for answer in (
        client.get(NEAREST, params=asked(place)),
        client.post(NEAREST, json=asked(place)),
        client.get(ISOCHRONES, params=asked(place)),
        client.get(ISOCHRONES, params=asked(place, format="hexes")),
        client.get(NEAREST, params=asked(place, crs="none")),
    ):
        assert answer.headers["cache-control"] == "no-store" and "etag" not in answer.headers
        assert answer.headers["referrer-policy"] == "no-referrer"


def test_the_path_of_a_problem_holds_no_query(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    problem = client.get(NEAREST, params=asked(place, crs="none")).json()
    assert problem["instance"] == NEAREST
