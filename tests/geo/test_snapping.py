"""Snapping against shapely over every street, on the same local flat map."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from app.geo.arrays import BoolArray
from app.geo.geodesy import metres_per_degree
from app.geo.network import WalkNetwork
from app.geo.search import Searcher
from app.geo.snapping import Places, build_grid, edges_in_box, snap
from tests.support.streets import GEOD, Line, Point, at_m, grid_city, grid_parts, network_of, random_network

FAR = 1e7


def lines_around(network: WalkNetwork, lng: float, lat: float) -> list[shapely.LineString]:
    """Every edge in metres east and north of the point."""
    kx, ky = (float(k) for k in metres_per_degree(lat))
    parts = [slice(network.geom_ptr[k], network.geom_ptr[k + 1]) for k in range(network.edge_count)]
    return [
        shapely.LineString(np.column_stack([(network.geom_lng[p] - lng) * kx, (network.geom_lat[p] - lat) * ky]))
        for p in parts
    ]


def assert_as_brute_force(network: WalkNetwork, usable: BoolArray, points: list[Point], limit_m: float) -> Places:
    x, y = np.array(points).T
    places = snap(network, build_grid(network), usable, x, y, limit_m)
    for k, (lng, lat) in enumerate(points):
        gap = shapely.distance(shapely.Point(0, 0), lines_around(network, lng, lat))
        gap = np.where(usable, gap, np.inf)
        if gap.min() > limit_m:
            assert places.edge[k] == -1 and places.leg_mm[k] == 0 and np.isnan(places.lng[k])
            continue
        edge = int(places.edge[k])
        assert usable[edge]
        assert places.snap_m[k] == pytest.approx(gap.min(), abs=1e-6, rel=1e-12)
        assert gap[edge] == pytest.approx(gap.min(), abs=1e-6, rel=1e-12)
        assert places.leg_mm[k] == round(float(places.snap_m[k]) * 1e3)
        assert edge == int(np.flatnonzero(gap < gap.min() + 1e-7)[0]) or (gap < gap.min() + 1e-7).sum() > 1
    return places


@pytest.mark.parametrize("seed", range(6))
def test_nearest_street_of_any_point(seed: int) -> None:
    network = random_network(seed, 80, 120, min_component_m=400.0)
    rng = np.random.default_rng(seed)
    near = [at_m(*p) for p in rng.uniform(-1300, 1300, (60, 2))]
    on_nodes = list(zip(network.node_lng.tolist(), network.node_lat.tolist(), strict=True))[:30]
    assert not network.step_free.usable.all()  # steps, and islands for most seeds, are there to be left alone
    for usable in (network.everywhere.usable, network.step_free.usable):
        for limit in (20.0, 250.0, FAR):
            assert_as_brute_force(network, usable, near + on_nodes, limit)


@pytest.mark.parametrize("seed", [1, 2])
def test_far_outside_of_the_streets(seed: int) -> None:
    network = random_network(seed)
    rng = np.random.default_rng(seed)
    angle, far = rng.uniform(0, 2 * np.pi, 40), rng.uniform(2_000, 60_000, 40)
    points = [at_m(float(d * np.cos(a)), float(d * np.sin(a))) for a, d in zip(angle, far, strict=True)]
    found = assert_as_brute_force(network, network.everywhere.usable, points, FAR)
    assert (found.edge >= 0).all()
    assert (assert_as_brute_force(network, network.everywhere.usable, points, 500.0).edge == -1).all()


@pytest.mark.parametrize("seed", [3, 4])
def test_the_place_lies_on_the_street_where_the_offset_says(seed: int) -> None:
    network = random_network(seed)
    rng = np.random.default_rng(seed)
    x, y = np.array([at_m(*p) for p in rng.uniform(-1000, 1000, (200, 2))]).T
    places = snap(network, build_grid(network), network.everywhere.usable, x, y, FAR)
    for k in range(200):
        edge = int(places.edge[k])
        part = slice(network.geom_ptr[edge], network.geom_ptr[edge + 1])
        gx, gy = network.geom_lng[part], network.geom_lat[part]
        straight = GEOD.inv(x[k], y[k], places.lng[k], places.lat[k])[2]
        assert straight == pytest.approx(places.snap_m[k], rel=1e-3, abs=1e-3)
        # somewhere along the line a walk of ``offset`` from its start ends at the place
        misses = []
        walked = 0.0
        for a in range(len(gx) - 1):
            step = GEOD.inv(gx[a], gy[a], gx[a + 1], gy[a + 1])[2]
            first = GEOD.inv(gx[a], gy[a], places.lng[k], places.lat[k])[2]
            rest = GEOD.inv(places.lng[k], places.lat[k], gx[a + 1], gy[a + 1])[2]
            if first + rest <= step + 1e-4:
                misses.append(abs(walked + first - places.offset_mm[k] / 1e3))
            walked += step
        assert misses and min(misses) < 0.02  # a flat map over segments of up to 2 km, and whole mm


def test_of_equally_near_streets_the_first() -> None:
    network = grid_city(6, 6)
    lng, lat = network.node_lng, network.node_lat
    rng = np.random.default_rng(0)
    grid = build_grid(network)
    for _ in range(5):
        usable = rng.random(network.edge_count) < 0.6
        places = snap(network, grid, usable, lng, lat, FAR)
        for n in range(network.node_count):
            own = np.flatnonzero(usable & ((network.edge_u == n) | (network.edge_v == n)))
            if len(own):
                edge = int(own[0])
                assert (places.edge[n], places.snap_m[n]) == (edge, 0.0)
                assert places.offset_mm[n] == (0 if network.edge_u[edge] == n else network.edge_mm[edge])


def test_parallel_streets_on_the_same_line() -> None:
    nodes = {1: at_m(0, 0), 2: at_m(0, 200)}
    network = network_of(nodes, [Line(1, 2, id=9), Line(2, 1, id=4), Line(1, 2, id=7)])
    place = snap(network, build_grid(network), network.everywhere.usable, *at_m(30, 100), 100.0)
    assert network.edge_id[place.edge].tolist() == [4]


def test_the_limit_is_inclusive() -> None:
    network = network_of({1: at_m(0, 0), 2: at_m(0, 200)}, [Line(1, 2)])
    grid, usable = build_grid(network), network.everywhere.usable
    found = snap(network, grid, usable, *at_m(30, 100), 100.0)
    gap = float(found.snap_m[0])
    assert snap(network, grid, usable, *at_m(30, 100), gap).edge.tolist() == [0]
    assert snap(network, grid, usable, *at_m(30, 100), float(np.nextafter(gap, 0))).edge.tolist() == [-1]
    on_it = (float(found.lng[0]), float(found.lat[0]))
    assert snap(network, grid, usable, *on_it, 1e-3).edge.tolist() == [0]
    assert snap(network, grid, usable, *at_m(0, 0), 0.0).snap_m.tolist() == [0.0]


@pytest.mark.parametrize(
    "ends",
    [((0, 0), (0, 700)), ((0, 0), (700, 0)), ((0, 0), (0, 0)), ((0, 0), (9_000, 12_000))],
    ids=["north", "east", "no length", "15 km"],
)
def test_a_network_of_one_street(ends: tuple[Point, Point]) -> None:
    network = network_of({1: at_m(*ends[0]), 2: at_m(*ends[1])}, [Line(1, 2)])
    rng = np.random.default_rng(5)
    points = [at_m(*p) for p in rng.uniform(-3000, 9000, (60, 2))]
    found = assert_as_brute_force(network, network.everywhere.usable, points, FAR)
    assert (found.edge == 0).all()
    assert (found.offset_mm >= 0).all() and (found.offset_mm <= network.edge_mm[0]).all()
    assert_as_brute_force(network, network.everywhere.usable, points, 300.0)


def test_a_position_on_a_tiny_island_is_attached_to_no_island() -> None:
    """Out in the water it has no street. Near the shore it has one over there, and its way says how far that is: the
    nearest of all streets is nearer, so whoever asks for both can tell."""
    nodes, lines = grid_parts(8, 8, 100.0, (0.0, 0.0))
    isles = {900: at_m(300, -1500), 901: at_m(380, -1500), 910: at_m(300, -220), 911: at_m(380, -220)}
    network = network_of({**nodes, **isles}, [*lines, Line(900, 901), Line(910, 911)], min_component_m=1000.0)
    x, y = np.array([at_m(340, -1495), at_m(340, -215)]).T
    grid, usable = build_grid(network), network.everywhere.usable
    nearest = snap(network, grid, np.ones(network.edge_count, dtype=np.bool_), x, y, 500.0)
    assert not usable[nearest.edge].any() and (nearest.snap_m < 6).all()
    places = snap(network, grid, usable, x, y, 500.0)
    assert places.edge[0] == -1 and np.isnan(places.lng[0]) and places.leg_mm[0] == 0
    assert network.everywhere.component[network.edge_u[places.edge[1]]] == 0
    true = GEOD.inv(x[1], y[1], places.lng[1], places.lat[1])[2]
    assert places.snap_m[1] == pytest.approx(true, abs=0.05) and true == pytest.approx(215, abs=1)
    searcher = Searcher.of(network, step_free=False)
    far, near = (searcher.reach_of(places.take(np.array([k])), 4_800_000) for k in (0, 1))
    assert len(far[0]) == 0
    assert sorted(network.node_id[near[0]].tolist()) == list(range(64))
    assert near[1].min() >= places.leg_mm[1] == round(float(places.snap_m[1]) * 1e3)


def test_nothing_to_snap_and_nothing_to_snap_to() -> None:
    network = random_network(1)
    grid = build_grid(network)
    assert len(snap(network, grid, network.everywhere.usable, [], [], 500.0)) == 0
    none = np.zeros(network.edge_count, dtype=np.bool_)
    places = snap(network, grid, none, *np.array([at_m(0, 0), at_m(50, 50)]).T, 5_000.0)
    assert places.edge.tolist() == [-1, -1] and places.leg_mm.tolist() == [0, 0]
    assert len(places.take(np.array([True, False]))) == 1


def test_every_segment_is_in_every_square_it_runs_through() -> None:
    network = random_network(7, 40, 60)
    grid = build_grid(network)
    rng = np.random.default_rng(7)
    first = np.flatnonzero(grid.edge_of_point[:-1] == grid.edge_of_point[1:])
    for p in rng.choice(first, 100):
        for t in rng.random(20):
            x = network.geom_lng[p] + t * (network.geom_lng[p + 1] - network.geom_lng[p])
            y = network.geom_lat[p] + t * (network.geom_lat[p + 1] - network.geom_lat[p])
            i, j = int((x - grid.west) / grid.cell_degrees), int((y - grid.south) / grid.cell_degrees)
            square = j * grid.columns + i
            assert p in grid.segments[grid.ptr[square] : grid.ptr[square + 1]]


@pytest.mark.parametrize("seed", range(6))
def test_edges_in_a_box_are_all_that_meet_it(seed: int) -> None:
    network = random_network(seed, 40, 60)
    grid = build_grid(network)
    lines = [
        shapely.LineString(np.column_stack([network.geom_lng[a:b], network.geom_lat[a:b]]))
        for a, b in zip(network.geom_ptr[:-1], network.geom_ptr[1:], strict=True)
    ]
    west, south, east, north = shapely.total_bounds(lines)
    rng = np.random.default_rng(seed)
    for wide in (1e-4, 3e-3, 1.0):
        for _ in range(20):
            x, y = rng.uniform(west - wide, east), rng.uniform(south - wide, north)
            found = edges_in_box(grid, x, y, x + wide, y + wide)
            assert (np.diff(found) > 0).all()
            meeting = np.flatnonzero(shapely.intersects(lines, shapely.box(x, y, x + wide, y + wide)))
            assert set(meeting.tolist()) <= set(found.tolist())
            near = shapely.box(x, y, x + wide, y + wide).buffer(2 * grid.cell_degrees, join_style="mitre")
            assert all(near.intersects(shapely.box(*lines[k].bounds)) for k in found.tolist())
    assert len(edges_in_box(grid, west - 9, south - 9, west - 8, south - 8)) == 0
    assert len(edges_in_box(grid, east + 8, north + 8, east + 9, north + 9)) == 0
    assert len(edges_in_box(grid, west, south, east, north)) == network.edge_count
