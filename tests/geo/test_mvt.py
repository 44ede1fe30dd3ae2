"""The encoding of vector tiles, read back by a decoder that is not ours."""

from __future__ import annotations

import itertools
import json
from typing import Any

import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from app.geo.mvt import ABSENT, EXTENT, Flags, Kind, Numbers, Shapes, Words, clip_lines, encode_tile

UNITS = st.integers(-200, EXTENT + 200)
POSITIONS = st.tuples(UNITS, UNITS)
TENTHS = st.integers(-300, 300).map(lambda k: k / 10)


def shapes_of(kind: Kind, features: list[list[list[tuple[int, int]]]]) -> Shapes:
    parts = [part for feature in features for part in feature]
    points = np.array([point for part in parts for point in part], dtype=np.int32).reshape(-1, 2)
    feature_ptr = np.cumsum([0, *map(len, features)])
    return Shapes(kind, feature_ptr, np.cumsum([0, *map(len, parts)]), points[:, 0].copy(), points[:, 1].copy())


def decoded(tile: bytes) -> list[dict[str, Any]]:
    (layer,) = mapbox_vector_tile.decode(tile, default_options={"y_coord_down": True}).values()
    assert layer["extent"] == EXTENT and layer["version"] == 2
    return list(layer["features"])


def everything(shapes: Shapes) -> Any:
    return np.arange(len(shapes))


@settings(deadline=None)
@given(st.lists(st.lists(POSITIONS, min_size=1, max_size=4), min_size=1, max_size=5))
def test_points_come_back(features: list[list[tuple[int, int]]]) -> None:
    shapes = shapes_of(Kind.POINT, [[[point] for point in feature] for feature in features])
    found = decoded(encode_tile("点", shapes, {}, everything(shapes)))
    for feature, points in zip(found, features, strict=True):
        assert {tuple(p.coords[0]) for p in shapely.get_parts(shapely.from_geojson(str_of(feature)))} == set(points)


@settings(deadline=None)
@given(st.lists(st.lists(st.lists(POSITIONS, min_size=2, max_size=6), min_size=1, max_size=3), min_size=1, max_size=4))
def test_lines_come_back_without_their_repetitions(features: list[list[list[tuple[int, int]]]]) -> None:
    shapes = shapes_of(Kind.LINE, features)
    kept = [[without_repetition(line) for line in feature] for feature in features]
    kept = [[line for line in feature if len(line) > 1] for feature in kept]
    kept = [feature for feature in kept if feature]
    tile = encode_tile("lines", shapes, {}, everything(shapes))
    assert bool(tile) == bool(kept)
    if tile:
        for feature, lines in zip(decoded(tile), kept, strict=True):
            parts = shapely.get_parts(shapely.from_geojson(str_of(feature)))
            assert [list(part.coords) for part in parts] == lines


def test_areas_come_back_with_their_holes_and_their_sense() -> None:
    outer, hole, other = [(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)], [(10, 10), (10, 20), (20, 20), (20, 10)], [
        (200, 200), (300, 200), (300, 300),
    ]  # fmt: skip
    nothing = [[(5, 5), (5, 5), (6, 5), (6, 5)]]
    shapes = shapes_of(Kind.POLYGON, [[outer, hole, other], nothing])
    (feature,) = decoded(encode_tile("areas", shapes, {}, everything(shapes)))
    made = shapely.from_geojson(str_of(feature))
    assert made.geom_type == "MultiPolygon" and made.area == 100 * 100 - 10 * 10 + 5000
    assert [len(part.interiors) for part in made.geoms] == [1, 0]


def test_properties_and_ids_come_back() -> None:
    shapes = shapes_of(Kind.POINT, [[[(k, k)]] for k in range(4)])
    columns = {
        "名称": Words(np.array([0, 1, ABSENT, 0, 1], dtype=np.int32), ["天河区", "越秀区·北京街 🚌"]),
        "share": Numbers(np.array([0.1, np.nan, 1 / 3, 0.1, 7.0])),
        "people": Numbers(np.array([5, -3, 2**40, np.nan, 5], dtype=np.float64), whole=True),
        "open": Words(np.array([0, 1, 1, 0, 0], dtype=np.int32), (False, True)),
        "steps": Flags(np.array([1, 2, 3, 0, 1], dtype=np.uint8), 2),
    }
    chosen = np.array([1, 2, 3, 4])
    found = decoded(encode_tile("x", shapes, columns, chosen, np.array([0, 127, 128, 2**52 - 1])))
    assert [feature["id"] for feature in found] == [0, 127, 128, 2**52 - 1]
    assert [feature["properties"] for feature in found] == [
        {"名称": "越秀区·北京街 🚌", "people": -3, "open": True, "steps": True},
        {"share": 1 / 3, "people": 2**40, "open": True, "steps": True},
        {"名称": "天河区", "share": 0.1, "open": False, "steps": False},
        {"名称": "越秀区·北京街 🚌", "share": 7.0, "people": 5, "open": False, "steps": False},
    ]
    assert [type(feature["properties"].get("people")) for feature in found] == [int, int, type(None), int]


def test_many_values_and_a_tile_of_nothing() -> None:
    count = 5_000
    shapes = shapes_of(Kind.POINT, [[[(k % 4096, k // 4096)]] for k in range(count)])
    columns = {
        "k": Numbers(np.arange(count) / 7),
        "text": Words(np.arange(count, dtype=np.int32), [*map(str, range(count))]),
    }
    found = decoded(encode_tile("many", shapes, columns, np.arange(count)))
    assert [feature["properties"] for feature in found] == [{"k": k / 7, "text": str(k)} for k in range(count)]
    nothing = shapes_of(Kind.POINT, [])
    assert encode_tile("none", nothing, columns, np.zeros(0, dtype=np.int64)) == b""


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.tuples(TENTHS, TENTHS), min_size=2, max_size=8), max_size=5))
def test_clipped_lines_are_what_shapely_cuts(lines: list[list[tuple[float, float]]]) -> None:
    ptr = np.cumsum([0, *map(len, lines)])
    points = np.array([p for line in lines for p in line], dtype=np.float64).reshape(-1, 2)
    owner, part_ptr, x, y = clip_lines(ptr, points[:, 0].copy(), points[:, 1].copy(), -10.0, 10.0)
    assert (np.diff(owner) >= 0).all() and (np.abs(x) <= 10 + 1e-9).all() and (np.abs(y) <= 10 + 1e-9).all()
    box = shapely.box(-10, -10, 10, 10)
    for k, line in enumerate(lines):
        parts = [np.column_stack([x[a:b], y[a:b]]) for a, b in itertools.pairwise(part_ptr)]
        own = [part for part, of in zip(parts, owner, strict=True) if of == k]
        length = sum(float(np.hypot(*np.diff(part, axis=0).T).sum()) for part in own)
        inside = sum(  # segment by segment: a line that runs back over itself counts twice
            shapely.intersection(shapely.LineString(line[j : j + 2]), box).length for j in range(len(line) - 1)
        )
        assert length == pytest.approx(inside, abs=1e-6)
        for part in own:
            assert shapely.distance(shapely.LineString(line), shapely.points(part)).max() < 1e-9


def test_a_line_that_leaves_and_comes_back_is_two() -> None:
    ptr, x, y = np.array([0, 4]), np.array([0.0, 20.0, 20.0, 0.0]), np.array([0.0, 0.0, 5.0, 5.0])
    owner, part_ptr, cut_x, cut_y = clip_lines(ptr, x, y, -10.0, 10.0)
    assert owner.tolist() == [0, 0] and part_ptr.tolist() == [0, 2, 4]
    assert cut_x.tolist() == [0, 10, 10, 0] and cut_y.tolist() == [0, 0, 5, 5]


def without_repetition(line: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [point for k, point in enumerate(line) if k == 0 or point != line[k - 1]]


def str_of(feature: dict[str, Any]) -> str:
    return json.dumps(feature["geometry"])
