"""Vector tiles over HTTP, opened by GDAL."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pyogrio
import pytest
import shapely
from pydantic import TypeAdapter

from app.api.schemas.tiles import TileJson
from app.services.snapshot import Snapshot
from app.services.tiles import LAYERS, MAX_ZOOM
from tests.api.conftest import TestClient

Z, X, Y = 10, 834, 444


@pytest.mark.parametrize("layer", LAYERS)
def test_a_tileset_is_described_as_it_is(client: TestClient, demo_snapshot: Snapshot, layer: str) -> None:
    answer = client.get(f"/v1/tiles/{layer}.json")
    told = answer.json()
    TypeAdapter(TileJson).validate_python(told)
    assert answer.headers["content-type"] == "application/json" and told["tilejson"] == "3.0.0"
    assert told["tiles"] == [f"http://testserver/v1/tiles/{layer}/{{z}}/{{x}}/{{y}}.mvt"]
    (held,) = told["vector_layers"]
    assert held["id"] == layer and (told["minzoom"], told["maxzoom"]) == (LAYERS[layer].min_zoom, MAX_ZOOM)
    west, south, east, north = told["bounds"]
    box = shapely.box(west, south, east, north)
    assert all(box.contains(outline) for outline in demo_snapshot.areas.outlines)
    assert box.contains(shapely.Point(told["center"][:2])) and told["minzoom"] <= told["center"][2] <= MAX_ZOOM
    assert told["data_notice"]["synthetic"] and told["data_notice"]["message"] in told["attribution"]


def test_the_description_speaks_the_readers_language(client: TestClient) -> None:
    told = client.get("/v1/tiles/towns.json", headers={"Accept-Language": "en"}).json()
    assert told["name"] == "Towns and subdistricts" and "Yangcheng" in told["attribution"]
    assert client.get("/v1/tiles/towns.json").json()["name"] == "镇街"


def test_addresses_are_those_that_the_client_used(client: TestClient) -> None:
    asked = client.get("/v1/tiles/towns.json", headers={"Host": "maps.example.org"})
    assert asked.json()["tiles"][0].startswith("http://maps.example.org/v1/tiles/towns/")
    assert asked.headers["etag"] != client.get("/v1/tiles/towns.json").headers["etag"]


@pytest.mark.parametrize(
    ("layer", "z", "x", "y"),
    [(name, Z, X, Y) for name in LAYERS if name != "network"] + [("network", 14, X * 16 + 8, Y * 16 + 8)],
)
def test_gdal_opens_tiles_and_finds_what_is_described(
    client: TestClient, tmp_path: Path, layer: str, z: int, x: int, y: int
) -> None:
    described = client.get(f"/v1/tiles/{layer}.json").json()["vector_layers"][0]["fields"]
    if layer == "network":
        z, x, y = busy_tile(client)
    answer = client.get(f"/v1/tiles/{layer}/{z}/{x}/{y}.mvt")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    file = tmp_path / "tile.mvt"
    file.write_bytes(answer.content)
    meta, _, geometry, columns = pyogrio.raw.read(file, layer=layer, X=str(x), Y=str(y), Z=str(z))
    held = dict(zip(meta["fields"], columns, strict=True))
    assert set(held) - {"mvt_id"} <= set(described) and len(geometry) > 0
    for name, kind in described.items():
        if name in held:
            assert (held[name].dtype == object) == (kind == "String"), name
    shapes = shapely.from_wkb(geometry)  # GDAL puts tiles into EPSG:3857
    west, south, east, north = shapely.total_bounds(shapes)
    side = 2 * 20_037_508.342789244 / 2**z
    assert west < -20_037_508 + (x + 1) * side and east > -20_037_508 + x * side
    assert south < 20_037_508 - y * side and north > 20_037_508 - (y + 1) * side
    assert shapely.is_valid(shapes).all()


def busy_tile(client: TestClient) -> tuple[int, int, int]:
    """A tile of zoom 14 with a station in it, found by its address of zoom 14 in the usual numbering."""
    from math import asinh, pi, radians, tan

    station = client.get("/v1/stations?limit=1").json()["stations"][0]
    y = (1 - asinh(tan(radians(station["lat"]))) / pi) / 2
    return 14, int((station["lng"] + 180) / 360 * 2**14), int(y * 2**14)


def test_names_in_chinese_are_intact(client: TestClient, tmp_path: Path) -> None:
    file = tmp_path / "tile.mvt"
    file.write_bytes(client.get(f"/v1/tiles/districts/{Z}/{X}/{Y}.mvt").content)
    meta, _, _, columns = pyogrio.raw.read(file, layer="districts")
    names = set(dict(zip(meta["fields"], columns, strict=True))["name"])
    assert {"越秀区", "天河区", "海珠区"} <= names


def test_a_tile_that_is_held_is_not_sent_again(client: TestClient) -> None:
    path = f"/v1/tiles/hexes/{Z}/{X}/{Y}.mvt"
    first = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip" and "must-revalidate" in first.headers["cache-control"]
    assert len(gzip.compress(first.content)) < len(first.content)
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304 and again.content == b"" and again.headers["etag"] == first.headers["etag"]
    assert client.get(path, headers={"If-None-Match": 'W/"other"'}).content == first.content
    assert client.get(path, headers={"If-None-Match": "*"}).status_code == 304


def test_where_nothing_lies_there_is_nothing(client: TestClient) -> None:
    answer = client.get("/v1/tiles/stations/10/0/0.mvt")
    assert answer.status_code == 204 and answer.content == b"" and "content-type" not in answer.headers
    held = client.get("/v1/tiles/stations/10/0/0.mvt", headers={"If-None-Match": answer.headers["etag"]})
    assert held.status_code == 304


@pytest.mark.parametrize(
    ("path", "status", "field", "said"),
    [
        ("staions/10/834/444.mvt", 404, "layer", "stations"),
        ("staions.json", 404, "layer", "stations"),
        ("stations/15/0/0.mvt", 404, "z", "0 to 14"),
        ("network/12/0/0.mvt", 404, "z", "13 to 14"),
        ("stations/31/0/0.mvt", 422, "z", "at most"),
        ("stations/10/1024/0.mvt", 404, "x", "0 to 1023"),
        ("stations/10/0/1024.mvt", 404, "y", "0 to 1023"),
        ("stations/10/-1/0.mvt", 422, "x", "at least"),
        ("stations/10/0/a.mvt", 422, "y", "whole number"),
        (f"stations/10/{2**40}/0.mvt", 422, "x", "at most"),
        ("stations/10/0/0.mvt?layer=x", 422, "layer", "allowed"),
    ],
)
def test_wrong_places_are_explained(client: TestClient, path: str, status: int, field: str, said: str) -> None:
    answer = client.get(f"/v1/tiles/{path}", headers={"Accept-Language": "en"})
    assert answer.status_code == status and answer.headers["content-type"] == "application/problem+json"
    (item,) = answer.json()["errors"]
    assert item["field"] == field and said in item["remedy"]


def test_without_data_it_says_what_to_load(empty_client: TestClient) -> None:
    for path in ("stations.json", "stations/10/834/444.mvt"):
        answer: Any = empty_client.get(f"/v1/tiles/{path}")
        assert answer.status_code == 503 and answer.json()["code"] == "not_ready"
