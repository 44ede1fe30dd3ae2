"""Our own reader of the packed district outlines."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import shapely
from shapely.geometry import shape

from app.demo import districts
from app.demo.districts import PackedPolygonsInvalid, decode

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "data" / "gz-districts" / "districts_amap_wgs84.geojson"


def _chunks(*chunks: bytes) -> bytes:
    return struct.pack(f"<{1 + len(chunks)}I", len(chunks), *map(len, chunks)) + b"".join(chunks)


def _units(lng: float, lat: float) -> tuple[int, int]:
    return round((lng + 180) / 2e-6), round((lat + 90) / 2e-6)


CORNERS = [(113.0, 23.0), (113.02, 23.0), (113.02, 23.02), (113.0, 23.0)]
PLAIN = struct.pack("<I", 0) + b"".join(struct.pack("<2I", *_units(*c)) for c in CORNERS)
STEPS = (
    struct.pack("<I", 1)
    + struct.pack("<2I", *_units(*CORNERS[0]))
    + struct.pack("<6h", 10_000, 0, 0, 10_000, -10_000, -10_000)
)
POLYGON = struct.pack("<I", 5) + _chunks(PLAIN)


def test_plain_and_difference_rings_decode_to_the_same_triangle() -> None:
    other = struct.pack("<I", 5) + _chunks(STEPS)
    both = struct.pack("<I", 6) + _chunks(_chunks(PLAIN), _chunks(STEPS))
    a, b, c = decode(_chunks(POLYGON, other, both), [0, 1, 2])
    assert list(a.exterior.coords) == CORNERS  # type: ignore[union-attr]
    assert a.equals_exact(b, 0.0)
    assert c.geom_type == "MultiPolygon" and len(c.geoms) == 2  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("packed", "said"),
    [
        (b"", "truncated"),
        (_chunks(POLYGON)[:-4], "announced"),
        (_chunks(POLYGON) + b"\0\0\0\0", "announced"),
        (_chunks(struct.pack("<I", 3) + _chunks(PLAIN)), "kind 3"),
        (_chunks(struct.pack("<I", 5) + _chunks(struct.pack("<I", 7) + PLAIN[4:])), "kind 7"),
        (struct.pack("<I", 0), "count 0"),
    ],
)
def test_anything_else_is_refused_and_named(packed: bytes, said: str) -> None:
    with pytest.raises(PackedPolygonsInvalid, match=said):
        decode(packed, [0])


def test_the_installed_package_holds_eleven_districts() -> None:
    found = districts.outlines()
    assert len(found) == 11
    assert all(shapely.is_valid(g) for g in found.values())
    assert found["440106"].contains(shapely.Point(113.33, 23.135))


def test_a_city_that_is_not_there_is_refused() -> None:
    with pytest.raises(PackedPolygonsInvalid, match="999999"):
        districts.outlines("999999")


def test_outlines_agree_with_an_independent_decoding() -> None:
    if not REFERENCE.exists():
        pytest.skip("the independently decoded outlines (shared reference data) are not on this machine")
    found = districts.outlines()
    for feature in json.loads(REFERENCE.read_text("utf-8"))["features"]:
        theirs, ours = shape(feature["geometry"]), found[feature["properties"]["adcode"]]
        assert shapely.get_num_coordinates(theirs) == shapely.get_num_coordinates(ours)
        assert shapely.hausdorff_distance(theirs, ours) < 1e-6
