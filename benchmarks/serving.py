"""The service over HTTP, beside a constant answer: of the same service by one connection, of FastAPI's under load."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any
from urllib.parse import urlencode

import numpy as np

from app.services.snapshot import Snapshot
from app.services.station_table import today
from benchmarks import load
from benchmarks.filters import filtered_targets
from benchmarks.timing import summary, versus
from benchmarks.walking import positions

LOOKUPS = 500
POSITIONS = 2_000  # under load


def under_load(host: str, port: int, snapshot: Snapshot) -> dict[str, Any]:
    """The nearest stations, plain and with filters, with 16 connections beside a constant endpoint of FastAPI."""
    plain = [
        f"/v1/stations/nearest?{urlencode({'lng': f'{p.lng:.6f}', 'lat': f'{p.lat:.6f}', 'crs': 'wgs84'})}"
        for p in positions(snapshot, POSITIONS)
    ]
    settle(host, port)
    return {
        "nearest_under_load": load.run(host, port, plain),
        "nearest_with_filters_under_load": load.run(host, port, filtered_targets(snapshot, POSITIONS)),
    }


def scenario(snapshot: Snapshot, changes: int, seed: int) -> dict[str, Any]:
    """Stations added, moved and closed in turn, at seeded street corners of the part that matters."""
    rng, network = np.random.default_rng(seed), snapshot.network
    main = np.flatnonzero(network.adjacency(step_free=False).component == 0)
    corners = rng.choice(main, changes)
    codes = [s.code for s in snapshot.stations.table.stations if s.is_open_on(today())]
    chosen = rng.choice(len(codes), changes, replace=False)
    made: list[dict[str, Any]] = []
    for k, (corner, station) in enumerate(zip(corners.tolist(), chosen.tolist(), strict=True)):
        there = {"lng": float(network.node_lng[corner]), "lat": float(network.node_lat[corner])}
        kind = ("add", "move", "close")[(k + seed) % 3]
        code = {} if kind == "add" else {"code": codes[station]}
        made.append({"kind": kind, **code, **({} if kind == "close" else there)})
    return {"crs": "wgs84", "level": "town", "changes": made}


def settle(host: str, port: int) -> None:
    """Wait until the service has done what it does once after its start: twenty quick answers in a row."""
    quick, connection = 0, http.client.HTTPConnection(host, port, timeout=60)
    while quick < 20:
        started = time.perf_counter()
        connection.request("GET", "/v1/coverage/curve")
        connection.getresponse().read()
        quick = quick + 1 if time.perf_counter() - started < 0.02 else 0
        time.sleep(0.25)
    connection.close()


def run(host: str, port: int, snapshot: Snapshot) -> dict[str, Any]:
    """Times of the main calls; every answer is checked to be one."""
    connection = http.client.HTTPConnection(host, port, timeout=30)
    places = positions(snapshot, POSITIONS)

    def ask(path: str, body: Any = None, **query: Any) -> tuple[float, Any]:
        target = f"{path}?{urlencode(query)}" if query else path
        sent = None if body is None else json.dumps(body)
        started = time.perf_counter()
        connection.request("GET" if sent is None else "POST", target, sent, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        body = answer.read()
        elapsed = (time.perf_counter() - started) * 1e3
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
        return elapsed, body

    def scenarios(changes: int) -> dict[str, float]:
        asked = [scenario(snapshot, changes, seed) for seed in range(25)]
        return summary([ask("/v1/scenarios", body)[0] for body in asked][5:])

    def several(path: str, queries: list[dict[str, Any]]) -> dict[str, float]:
        for query in queries[:5]:
            ask(path, **query)
        return summary([ask(path, **query)[0] for query in queries])

    where = [{"lng": f"{p.lng:.6f}", "lat": f"{p.lat:.6f}", "crs": "wgs84"} for p in places]
    where = where[:LOOKUPS]
    constant = several("/healthz", [{}] * LOOKUPS)
    nearest = several("/v1/stations/nearest", where)
    bands = several("/v1/isochrones", [{**w, "minutes": "5,10,15"} for w in where[:100]])
    towns = several("/v1/coverage", [{"level": "town", "minutes": 5 + k % 20} for k in range(100)])
    _, body = ask("/v1/coverage", level="town", minutes=15)
    one, fifty = scenarios(1), scenarios(50)
    gaps = several("/v1/coverage/gaps", [{"level": "town", "minutes": 5 + k % 20 + k / 100} for k in range(25)])
    days = [{"from": f"2025-{1 + k % 12:02}-15", "level": "town"} for k in range(24)]
    changes = several("/v1/coverage/changes", [*days, *days])  # each day's stations are looked up once
    connection.close()
    return {
        "nearest": versus(nearest, constant, "GET /healthz", 3.0),
        "isochrone_three_bands": versus(bands, constant, "GET /healthz", 25.0),
        "coverage_by_town": versus(towns, constant, "GET /healthz", 20.0),
        "rows_by_town": len(json.loads(body)["rows"]),
        "scenario_of_one_change": versus(one, constant, "GET /healthz", 20.0),
        "scenario_of_fifty_changes": versus(fifty, constant, "GET /healthz", 100.0),
        "gaps_of_the_city": versus(gaps, constant, "GET /healthz", 150.0),
        "changes_since_a_day": versus(changes, constant, "GET /healthz", 200.0),
        **under_load(host, port, snapshot),
    }
