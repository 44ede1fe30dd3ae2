"""A position is personal: neither its digits nor the query that held them are written down, whatever happens."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, text
from starlette.testclient import TestClient as Client

from app.services.positions import read_position
from app.services.snapshot import Snapshot
from tests.api.conftest import TestClient
from tests.api.test_nearest import asked, places

# large, and nobody writes to them while people ask
LAYERS = {"walk_nodes", "walk_edges", "population_cells", "areas", "spatial_ref_sys"}
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
    told = written(capfd, caplog)
    for trace in (*traces(right), "114.91", "21.91", "123.45"):
        assert trace not in told


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
    told = written(capfd, caplog)
    for answer in answers:
        assert answer.status_code == 500 and answer.json()["code"] == "internal_error"
        assert answer.json()["request_id"] in told, "the failure itself is logged"
        for trace in traces(params):
            assert trace not in answer.text
    for trace in traces(params)[:2]:  # the text of this failure names its fields, but no digit of them
        assert trace not in told


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


def degrees_in(written: str) -> set[str]:
    """Whatever looks like degrees with six digits, with two and with three before the point."""
    return {
        whole[at:] + rest
        for whole, rest in re.findall(r"([0-9]{2,3})(\.[0-9]{6})", written)
        for at in range(len(whole) - 1)
    }


def kept(engine: Engine, home: Path) -> set[str]:
    """The degrees that stand in the tables and in the files of the service."""
    found = [path.read_bytes().decode("latin-1") for path in home.rglob("*") if path.is_file()]
    with engine.connect() as connection:
        tables = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")).all()
        for table in sorted(set(tables) - LAYERS):
            found += map(str, connection.scalars(text(f'SELECT t::text FROM "{table}" t')))
    return degrees_in("\n".join(found))


def test_a_thousand_lookups_leave_no_trace_in_logs_tables_or_files(
    client: TestClient, demo_engine: Engine, demo_snapshot: Snapshot, isolated_home: Path,
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """All that the service wrote is searched for every position that it was asked about: as given, and in WGS84."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.CRITICAL)
    rng, needles = np.random.default_rng(8), set()
    codes = [station.code for station in demo_snapshot.stations.table.stations]
    before = kept(demo_engine, isolated_home)
    for k, place in enumerate(places(demo_snapshot, 40) * 25):
        lng, lat = (round(v + float(rng.uniform(-0.01, 0.01)), 6) for v in (place.lng, place.lat))
        asked_here = {"lng": lng, "lat": lat, "crs": ("gcj02", "wgs84")[k % 2]}
        position = read_position(lng, lat, asked_here["crs"])
        needles |= {f"{lng:.6f}", f"{lat:.6f}", f"{position.lng:.6f}", f"{position.lat:.6f}"}
        if k % 10 == 0:
            client.post(f"/v1/stations/{codes[k % len(codes)]}/route", json=asked_here)
        elif k % 10 == 1:
            client.get(ISOCHRONES, params={**asked_here, "minutes": "5"})
        elif k % 10 == 2:
            client.get(NEAREST, params={**asked_here, "accuracy_m": 60, "format": "wx" if k % 4 else "json"})
        elif k % 2:
            client.post(NEAREST, json={**asked_here, "order": "session", "form": ["evening_school"]})
        else:
            client.get(NEAREST, params={**asked_here, "open_at": "now", "limit": 0 if k % 50 == 4 else 3})
    found = degrees_in(written(capfd, caplog)) | kept(demo_engine, isolated_home)
    assert len(needles) > 2_900 and len(found) > 100
    # six digits meet those of a station by chance now and then
    assert len(needles & before) < 30
    assert needles & found - before == set()
