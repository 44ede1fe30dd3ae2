"""Vector tiles of the demonstration city, read back by a decoder that is not ours and held against the snapshot."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import Any

import mapbox_vector_tile
import numpy as np
import pytest
import shapely

from app.errors import NotFound
from app.geo.hexgrid import cell_polygons, to_text
from app.geo.mvt import EXTENT
from app.geo.network import STEPS
from app.geo.web_mercator import from_world
from app.models.vocabularies import AreaLevel
from app.services.cell_grid import coarser_grid
from app.services.coverage import coverage_table, residents
from app.services.coverage_cells import coverage_cells
from app.services.gaps import coverage_gaps
from app.services.map_layers import default_query
from app.services.snapshot import Snapshot
from app.services.station_table import today
from app.services.tile_cache import TileCache
from app.services.tiles import LAYERS, MAX_ZOOM, covered_box, layer_named, vector_tile

DAY = today()


def tiles_over(snapshot: Snapshot, z: int) -> list[tuple[int, int]]:
    """All tiles of a zoom over the city, by the textbook formula, with a ring around them."""
    west, south, east, north = covered_box(snapshot)

    def at(lng: float, lat: float) -> tuple[int, int]:
        y = (1 - np.log(np.tan(np.radians(lat)) + 1 / np.cos(np.radians(lat))) / np.pi) / 2
        return int((lng + 180) / 360 * 2**z), int(y * 2**z)

    (x0, y0), (x1, y1) = at(west, north), at(east, south)
    most = 2**z - 1
    return [
        (x, y)
        for x in range(max(x0 - 1, 0), min(x1 + 1, most) + 1)
        for y in range(max(y0 - 1, 0), min(y1 + 1, most) + 1)
    ]


def features(snapshot: Snapshot, layer: str, z: int, x: int, y: int) -> list[dict[str, Any]]:
    """Features of a tile with their shapes in WGS84."""
    tile = vector_tile(snapshot, LAYERS[layer], z, x, y, DAY)
    if not tile:
        return []
    ((name, held),) = mapbox_vector_tile.decode(tile, default_options={"y_coord_down": True}).items()
    assert name == layer

    def degrees(units: Any) -> Any:
        side = 2.0**z * EXTENT
        return np.column_stack(from_world((x * EXTENT + units[:, 0]) / side, (y * EXTENT + units[:, 1]) / side))

    for feature in held["features"]:
        flat = shapely.from_geojson(json.dumps(feature["geometry"]))
        assert flat.is_valid
        for polygon in shapely.get_parts(flat):
            if polygon.geom_type == "Polygon":  # as the specification wants it: y runs down, so this is clockwise
                assert polygon.exterior.is_ccw and not any(hole.is_ccw for hole in polygon.interiors)
        feature["shape"] = shapely.transform(flat, degrees)
    return list(held["features"])


def unit_degrees(z: int) -> float:
    return 360 / 2**z / EXTENT


@pytest.mark.parametrize("z", [0, 9, 12, 14])
def test_every_station_is_in_one_tile_the_right_one(demo_snapshot: Snapshot, z: int) -> None:
    stations = {s.code: s for s in demo_snapshot.stations.table.stations}
    found: Counter[str] = Counter()
    for x, y in tiles_over(demo_snapshot, z):
        for feature in features(demo_snapshot, "stations", z, x, y):
            told = feature["properties"]
            station = stations[told["code"]]
            found[station.code] += 1
            assert abs(feature["shape"].x - station.lng) <= unit_degrees(z)
            assert abs(feature["shape"].y - station.lat) <= unit_degrees(z)
            assert told["name"] == station.name and told["open"] == station.is_open_on(DAY)
            assert told.get("address") == station.address and told["synthetic"]
    assert found == Counter(list(stations))


@pytest.mark.parametrize("z", [6, 8, 10, 12])
def test_every_cell_counts_once_and_people_add_up(demo_snapshot: Snapshot, z: int) -> None:
    people: dict[int, float] = {}
    covered: dict[int, float] = {}
    pieces: dict[str, list[Any]] = defaultdict(list)
    for x, y in tiles_over(demo_snapshot, z):
        for feature in features(demo_snapshot, "hexes", z, x, y):
            told = feature["properties"]
            assert people.setdefault(feature["id"], told["population"]) == told["population"]
            covered[feature["id"]] = told["covered"]
            pieces[told["h3"]].append(feature["shape"])
    own = demo_snapshot.frontage.resolution
    resolution = min(own, 7 if z <= 8 else 8 if z <= 10 else 9)
    grid = demo_snapshot.frontage if resolution == own else coarser_grid(demo_snapshot, resolution).frontage
    assert set(pieces) == {to_text(cell) for cell in grid.cells.tolist()} and len(people) == len(pieces)
    assert sum(people.values()) == pytest.approx(
        sum(residents(demo_snapshot)[a.code] for a in city(demo_snapshot)), abs=1
    )
    (row,) = coverage_table(demo_snapshot, default_query(), AreaLevel.CITY).rows
    assert sum(covered.values()) == pytest.approx(row.covered, abs=len(demo_snapshot.areas.leaf_codes) / 2)
    outlines = dict(zip(map(to_text, grid.cells.tolist()), cell_polygons(grid.cells), strict=True))
    for h3, shapes in pieces.items():
        for shape in shapes:  # whole in every tile
            assert shapely.hausdorff_distance(shape, outlines[h3]) <= 1.5 * unit_degrees(z)


def test_cells_tell_what_the_list_of_cells_tells(demo_snapshot: Snapshot) -> None:
    query = default_query()
    rows = {to_text(row.cell): row for row in coverage_cells(demo_snapshot, query, resolution=8, limit=10**6).rows}
    seen = 0
    for x, y in tiles_over(demo_snapshot, 9):
        for feature in features(demo_snapshot, "hexes", 9, x, y):
            told, row = feature["properties"], rows[feature["properties"]["h3"]]
            seen += 1
            for name in (
                "population",
                "covered",
                "off_network",
                "covered_share",
                "nearest_station",
                "nearest_minutes",
                "area_code",
            ):
                assert told.get(name) == pytest.approx(getattr(row, name)), name
    assert seen >= len(rows)


@pytest.mark.parametrize(("layer", "level"), [("districts", AreaLevel.DISTRICT), ("towns", AreaLevel.TOWN)])
@pytest.mark.parametrize("z", [7, 11])
def test_areas_are_put_together_again(demo_snapshot: Snapshot, layer: str, level: AreaLevel, z: int) -> None:
    rows = {row.area.code: row for row in coverage_table(demo_snapshot, default_query(), level).rows}
    pieces: dict[str, list[Any]] = defaultdict(list)
    for x, y in tiles_over(demo_snapshot, z):
        for feature in features(demo_snapshot, layer, z, x, y):
            told, row = feature["properties"], rows[feature["properties"]["code"]]
            assert (
                told["name"] == row.area.name
                and told["population"] == row.population
                and told["covered"] == row.covered
            )
            assert told["rate"] == row.rate
            pieces[told["code"]].append(feature["shape"])
    assert set(pieces) == set(rows)
    for code, shapes in pieces.items():
        true = demo_snapshot.areas.outlines[demo_snapshot.areas.at[code]]
        apart = shapely.symmetric_difference(shapely.union_all(shapes), true).area
        assert apart <= 3 * unit_degrees(z) * true.length, code


def test_gaps_are_those_of_the_list(demo_snapshot: Snapshot) -> None:
    answer = coverage_gaps(demo_snapshot, default_query(), level=AreaLevel.TOWN, min_population=100, limit=10**6)
    gaps = {gap.id: gap for gap in answer.gaps}
    pieces: dict[str, list[Any]] = defaultdict(list)
    for x, y in tiles_over(demo_snapshot, 10):
        for feature in features(demo_snapshot, "gaps", 10, x, y):
            assert feature["properties"]["people"] == gaps[feature["properties"]["gap"]].people
            pieces[feature["properties"]["gap"]].append(feature["shape"])
    assert set(pieces) == set(gaps)
    for name, shapes in pieces.items():
        apart = shapely.symmetric_difference(shapely.union_all(shapes), gaps[name].outline).area
        assert apart <= 3 * unit_degrees(10) * gaps[name].outline.length


def test_streets_are_all_there_and_only_once(demo_snapshot: Snapshot) -> None:
    """Zoom 14 edge by edge, at the busiest tile and its neighbours; zoom 13 holds the same length by name."""
    network = demo_snapshot.network
    number = {edge: k for k, edge in enumerate(network.edge_id.tolist())}
    centre = demo_snapshot.stations.table.stations[0]
    x, y = next(
        (x, y) for x, y in tiles_over(demo_snapshot, 14)
        if any(f["properties"]["code"] == centre.code for f in features(demo_snapshot, "stations", 14, x, y))
    )  # fmt: skip
    found = {feature["id"]: feature for feature in features(demo_snapshot, "network", 14, x, y)}
    west, north = from_world(x / 2**14, y / 2**14)
    east, south = from_world((x + 1) / 2**14, (y + 1) / 2**14)
    square = shapely.box(west, south, east, north)
    lines = [
        shapely.LineString(np.column_stack([network.geom_lng[a:b], network.geom_lat[a:b]]))
        for a, b in zip(network.geom_ptr[:-1], network.geom_ptr[1:], strict=True)
    ]
    crossing = {int(network.edge_id[k]) for k in np.flatnonzero(shapely.intersects(lines, square))}
    wider = square.buffer(80 * unit_degrees(14), join_style="mitre")
    assert crossing and crossing <= set(found)
    for edge, feature in found.items():
        line = lines[number[edge]]
        drawn = feature["shape"]
        assert line.intersects(wider) and wider.contains(drawn)
        assert shapely.distance(shapely.points(shapely.get_coordinates(drawn)), line).max() <= unit_degrees(14)
        inside = line.intersection(square)
        if not inside.is_empty:
            near = drawn.buffer(unit_degrees(14))
            assert near.contains(inside)
        assert feature["properties"]["steps"] == bool(network.edge_flags[number[edge]] & STEPS)
        name = int(network.edge_name[number[edge]])
        assert feature["properties"].get("name") == (network.names[name] if name >= 0 else None)
    joined = features(demo_snapshot, "network", 13, x // 2, y // 2)
    assert len(joined) < len(found)  # streets of one name and kind are one
    inside = sum(feature["shape"].intersection(square).length for feature in joined)
    assert inside == pytest.approx(sum(line.intersection(square).length for line in lines), rel=0.01)


def test_a_tile_is_drawn_once(demo_snapshot: Snapshot) -> None:
    from dataclasses import replace

    fresh = replace(demo_snapshot, tiles=TileCache())
    place = next((x, y) for x, y in tiles_over(fresh, 8) if features(fresh, "towns", 8, x, y))
    again = vector_tile(fresh, LAYERS["towns"], 8, *place, DAY)
    assert vector_tile(fresh, LAYERS["towns"], 8, *place, DAY) is again
    assert [key[0] for key in fresh.tiles.sources.held_keys()] == ["towns"]  # type: ignore[index]


def test_nothing_lies_far_away(demo_snapshot: Snapshot) -> None:
    for layer in LAYERS.values():
        assert vector_tile(demo_snapshot, layer, MAX_ZOOM, 0, 0, DAY) == b""
        assert vector_tile(demo_snapshot, layer, MAX_ZOOM, 2**14 - 1, 2**14 - 1, DAY) == b""


@pytest.mark.parametrize(
    ("layer", "z", "x", "y", "fields"),
    [
        ("stations", 3, 8, 0, ["x"]), ("stations", 3, 7, 8, ["y"]), ("stations", 0, 1, 1, ["x", "y"]),
        ("stations", 15, 0, 0, ["z"]), ("network", 12, 0, 0, ["z"]), ("towns", 5, 0, 0, ["z"]),
    ],
)  # fmt: skip
def test_places_that_there_are_not(
    demo_snapshot: Snapshot, layer: str, z: int, x: int, y: int, fields: list[str]
) -> None:
    with pytest.raises(NotFound) as caught:
        vector_tile(demo_snapshot, LAYERS[layer], z, x, y, DAY)
    assert [item.field for item in caught.value.errors] == fields
    assert all(item.remedy_zh and item.remedy_en for item in caught.value.errors)


def test_an_unknown_layer_is_told_those_like_it() -> None:
    with pytest.raises(NotFound) as caught:
        layer_named("station")
    assert "stations" in str(caught.value.errors[0].remedy_en)


def city(snapshot: Snapshot) -> list[Any]:
    return snapshot.areas.of_level(AreaLevel.CITY)
