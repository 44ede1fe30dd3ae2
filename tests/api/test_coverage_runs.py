"""Runs over HTTP: listed, told with all that they came from; the service cannot alter them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from app.db.engine import SERVICE_ROLE, make_engine, session_scope
from app.geo.coverage import METHOD_VERSION
from app.main import create_app
from app.services.coverage import CoverageQuery
from app.services.profiles import resolve_profile
from app.services.runs import store_run
from app.services.snapshot import ensure_snapshot
from app.settings import home_settings
from tests.api.conftest import FixedHolder, TestClient, serving
from tests.conftest import MakeDatabase
from tests.support.cities import load_block_city

RUNS = "/v1/coverage/runs"
DAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def engine(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database())
    with session_scope(made) as writing:
        load_block_city(writing)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def stored(engine: Engine, isolated_home: Any) -> list[str]:
    """Ids of three runs, oldest first."""
    snapshot = ensure_snapshot(engine, home_settings())
    made = []
    for minutes in (4.0, 5.0, 6.0):
        with session_scope(engine) as session:
            made.append(store_run(session, snapshot, CoverageQuery(resolve_profile("senior"), DAY, minutes)).id)
    return made


@pytest.fixture(scope="module")
def client(engine: Engine, stored: list[str]) -> Iterator[TestClient]:
    with serving(create_app(engine=engine, holder=FixedHolder(ensure_snapshot(engine, home_settings())))) as made:
        yield made


def test_pages_newest_first(client: TestClient, stored: list[str]) -> None:
    seen, path = [], f"{RUNS}?limit=2"
    while path:
        answer = client.get(path)
        seen.append([one["id"] for one in answer.json()["runs"]])
        assert answer.json()["data_notice"]["synthetic"]
        path = answer.links["next"]["url"] if "next" in answer.links else ""
    assert seen == [[stored[2], stored[1]], [stored[0]]]
    first = client.get(RUNS)
    assert client.get(RUNS, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert client.get(f"{RUNS}?cursor=WyJhIiwiYiJd").status_code == 422


def test_a_run_says_what_it_came_from(client: TestClient, engine: Engine, stored: list[str]) -> None:
    answer = client.get(f"{RUNS}/{stored[1]}")
    run = answer.json()
    assert run["profile"] == {"name": "senior", "speed_kmh": 3.2, "step_free": False}
    assert (run["minutes"], run["as_of"], run["method_version"]) == (5.0, "2026-11-20", METHOD_VERSION)
    assert run["parameters"]["snap_limit_m"] == 500.0
    assert set(run["inputs"]["layers"]) == {"boundaries", "network", "population", "stations"}
    with engine.connect() as connection:
        known = connection.execute(text("SELECT id, sha256, source, licence FROM datasets WHERE is_current")).all()
        server = connection.scalar(text("SHOW server_version"))
        rows = connection.execute(text("SELECT area_code, covered FROM coverage_area_results WHERE run_id = :id"),
                                  {"id": stored[1]}).all()  # fmt: skip
    told = {(d["id"], d["sha256"], d["source"], d["licence"]) for d in run["inputs"]["datasets"]}
    assert told == {tuple(row) for row in known}
    assert {"skillsmap", "python", "numpy", "numba", "postgis", "geos"} <= set(run["software"])
    assert server is not None and server.startswith(run["software"]["postgresql"])
    assert {(r["code"], r["covered"]) for r in run["rows"]} == {tuple(row) for row in rows}
    for row in run["rows"]:
        assert row["covered"] + row["uncovered"] + row["off_network"] == row["population"]
    assert run["synthetic"] and run["data_notice"]["message"] and run["cells"] > 0
    held = client.get(f"{RUNS}/{stored[1]}", headers={"If-None-Match": answer.headers["ETag"]})
    assert held.status_code == 304


def test_its_figures_are_those_of_coverage_with_the_same_id(client: TestClient, stored: list[str]) -> None:
    asked = client.get("/v1/coverage?level=district&minutes=5&profile=senior&as_of=2026-11-20").json()
    assert asked["run_id"] == stored[1]
    run = {row["code"]: row for row in client.get(f"{RUNS}/{stored[1]}").json()["rows"]}
    for row in asked["rows"]:
        assert {n: run[row["code"]][n] for n in ("population", "covered", "rate")} == {
            n: row[n] for n in ("population", "covered", "rate")
        }


def test_a_run_that_there_is_not(client: TestClient) -> None:
    answer = client.get(f"{RUNS}/0000000000000000", headers={"Accept-Language": "en"})
    assert answer.status_code == 404 and "/v1/coverage/runs" in answer.json()["errors"][0]["remedy"]


def test_a_dropped_dataset_is_no_longer_known_but_still_named(client: TestClient, engine: Engine) -> None:
    (run,) = client.get(f"{RUNS}?limit=1").json()["runs"]
    with engine.begin() as connection:
        was = connection.scalar(text("SELECT sha256 FROM datasets WHERE kind = 'network'"))
        connection.execute(text("UPDATE datasets SET sha256 = 'other' WHERE kind = 'network'"))
    try:
        told = client.get(f"{RUNS}/{run['id']}").json()["inputs"]["datasets"]
        (one,) = [d for d in told if d["kind"] == "network"]
        assert (one["sha256"], one["source"], one["is_current"]) == (was, None, None)
    finally:
        with engine.begin() as connection:
            connection.execute(text("UPDATE datasets SET sha256 = :was WHERE kind = 'network'"), {"was": was})


@pytest.mark.parametrize("table", ["coverage_runs", "coverage_area_results", "coverage_cell_results"])
def test_the_service_cannot_alter_what_is_recorded(engine: Engine, stored: list[str], table: str) -> None:
    service = make_engine(engine.url.render_as_string(hide_password=False), role=SERVICE_ROLE)
    column = "profile" if table == "coverage_runs" else "covered"
    for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):
        with pytest.raises(DBAPIError, match="permission denied"), service.begin() as connection:
            connection.execute(text(statement))
    service.dispose()
