"""Many requests at once through a real server, while the snapshot is replaced: every answer is whole."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlencode

import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine

from app.main import create_app
from app.services.coverage import CoverageQuery, run_id
from app.services.profiles import resolve_profile
from app.services.snapshot import Snapshot, assemble
from app.services.station_table import StationTable, today
from tests.api.conftest import FixedHolder
from tests.api.test_nearest import asked, places

REQUESTS, CLIENTS = 200, 16


@contextmanager
def running(app: FastAPI) -> Iterator[int]:
    """A server in a thread on a free port, configured as the service is."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        config = uvicorn.Config(app, loop="uvloop", http="httptools", access_log=False, log_level="warning")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 30
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        try:
            yield port
        finally:
            server.should_exit = True
            thread.join(15)


def renamed(snapshot: Snapshot) -> Snapshot:
    """The same city with half of its stations: every one closed that has an even number, and all names changed."""
    table = snapshot.stations.table
    stations = [
        replace(s, name=f"新{s.name}", closed_on=today() if k % 2 == 0 else s.closed_on)
        for k, s in enumerate(table.stations)
    ]
    part = replace(
        snapshot.stations, key="half", table=StationTable(stations, snapshot.areas), inputs={"stations": "half"}
    )
    return assemble(snapshot.city, part, snapshot.method)


def test_every_answer_is_of_one_snapshot(demo_engine: Engine, demo_snapshot: Snapshot) -> None:
    old = assemble(demo_snapshot.city, demo_snapshot.stations, demo_snapshot.method)  # with caches of its own
    new = renamed(old)
    query = CoverageQuery(resolve_profile(), today())
    runs = {run_id(old, query): old, run_id(new, query): new}
    assert len(runs) == 2
    holder = FixedHolder(old)
    positions = places(demo_snapshot, 20)
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            holder.snapshot = new if holder.snapshot is old else old
            time.sleep(0.003)

    def ask(port: int, k: int) -> tuple[str, int, dict[str, str], bytes]:
        question = urlencode(asked(positions[k % len(positions)], limit=10))
        target = (f"/v1/stations/nearest?{question}", "/v1/coverage?level=district", "/v1/coverage/curve")[k % 3]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", target)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return target, answer.status, dict(answer.getheaders()), body

    with running(create_app(engine=demo_engine, holder=holder)) as port:
        swapping = threading.Thread(target=swap)
        swapping.start()
        try:
            with ThreadPoolExecutor(CLIENTS) as pool:
                answers = list(pool.map(lambda k: ask(port, k), range(REQUESTS)))
        finally:
            done.set()
            swapping.join()
    seen: dict[str, set[object]] = {"nearest": set(), "coverage": set()}
    tags: dict[tuple[str, str], bytes] = {}
    for target, status, headers, body in answers:
        assert status == 200, body
        found = json.loads(body)
        if "nearest" in target:
            names = {hit["station"]["name"].startswith("新") for hit in found["hits"]}
            assert len(names) <= 1, "stations of two snapshots in one answer"
            seen["nearest"] |= names
            continue
        tag = (target, headers["etag"])
        assert tags.setdefault(tag, body) == body, "one tag, two answers"
        if "curve" not in target:
            # the stations counted are those of the snapshot whose run the answer names
            snapshot = runs[found["run_id"]]
            leaf = snapshot.stations.table.leaf
            assert found["totals"]["stations"] == int((snapshot.open_mask(today()) & (leaf >= 0)).sum())
            seen["coverage"].add(found["run_id"])
    assert all(len(kinds) == 2 for kinds in seen.values()), "both snapshots must have been asked"


def test_a_slow_question_does_not_hold_up_the_others(demo_engine: Engine, demo_snapshot: Snapshot) -> None:
    """Liveness and nearest answer while coverage that nobody asked for before is being computed."""
    fresh = assemble(demo_snapshot.city, demo_snapshot.stations, demo_snapshot.method)
    (place,) = places(demo_snapshot, 1)
    target = f"/v1/stations/nearest?{urlencode(asked(place))}"
    with running(create_app(engine=demo_engine, holder=FixedHolder(fresh))) as port, ThreadPoolExecutor(4) as pool:

        def get(path: str) -> tuple[int, float]:
            started = time.perf_counter()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            connection.close()
            return answer.status, time.perf_counter() - started

        get(target)
        slow = [pool.submit(get, f"/v1/coverage/gaps?speed_kmh={3 + k / 10}") for k in range(3)]
        quick = [get(target) for _ in range(20)]
        assert all(status == 200 for status, _ in quick)
        assert all(one.result()[0] == 200 for one in slow)
        assert sorted(seconds for _, seconds in quick)[10] < 0.5
