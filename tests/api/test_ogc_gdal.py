"""GDAL opens the service as it is: every collection, every feature, Chinese names intact."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from fastapi import FastAPI

from app.services.coverage import residents
from app.services.feature_tables import COLLECTIONS, json_values, table_of
from app.services.snapshot import Snapshot
from app.services.station_table import today
from tests.api.test_concurrency import running

pytestmark = pytest.mark.skipif("OAPIF" not in pyogrio.list_drivers(), reason="this GDAL has no OAPIF driver")


@pytest.fixture(scope="module")
def source(app: FastAPI) -> Iterator[str]:
    """What GDAL opens: the demonstration city on a port of its own."""
    with running(app) as port:
        yield f"OAPIF:http://127.0.0.1:{port}/ogc"


# in a process of its own: GDAL waits for the service, which runs in this one, without letting go of the interpreter
ASK = """
import pickle, sys, pyogrio, pyogrio.raw
source, asked = pickle.load(sys.stdin.buffer)
found = pyogrio.list_layers(source) if asked is None else pyogrio.raw.read(source, **asked)
pickle.dump(found, sys.stdout.buffer)
"""


def ask(source: str, asked: dict[str, Any] | None = None) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", ASK], input=pickle.dumps((source, asked)), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return pickle.loads(done.stdout)


def read(source: str, name: str, **asked: Any) -> tuple[dict[str, Any], dict[str, Any], Any]:
    meta, _, shapes, columns = ask(source, {"layer": name, **asked})
    return meta, dict(zip(meta["fields"], columns, strict=True)), shapely.from_wkb(shapes)


def test_all_collections_are_layers(source: str) -> None:
    kinds = {"point": "Point", "polygon": "Polygon", "multipolygon": "MultiPolygon", "linestring": "LineString"}
    layers = {str(name): str(kind) for name, kind in ask(source)}
    assert layers == {name: kinds[collection.geometry] for name, collection in COLLECTIONS.items()}


@pytest.mark.parametrize("name", COLLECTIONS)
def test_a_layer_is_read_whole(source: str, demo_snapshot: Snapshot, name: str) -> None:
    table = table_of(demo_snapshot, COLLECTIONS[name], today())
    rows = np.arange(len(table))
    meta, columns, shapes = read(source, name, PAGE_SIZE="2000")
    assert len(shapes) == len(table) and "CRS84" in meta["crs"]
    true = table.shapes.of(rows)
    apart = [shapely.hausdorff_distance(shape, other) for shape, other in zip(shapes[::97], true[::97], strict=True)]
    assert max(apart) < 1e-6
    assert shapely.bounds(shapes).T[0].min() == pytest.approx(shapely.bounds(true).T[0].min(), abs=1e-6)
    for key in set(columns) - {"id"}:
        told = json_values(table.columns[key], rows)
        if isinstance(told[0], str):
            assert [str(value) if value else None for value in columns[key].tolist()] == told, key
    if "name" in columns and name != "network":
        assert all("区" in value or "镇" in value or "街道" in value or "站" in value for value in columns["name"])


def test_figures_arrive_as_they_are(source: str, demo_snapshot: Snapshot) -> None:
    _, columns, _ = read(source, "towns")
    people = residents(demo_snapshot)
    assert dict(zip(columns["code"], columns["population"].tolist(), strict=True)) == {
        code: people[code] for code in columns["code"]
    }


def test_gdals_own_filters_work(source: str, demo_snapshot: Snapshot) -> None:
    stations = demo_snapshot.stations.table.stations
    _, columns, _ = read(source, "stations", where="district_code = '440106' AND seats > 100")
    seats = {s.code: s.serving.seats or 0 for s in stations if s.district_code == "440106"}
    assert sorted(columns["code"]) == sorted(code for code, count in seats.items() if count > 100) != []
    _, columns, shapes = read(source, "stations", bbox=(113.2, 23.0, 113.4, 23.2))
    box = shapely.box(113.2, 23.0, 113.4, 23.2)
    assert len(shapes) == sum(box.intersects(shapely.Point(s.lng, s.lat)) for s in stations) > 0


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4490", "OGC:CRS84"])
def test_every_system_puts_stations_where_they_are(source: str, demo_snapshot: Snapshot, crs: str) -> None:
    """GDAL asks for the system and, knowing its order of axes, gives longitude first."""
    meta, columns, shapes = read(source, "stations", CRS=crs)
    places = {s.code: (s.lng, s.lat) for s in demo_snapshot.stations.table.stations}
    assert "4490" in meta["crs"] if crs.endswith("4490") else "CRS84" in meta["crs"]  # GDAL takes 4326 for the latter
    for code, shape in zip(columns["code"], shapes, strict=True):
        assert (shape.x, shape.y) == pytest.approx(places[code], abs=1e-6)
