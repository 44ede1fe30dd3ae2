"""The import commands as a person runs them: real files in, exit codes and messages out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from app.db.engine import libpq_url
from app.repositories.datasets import LOAD_LOCK
from app.settings import PROJECT_ROOT
from tests.conftest import MakeDatabase
from tests.ingest.pbf import grid, write_pbf

Run = Callable[..., subprocess.CompletedProcess[str]]
COMMAND = [sys.executable, "-m", "app.cli", "import"]


@pytest.fixture(scope="module")
def url(make_database: MakeDatabase) -> str:
    return libpq_url(make_database())


@pytest.fixture(scope="module")
def run(url: str) -> Run:
    def command(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *map(str, arguments)], cwd=PROJECT_ROOT, env={**os.environ, "DATABASE_URL": url},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    return command


def count(url: str, table: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # type: ignore[arg-type]
    assert row is not None
    return int(row[0])


def square(path: Path, west: float, south: float, east: float, north: float) -> Path:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    feature = {
        "type": "Feature", "properties": {"code": "1", "name": "城市"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }  # fmt: skip
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path


def test_a_whole_city(tmp_path: Path, shared_data: Path, run: Run, url: str) -> None:
    poa = shared_data / "porto-alegre"
    city = square(tmp_path / "city.geojson", -51.3, -30.2, -51.1, -29.9)
    fields = ["--code-field", "code", "--name-field", "name"]
    done = run("boundaries", city, "--level", "city", *fields, "--kind", "approximate")
    assert done.returncode == 0, done.stderr
    assert "✓ 已导入为数据集" in done.stdout and "Imported as dataset" in done.stdout
    facts = ["--source", "OpenStreetMap", "--licence", "ODbL-1.0", "--vintage", "2024", "--name", "Porto Alegre"]
    done = run("osm", poa / "poa_osm.pbf", *facts, "--dry-run")
    assert done.returncode == 0 and "nothing was written" in done.stdout and count(url, "walk_edges") == 0
    done = run("osm", poa / "poa_osm.pbf", *facts, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["changed"] and report["loaded"]["edges"] == report["figures"]["edges"] == count(url, "walk_edges")
    done = run("population", poa / "poa_hexgrid.csv", "--kind", "h3")
    assert done.returncode == 0 and "812,935" in done.stdout and "人口" in done.stdout
    done = run("stations", poa / "poa_points_of_interest.csv", "--crs", "wgs84")
    assert done.returncode == 0 and count(url, "stations") == 15
    for again in (
        ["osm", poa / "poa_osm.pbf", *facts], ["population", poa / "poa_hexgrid.csv", "--kind", "h3"],
        ["stations", poa / "poa_points_of_interest.csv", "--crs", "wgs84"],
        ["boundaries", city, "--level", "city", *fields, "--kind", "approximate"],
    ):  # fmt: skip
        done = run(*again)
        assert done.returncode == 0 and "nothing changed" in done.stdout, done.stdout + done.stderr
    assert count(url, "datasets") == 4
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT name, source, licence, vintage FROM datasets WHERE kind = 'network'"
        ).fetchone()
    assert row == ("Porto Alegre", "OpenStreetMap", "ODbL-1.0", "2024")
    half = tmp_path / "half.csv"
    half.write_text("".join((poa / "poa_hexgrid.csv").read_text().splitlines(keepends=True)[:600]))
    done = run("population", half, "--kind", "h3", "--alternative", "--name", "half")
    assert done.returncode == 0 and "stands beside" in done.stdout and count(url, "datasets") == 5
    done = run("drop-population", "halves")
    assert done.returncode == 1 and "half" in done.stderr and "Traceback" not in done.stderr
    done = run("drop-population", "half")
    assert done.returncode == 0 and "Dropped half" in done.stdout
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT role FROM datasets WHERE kind = 'population' AND is_current").fetchone()
    assert row == ("main",)


@pytest.mark.parametrize(
    ("name", "content", "arguments", "says"),
    [
        ("a.osm.pbf", b"", ["osm"], "empty"),
        ("a.osm.pbf", b"<?xml version='1.0'?><osm/>", ["osm"], "XML"),
        ("a.csv", b"\xff\x00\x00\xff" * 50, ["population", "--kind", "h3"], "UTF-8"),
        ("a.tif", b"no raster", ["population", "--kind", "raster"], "raster"),
        ("a.csv", "名称,经度,纬度\n甲,0,0".encode("gbk"), ["stations", "--crs", "gcj02"], "0, 0"),
        ("a.csv", "名称,经度,纬度\n甲,113,23".encode("gbk"), ["stations"], "600"),
        ("a.csv", "名称,经度,纬度\n甲,113,23".encode("gbk"), ["stations", "--crs", "utm"], "wgs84, gcj02"),
    ],
)
def test_bad_input_is_explained(
    tmp_path: Path, run: Run, url: str, name: str, content: bytes, arguments: list[str], says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    before = count(url, "datasets")
    done = run(arguments[0], path, *arguments[1:])
    assert done.returncode == 1 and done.stdout == ""
    assert says in done.stderr and "→" in done.stderr and "Traceback" not in done.stderr
    assert count(url, "datasets") == before


def test_a_truncated_extract_and_a_missing_file(tmp_path: Path, run: Run, url: str) -> None:
    path = write_pbf(tmp_path / "a.osm.pbf", grid(40, 40), [(1, list(range(1, 1601)), {"highway": "path"})])
    path.write_bytes(path.read_bytes()[:-100])
    edges = count(url, "walk_edges")
    for file, says in ((path, "truncated"), (tmp_path / "none.osm.pbf", "no such file")):
        done = run("osm", file)
        assert done.returncode == 1 and says in done.stderr
    assert count(url, "walk_edges") == edges


def test_rows_are_named_in_the_message(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "a.csv"
    path.write_text("code,name,lng,lat\nA,a,-51.2,-30.0\nB,b,0,0\nA,c,-51.2,-30.0\n")
    done = run("stations", path, "--crs", "wgs84")
    assert done.returncode == 1
    assert "第 3 行 row 3, lng, lat" in done.stderr and "第 4 行 row 4, code" in done.stderr


def test_stations_that_no_street_leads_to_are_named(tmp_path: Path, make_database: MakeDatabase) -> None:
    own = {**os.environ, "DATABASE_URL": libpq_url(make_database())}
    nodes = {**grid(30), 31: (113.3, 23.2), 32: (113.301, 23.2)}
    ways = [(1, list(range(1, 31)), {"highway": "residential"}), (2, [31, 32], {"highway": "residential"})]
    ledger = tmp_path / "a.csv"
    ledger.write_text("code,name,lng,lat\nA,a,113.31,23.1001\nB,b,113.3005,23.2001\n")
    for arguments in (["osm", write_pbf(tmp_path / "a.osm.pbf", nodes, ways)], ["stations", ledger, "--crs", "wgs84"]):
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)], cwd=PROJECT_ROOT, env=own, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    (warning,) = [line for line in done.stdout.splitlines() if line.startswith("!")]
    assert "第 3 行 row 3, code = B" in warning and "500 米内没有" in warning and "11 m away: nobody" in warning


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_an_import_that_is_ended_leaves_nothing(
    tmp_path: Path, make_database: MakeDatabase, run: Run, end: signal.Signals
) -> None:
    own = libpq_url(make_database())
    path = write_pbf(tmp_path / "a.osm.pbf", grid(3), [(1, [1, 2, 3], {"highway": "path"})])
    with psycopg.connect(own) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(%s)", [LOAD_LOCK])  # the import waits in the middle
        child = subprocess.Popen(
            [*COMMAND, "osm", str(path)], cwd=PROJECT_ROOT, env={**os.environ, "DATABASE_URL": own},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts,
        )  # fmt: skip
        wait_for_lock(own)
        child.send_signal(end)
        _, said = child.communicate(timeout=60)
    assert child.returncode == (130 if end is signal.SIGINT else -signal.SIGKILL)
    if end is signal.SIGINT:
        assert "rolled back" in said
    assert count(own, "walk_edges") == count(own, "datasets") == 0
    repeated = subprocess.run(
        [*COMMAND, "osm", str(path)], cwd=PROJECT_ROOT, env={**os.environ, "DATABASE_URL": own}, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert repeated.returncode == 0 and count(own, "walk_edges") == 1


def heed_interrupts() -> None:
    """As at a terminal, also where the tests run in the background of a shell that has its children ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for_lock(url: str) -> None:
    deadline = time.monotonic() + 60
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < deadline:
            query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            row = connection.execute(query).fetchone()
            if row and row[0]:
                return
            time.sleep(0.05)
    raise TimeoutError("the import never came to the lock")
