"""An import that is cut off leaves nothing behind and can be repeated."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import psycopg
import pytest

from app.db.embedded import PrivateCluster
from app.settings import PROJECT_ROOT
from tests.ingest.pbf import write_pbf
from tests.support.running import command, run, running_up, status_of

SIDE = 160  # junctions along a side: an import long enough to be interrupted


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A grid of streets as an OSM file."""
    nodes = {
        1 + j * SIDE + i: (113.0 + i * 1e-3, 23.0 + j * 1e-3) for j in range(SIDE) for i in range(SIDE)
    }  # fmt: skip
    street = {"highway": "residential"}
    ways = [(1 + j, [1 + j * SIDE + i for i in range(SIDE)], street) for j in range(SIDE)]
    ways += [(1 + SIDE + i, [1 + j * SIDE + i for j in range(SIDE)], street) for i in range(SIDE)]
    path = tmp_path_factory.mktemp("osm") / "grid.osm.pbf"
    write_pbf(path, nodes, ways)
    return path


def psql(home: Path, query: str) -> str:
    return run(home, "db", "psql", "-Atc", query).stdout.strip()


def importing(home: Path, path: Path) -> subprocess.Popen[str]:
    line, environment = command(home, "import", "osm", str(path))
    return subprocess.Popen(
        line, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for_writing(home: Path, process: subprocess.Popen[str]) -> None:
    """Return while the import is inside its transaction and copying rows."""
    url = run(home, "db", "url").stdout.strip()
    with psycopg.connect(url, autocommit=True) as connection:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            query = "SELECT count(*) FROM pg_stat_progress_copy"
            if connection.execute(query).fetchone() != (0,):
                return
    raise AssertionError(f"the import was never seen writing: {process.communicate()}")


def test_kill_9_of_the_database_and_the_service_during_an_import(home: Path, streets: Path) -> None:
    with running_up(home):
        process = importing(home, streets)
        wait_for_writing(home, process)
        state = PrivateCluster(home).files.read_state()
        assert state is not None
        os.kill(state.postgres_pid, signal.SIGKILL)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "Traceback" not in said and "rolled back" in said
    with running_up(home) as (_, address):
        assert status_of(address) == 200
        assert psql(home, "SELECT (SELECT count(*) FROM walk_edges), (SELECT count(*) FROM datasets)") == "0|0"
        done = run(home, "import", "osm", str(streets))
        assert done.returncode == 0, done.stderr
        assert psql(home, "SELECT count(*) FROM walk_nodes") == str(SIDE * SIDE)
