"""People along streets: nobody lost, every piece where it says, against h3 and shapely metre by metre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import h3
import numpy as np
import pytest
import shapely
from pyproj import Transformer

from app.geo.arrays import FloatArray, IntArray
from app.geo.frontage import (
    NOWHERE,
    SAMPLE_M,
    Frontage,
    LeafAreas,
    build_frontage,
    cut,
    frontage_edges,
    pieces_by_cell,
    whole_edges,
)
from app.geo.geodesy import metres_per_degree
from app.geo.hexgrid import cell_centres, cells_of
from app.geo.network import FRONTAGE, STEPS, WalkNetwork
from app.geo.snapping import build_grid
from tests.support.oracle import along_edge
from tests.support.streets import Line, Point, at_m, network_of, random_network

LINK_M = 400.0
STEP_MM = 500


@dataclass(frozen=True)
class World:
    network: WalkNetwork
    cells: IntArray
    people: FloatArray
    leaves: LeafAreas
    frontage: Frontage


def polygon(*corners: Point) -> shapely.Polygon:
    return shapely.Polygon([at_m(*c) for c in corners])


# two neighbours with a slanting border, a third apart; the streets reach beyond all of them
AREAS = (
    polygon((-700, -800), (100, -800), (-150, 750), (-700, 800)),
    polygon((100, -800), (600, -700), (500, 800), (-150, 750)),
    polygon((700, 100), (950, 100), (950, 500), (700, 500)),
)


def world_of(network: WalkNetwork, outlines: Sequence[shapely.Geometry], seed: int, *, span_m: float = 2500.0) -> World:
    """People in most cells for far around, from none to a thousand each."""
    rng = np.random.default_rng(seed)
    x, y = np.array([at_m(*p) for p in rng.uniform(-span_m, span_m, (4000, 2))]).T
    cells = np.unique(cells_of(x, y, 9))
    cells = cells[rng.random(len(cells)) < 0.9]
    people = rng.choice([0.0, 1.0, 17.25, 1000.0 / 3], len(cells)) * rng.random(len(cells))
    leaves = LeafAreas(outlines)
    frontage = build_frontage(network, build_grid(network), cells, people, leaves, LINK_M)
    return World(network, cells, people, leaves, frontage)


@pytest.fixture(scope="module", params=[1, 2, 3])
def world(request: pytest.FixtureRequest) -> World:
    return world_of(random_network(request.param, 60, 90, min_component_m=400.0), AREAS, request.param)


def assert_conserved(frontage: Frontage) -> None:
    own = np.bincount(frontage.cell, weights=frontage.people, minlength=len(frontage.cells))
    found = own + frontage.cell_off_network
    assert np.abs(found - frontage.cell_people).max() <= 1e-12 * max(1.0, frontage.cell_people.max())
    assert (frontage.people >= 0).all() and (frontage.cell_off_network >= 0).all()
    key = (frontage.edge.astype(np.int64) << 32) + frontage.a_mm
    assert (np.diff(key) >= 0).all()


def lived_along(network: WalkNetwork) -> list[int]:
    """Edges with frontage, in parts that matter, that are no stairs."""
    flags = network.edge_flags
    return [
        e
        for e in range(network.edge_count)
        if flags[e] & FRONTAGE and not flags[e] & STEPS and network.everywhere.usable[e]
    ]  # fmt: skip


def metres(network: WalkNetwork) -> tuple[IntArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """All frontage in stretches of at most half a metre: edge, middle and length in mm, lng, lat of the middle."""
    parts = []
    for edge in lived_along(network):
        bounds = np.linspace(0, float(network.edge_mm[edge]), -(-int(network.edge_mm[edge]) // STEP_MM) + 1)
        middle = (bounds[:-1] + bounds[1:]) / 2
        lng, lat = along_edge(network, edge, middle)
        parts.append((np.full(len(middle), edge), middle, np.diff(bounds), lng, lat))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return columns[0].astype(np.int64), columns[1], columns[2], columns[3], columns[4]


def area_of(outlines: Sequence[shapely.Geometry], lng: FloatArray, lat: FloatArray) -> IntArray:
    """The first area that holds each point, NOWHERE outside all."""
    points = shapely.points(lng, lat)
    found = np.full(len(points), NOWHERE)
    for k in reversed(range(len(outlines))):
        found[shapely.intersects(outlines[k], points)] = k
    return found


def nearest_area(outlines: Sequence[shapely.Geometry], lng: float, lat: float) -> int:
    return int(np.argmin(gaps_m(outlines, lng, lat)))


def gaps_m(outlines: Sequence[shapely.Geometry], lng: float, lat: float) -> list[float]:
    """Metres from a point to every outline, on a map that is true from that point outwards."""
    project = Transformer.from_crs("EPSG:4326", f"+proj=aeqd +lon_0={lng} +lat_0={lat}", always_xy=True).transform
    flat = [shapely.transform(outline, project, interleaved=False) for outline in outlines]
    return [outline.distance(shapely.Point(0, 0)) for outline in flat]


def test_nobody_is_lost(world: World) -> None:
    assert_conserved(world.frontage)
    assert world.frontage.cell_off_network.sum() > 0 and world.frontage.people.sum() > 0


def test_people_are_along_the_frontage_of_their_cell_and_nowhere_else(world: World) -> None:
    frontage = world.frontage
    along = frontage.b_mm > frontage.a_mm
    assert set(frontage.edge[along].tolist()) <= set(lived_along(world.network))
    assert (frontage.leg_mm[along] == 0).all()
    length = (frontage.b_mm - frontage.a_mm)[along].astype(np.float64)
    total = np.bincount(frontage.cell[along], weights=length, minlength=len(frontage.cells))
    density = frontage.people[along] / length
    assert density == pytest.approx((world.people / np.maximum(total, 1))[frontage.cell[along]], rel=1e-9)


def test_pieces_tile_every_street(world: World) -> None:
    pieces = pieces_by_cell(world.network, 9)
    assert sorted(set(pieces.edge.tolist())) == lived_along(world.network)
    for edge in lived_along(world.network):
        own = pieces.edge == edge
        a, b, zone = pieces.a_mm[own], pieces.b_mm[own], pieces.zone[own]
        assert a[0] == 0 and b[-1] == world.network.edge_mm[edge]
        assert np.array_equal(a[1:], b[:-1]) and (b > a).all()
        assert (zone[1:] != zone[:-1]).all()  # no cut without a border


def test_every_piece_lies_in_its_cell(world: World) -> None:
    pieces = pieces_by_cell(world.network, 9)
    edge, middle, length, lng, lat = metres(world.network)
    key = (pieces.edge.astype(np.int64) << 32) + pieces.a_mm
    at = np.searchsorted(key, (edge << 32) + np.floor(middle).astype(np.int64), side="right") - 1
    assert np.array_equal(pieces.edge[at], edge)
    true = np.array([h3.str_to_int(h3.latlng_to_cell(y, x, 9)) for x, y in zip(lng, lat, strict=True)])
    wrong = pieces.zone[at] != true
    # only a corner that is cut between two probes may be missed
    assert length[wrong].sum() < 1e-3 * length.sum()
    runs = np.split(length * wrong, np.flatnonzero(~wrong))
    assert max(run.sum() for run in runs) <= SAMPLE_M * 1e3


def test_crossings_are_right_to_two_centimetres(world: World) -> None:
    pieces = pieces_by_cell(world.network, 9)
    inner = np.flatnonzero(pieces.edge[1:] == pieces.edge[:-1])
    assert len(inner) > 20
    for k in inner.tolist():
        at = float(pieces.b_mm[k])
        if at - pieces.a_mm[k] < 20:
            continue
        lng, lat = along_edge(world.network, int(pieces.edge[k]), np.array([at - 20.0, at + 20.0]))
        before, after = cells_of(lng, lat, 9)
        assert before == pieces.zone[k] and after != pieces.zone[k]


def expected_by_cell_and_area(world: World) -> FloatArray:
    """People by (cell, area) of the cells with frontage, from half-metre stretches; others stay zero."""
    network, outlines = world.network, world.leaves.outlines
    _, _, length, lng, lat = metres(network)
    cell = cells_of(lng, lat, 9)
    area = area_of(outlines, lng, lat)
    wanted = np.zeros((len(world.cells), len(outlines)))
    for k, number in enumerate(world.cells.tolist()):
        own = cell == number
        if not own.any():
            continue
        inside = own & (area != NOWHERE)
        if inside.any():
            share = np.bincount(area[inside], weights=length[inside], minlength=len(outlines))
            wanted[k] = world.people[k] * share / share.sum()
        else:
            x, y = cell_centres([number])
            wanted[k, nearest_area(outlines, x[0], y[0])] = world.people[k]
    return wanted


def test_people_by_cell_and_area(world: World) -> None:
    frontage = world.frontage
    along = frontage.b_mm > frontage.a_mm
    areas = len(world.leaves.outlines)
    flat = frontage.cell[along].astype(np.int64) * areas + frontage.area[along]
    found = np.bincount(flat, weights=frontage.people[along], minlength=len(world.cells) * areas)
    wanted = expected_by_cell_and_area(world)
    gap = np.abs(found.reshape(wanted.shape) - wanted)
    assert gap.sum() < 0.003 * world.people.sum()
    per_cell = np.bincount(frontage.cell[along], weights=(frontage.b_mm - frontage.a_mm)[along], minlength=len(gap))
    # a border may be missed by a stretch at either side, and a corner between two probes
    assert (gap.max(axis=1) <= world.people * (4_000 / np.maximum(per_cell, 4_000)) + 1e-9).all()
    split = (wanted > 0).sum(axis=1)
    assert (split >= 2).sum() >= 3  # there are cells on the border


def test_cells_without_streets_are_linked_within_the_limit(world: World) -> None:
    network, frontage = world.network, world.frontage
    _, _, _, lng, lat = metres(network)
    lived = set(cells_of(lng, lat, 9).tolist())
    usable = np.flatnonzero(network.everywhere.usable & ((network.edge_flags & STEPS) == 0))
    linked = {int(c): k for k, c in enumerate(frontage.cell) if frontage.a_mm[k] == frontage.b_mm[k]}
    seen = [0, 0]
    for k, number in enumerate(world.cells.tolist()):
        if number in lived:
            assert k not in linked and frontage.cell_off_network[k] == 0
            continue
        x, y = (float(v[0]) for v in cell_centres([number]))
        kx, ky = (float(v) for v in metres_per_degree(y))
        gaps = [
            shapely.LineString(
                np.column_stack(
                    [(network.geom_lng[network.geom_ptr[e] : network.geom_ptr[e + 1]] - x) * kx,
                     (network.geom_lat[network.geom_ptr[e] : network.geom_ptr[e + 1]] - y) * ky]
                )
            ).distance(shapely.Point(0, 0))
            for e in usable
        ]  # fmt: skip
        if min(gaps) > LINK_M:
            assert k not in linked and frontage.cell_off_network[k] == world.people[k]
            seen[0] += 1
        else:
            piece = linked[k]
            assert frontage.people[piece] == world.people[k] and frontage.cell_off_network[k] == 0
            assert abs(frontage.leg_mm[piece] - min(gaps) * 1e3) <= 1
            assert gaps[usable.tolist().index(frontage.edge[piece])] == pytest.approx(min(gaps), abs=1e-6)
            assert frontage.area[piece] == frontage.cell_area[k]
            seen[1] += 1
    assert min(seen) >= 5


def test_every_cell_has_the_area_of_its_centre_or_the_nearest(world: World) -> None:
    lng, lat = cell_centres(world.cells)
    inside = area_of(world.leaves.outlines, lng, lat)
    chosen = world.frontage.cell_area
    assert (chosen[inside != NOWHERE] == inside[inside != NOWHERE]).all()
    for k in np.flatnonzero(inside == NOWHERE).tolist():
        gaps = gaps_m(world.leaves.outlines, float(lng[k]), float(lat[k]))
        assert gaps[chosen[k]] <= 1.001 * min(gaps)
    assert (inside == NOWHERE).any() and set(inside) >= {0, 1}


def test_without_areas_all_is_one_leaf() -> None:
    network = random_network(4)
    none = world_of(network, (), 4)
    assert_conserved(none.frontage)
    assert set(none.frontage.area.tolist()) == set(none.frontage.cell_area.tolist()) == {0}
    one = world_of(network, (shapely.box(*at_m(-9e3, -9e3), *at_m(9e3, 9e3)),), 4)
    for name in ("edge", "a_mm", "b_mm", "leg_mm", "people", "cell", "area", "cell_off_network", "cell_area"):
        assert np.array_equal(getattr(none.frontage, name), getattr(one.frontage, name))


def test_where_areas_overlap_the_first_counts() -> None:
    lower, upper, wide = shapely.box(0, 0, 2, 2), shapely.box(1, 1, 3, 3), shapely.box(0, 0, 3, 3)
    lng, lat = np.array([0.5, 1.5, 2.5, 2.5, 9.0]), np.array([0.5, 1.5, 2.5, 0.5, 9.0])
    for outlines in ((lower, upper, wide), (upper, lower, wide), (wide, upper, lower)):
        assert np.array_equal(LeafAreas(outlines).zoning()(lng, lat), area_of(outlines, lng, lat))
    near = LeafAreas((lower, upper)).nearest(np.array([-1.0, 4.0, 1.5]), np.array([0.5, 3.5, 1.5]))
    assert near.tolist() == [0, 1, 0]


def test_one_small_area_takes_all_who_have_no_other() -> None:
    world = world_of(random_network(5), (polygon((-100, -100), (200, -100), (200, 300), (-100, 300)),), 5)
    assert_conserved(world.frontage)
    assert set(world.frontage.area.tolist()) == {0}


def test_areas_far_from_all_streets() -> None:
    areas = (polygon((20_000, 0), (21_000, 0), (21_000, 900)), polygon((-9_000, 0), (-8_000, 0), (-8_000, 900)))
    world = world_of(random_network(6), areas, 6)
    assert_conserved(world.frontage)
    lng, lat = cell_centres(world.cells)
    near = [nearest_area(areas, x, y) for x, y in zip(lng, lat, strict=True)]
    assert world.frontage.area.tolist() == [near[c] for c in world.frontage.cell]


def test_streets_without_frontage_are_linked_to_only() -> None:
    nodes = {1: at_m(-600, 0), 2: at_m(600, 0)}
    world = world_of(network_of(nodes, [Line(1, 2, frontage=False, bridge=True)]), AREAS, 7)
    assert_conserved(world.frontage)
    assert len(frontage_edges(world.network)) == 0 and len(pieces_by_cell(world.network, 9).edge) == 0
    assert len(world.frontage.edge) > 3 and np.array_equal(world.frontage.a_mm, world.frontage.b_mm)


def test_nobody_lives_on_stairs() -> None:
    """Else those people would be out of reach for a wheelchair and in reach by the ends of their edge, both at once."""
    nodes = {1: at_m(-600, 0), 2: at_m(0, 0), 3: at_m(0, 500)}
    world = world_of(network_of(nodes, [Line(1, 2), Line(2, 3, steps=True)]), AREAS, 7)
    stairs = np.flatnonzero(world.network.edge_flags & STEPS)
    assert_conserved(world.frontage)
    assert len(world.frontage.edge) > 3 and not np.isin(world.frontage.edge, stairs).any()


def test_no_streets_at_all() -> None:
    world = world_of(network_of({1: at_m(0, 0)}, []), AREAS, 8)
    assert len(world.frontage.edge) == 0
    assert np.array_equal(world.frontage.cell_off_network, world.people)


def test_no_people_at_all() -> None:
    network = random_network(9)
    with pytest.raises(ValueError, match="resolutions"):
        build_frontage(network, build_grid(network), np.zeros(0, dtype=np.int64), np.zeros(0), LeafAreas(AREAS), LINK_M)


def test_cells_of_another_size() -> None:
    network = random_network(10)
    for resolution in (7, 8, 10):
        cells = np.unique(cells_of(network.geom_lng, network.geom_lat, resolution))
        people = np.arange(len(cells)) + 1.0
        frontage = build_frontage(network, build_grid(network), cells, people, LeafAreas(AREAS), LINK_M)
        assert_conserved(frontage)
        assert frontage.resolution == resolution


def test_a_cut_keeps_the_order_and_a_second_one_changes_nothing() -> None:
    network = random_network(11)
    zoning = LeafAreas(AREAS).zoning()
    once = cut(network, whole_edges(network, frontage_edges(network)), zoning)
    twice = cut(network, once, zoning)
    keys = [(p.edge.astype(np.int64) << 32) + p.a_mm for p in (once, twice)]
    assert all((np.diff(key) > 0).all() for key in keys)
    at = np.searchsorted(keys[0], keys[1] + (twice.b_mm - twice.a_mm) // 2, side="right") - 1
    changed = (twice.b_mm - twice.a_mm)[once.zone[at] != twice.zone]
    # other probes find corners that were missed, never more than a stretch of street
    assert len(changed) <= 3 and changed.max(initial=0) <= SAMPLE_M * 1e3
    assert twice.edge[np.isin(keys[1], keys[0], invert=True)].size <= 6
