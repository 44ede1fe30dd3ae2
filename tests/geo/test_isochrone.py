"""What is reached from one place: figures against the whole network's, outlines against streets metre by metre."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import shapely

from app.geo.arrays import FloatArray
from app.geo.coverage import OnEdge, covered_by_cell
from app.geo.frontage import Frontage, LeafAreas, build_frontage
from app.geo.geodesy import metres_per_degree
from app.geo.hexgrid import cells_of
from app.geo.isochrone import (
    HEX_SAMPLE_M,
    ReachedStreets,
    hexagons,
    people_within,
    reached_streets,
)
from app.geo.network import WalkNetwork
from app.geo.outline import HALO_M, PIXEL_M, outlines
from app.geo.search import UNREACHED, Searcher
from app.geo.snapping import Places, SegmentGrid, build_grid, snap
from tests.support.oracle import Samples, along_edge, lengths_from_places, sampled
from tests.support.streets import CENTRE, Line, at_m, grid_city, grid_parts, network_of, places_on, random_network

LIMITS_MM = (100_000, 400_000, 800_000, 1_200_000)


def origin_at(network: WalkNetwork, east_m: float, north_m: float, *, step_free: bool = False) -> Places:
    usable = network.adjacency(step_free=step_free).usable
    place = snap(network, build_grid(network), usable, *at_m(east_m, north_m), 1e6)
    assert place.edge[0] >= 0
    return place


def streets_of(network: WalkNetwork, origin: Places, limit: int, *, step_free: bool = False) -> ReachedStreets:
    return reached_streets(network, Searcher.of(network, step_free=step_free), origin, limit)


def sample_points(network: WalkNetwork, samples: Samples) -> tuple[FloatArray, FloatArray]:
    """``lng, lat`` of every sample."""
    lng, lat = np.empty(len(samples.edge)), np.empty(len(samples.edge))
    for edge in np.unique(samples.edge).tolist():
        own = samples.edge == edge
        lng[own], lat[own] = along_edge(network, edge, samples.offset_mm[own].astype(np.float64))
    return lng, lat


def frontage_of(network: WalkNetwork, seed: int) -> Frontage:
    """People in most cells around the streets; those without a street are linked."""
    rng = np.random.default_rng(seed)
    x, y = np.array([at_m(*p) for p in rng.uniform(-2000, 2000, (3000, 2))]).T
    cells = np.unique(cells_of(x, y, 9))
    return build_frontage(network, build_grid(network), cells, rng.uniform(0, 900, len(cells)), LeafAreas([]), 600.0)


@pytest.mark.parametrize("step_free", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_reached_streets_are_those_with_an_end_within_the_limit(seed: int, step_free: bool) -> None:
    network = random_network(seed)
    rng = np.random.default_rng(seed)
    walked = ~((network.edge_flags & 1).astype(bool)) if step_free else np.ones(network.edge_count, dtype=bool)
    for _ in range(6):
        origin = origin_at(network, *rng.uniform(-900, 900, 2), step_free=step_free)
        limit = int(rng.integers(0, 1_500_000))
        [true] = lengths_from_places(network, origin, step_free=step_free)
        ends = np.array(
            [[mm if (mm := true.get(int(n), UNREACHED)) <= limit else UNREACHED for n in side]
             for side in (network.edge_u, network.edge_v)]
        )  # fmt: skip
        wanted = (ends.min(axis=0) < UNREACHED) & walked
        wanted[origin.edge[0]] = True
        streets = streets_of(network, origin, limit, step_free=step_free)
        assert streets.edge.tolist() == np.flatnonzero(wanted).tolist()
        assert np.array_equal(np.array([streets.to_u, streets.to_v]), ends[:, wanted])


@pytest.mark.parametrize("step_free", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_people_are_those_of_the_whole_network(seed: int, step_free: bool) -> None:
    network = random_network(seed, min_component_m=300.0)
    frontage = frontage_of(network, seed)
    searcher = Searcher.of(network, step_free=step_free)
    rng = np.random.default_rng(seed)
    for _ in range(8):
        origin = origin_at(network, *rng.uniform(-1200, 1200, 2), step_free=step_free)
        found = people_within(network, frontage, reached_streets(network, searcher, origin, LIMITS_MM[-1]), LIMITS_MM)
        field = searcher.field_of(origin, LIMITS_MM[-1])
        stations = OnEdge.of(origin, np.ones(1, dtype=np.bool_))
        wanted = [
            covered_by_cell(
                frontage, network.edge_u, network.edge_v, network.edge_mm, field.length_mm, stations, limit
            ).sum()
            for limit in LIMITS_MM
        ]  # fmt: skip
        assert found == pytest.approx(wanted, rel=1e-12, abs=1e-9)
        assert found == sorted(found)


def test_people_on_the_street_itself_when_no_end_is_reached() -> None:
    network = network_of({1: at_m(-2000, 0), 2: at_m(2000, 0)}, [Line(1, 2)])
    cells = np.unique(cells_of(*along_edge(network, 0, np.arange(0.0, 4e6, 1e4)), 9))
    frontage = build_frontage(network, build_grid(network), cells, np.full(len(cells), 10.0), LeafAreas([]), 0.0)
    origin = places_on(network, [0], [2_000_000], [50_000])
    streets = streets_of(network, origin, 300_000)
    assert streets.edge.tolist() == [0] and streets.to_u.tolist() == streets.to_v.tolist() == [UNREACHED]
    samples = sampled(network, origin)
    piece = np.searchsorted(frontage.b_mm, samples.offset_mm, side="right")
    density = (frontage.people / (frontage.b_mm - frontage.a_mm))[piece]
    for limit in (49_999, 50_000, 51_000, 300_000):
        near = samples.length_mm <= limit
        wanted = float((density * samples.stretch_mm)[near].sum())
        [found] = people_within(network, frontage, streets, [limit])
        assert found == pytest.approx(wanted, abs=2 * 1000 * density.max())


def inside_of(shape: shapely.Geometry, lng: FloatArray, lat: FloatArray) -> np.ndarray:
    shapely.prepare(shape)
    return shapely.intersects_xy(shape, lng, lat)


def assert_outlines_hold_what_is_reached(
    network: WalkNetwork, origin: Places, limits: tuple[int, ...], *, step_free: bool = False
) -> list[shapely.MultiPolygon]:
    """Valid, nested, nearly all reached street inside, little else."""
    streets = streets_of(network, origin, limits[-1], step_free=step_free)
    made = outlines(network, build_grid(network), streets, limits)
    samples = sampled(network, origin, step_mm=5_000, step_free=step_free)
    lng, lat = sample_points(network, samples)
    kx, ky = (float(k) for k in metres_per_degree(lat.mean()))
    for limit, shape in zip(limits, made, strict=True):
        assert shape.is_valid and isinstance(shape, shapely.MultiPolygon)
        near = samples.length_mm <= limit
        inside = inside_of(shape, lng, lat)
        reached = samples.stretch_mm[near].sum()
        # around the head of stairs that a walker may not take the nearest street is often the stairs
        assert samples.stretch_mm[near & inside].sum() >= (0.95 if step_free else 0.97) * reached
        if shape.is_empty:
            continue
        west, south, east, north = shape.bounds
        around = (lng >= west) & (lng <= east) & (lat >= south) & (lat <= north)
        beyond = around & (samples.length_mm > limit)
        if beyond.any():
            assert samples.stretch_mm[beyond & inside].sum() < 0.04 * samples.stretch_mm[around].sum()
        # and no farther from the streets that are reached than a plot is deep
        reached_points = shapely.MultiPoint(np.column_stack([lng[near] * kx, lat[near] * ky]))
        flat = shapely.transform(shape, lambda xy: xy * (kx, ky))
        rim = shapely.points(shapely.get_coordinates(flat))
        assert shapely.distance(reached_points, rim).max() <= HALO_M + 2 * PIXEL_M
    assert_nested(made)
    return made


def assert_nested(made: list[shapely.MultiPolygon]) -> None:
    """Each within the next, but for a quarter of a pixel that thinning moves either by."""
    scale = [float(k) for k in metres_per_degree(CENTRE[1])]
    flat = [shapely.transform(shape, lambda xy: xy * scale) for shape in made]
    for small, large in itertools.pairwise(flat):
        assert small.is_empty or shapely.covers(shapely.buffer(large, PIXEL_M / 2 + 0.1), small)
        assert small.area <= large.area + 1.0


@pytest.mark.parametrize("spot", [(950.0, 960.0), (20.0, 0.0), (1000.0, 1000.0)])
def test_outlines_of_a_grid_city(spot: tuple[float, float]) -> None:
    network = grid_city(21, 21, 100.0)
    made = assert_outlines_hold_what_is_reached(network, origin_at(network, *spot), (400_000, 600_000, 900_000))
    assert all(len(shape.geoms) == 1 for shape in made)
    # a walk of d metres on a grid covers a diamond of 2 d² but for its ragged rim; from a corner a quarter of one
    kx, ky = (float(k) for k in metres_per_degree(23.14))
    share = 0.25 if spot == (20.0, 0.0) else 1.0
    diamond = 2 * 600.0**2
    assert share * diamond * 0.8 < made[1].area * kx * ky < share * diamond * 1.1 + 4 * 600.0 * HALO_M


def old_town(seed: int) -> WalkNetwork:
    """A jumbled grid: junctions moved, a quarter of the streets left out, some of them stairs."""
    rng = np.random.default_rng(seed)
    nodes, lines = grid_parts(17, 17, 110.0, (-880.0, -880.0))
    moved = {n: (x + float(dx), y + float(dy)) for (n, (x, y)), (dx, dy) in zip(
        nodes.items(), rng.uniform(-2.8e-4, 2.8e-4, (len(nodes), 2)), strict=True
    )}  # fmt: skip
    kind = rng.random(len(lines))
    kept = [replace(line, steps=bool(k > 0.92)) for line, k in zip(lines, kind, strict=True) if k > 0.25]
    return network_of(moved, kept, min_component_m=500.0)


@pytest.mark.parametrize("step_free", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_outlines_of_an_old_town(seed: int, step_free: bool) -> None:
    network = old_town(seed)
    rng = np.random.default_rng(seed)
    origin = origin_at(network, *rng.uniform(-600, 600, 2), step_free=step_free)
    assert_outlines_hold_what_is_reached(network, origin, (400_000, 800_000, 1_200_000), step_free=step_free)


@pytest.mark.parametrize("seed", range(3))
def test_outlines_are_valid_where_streets_run_over_one_another(seed: int) -> None:
    network = random_network(seed, 90, 150)
    rng = np.random.default_rng(seed)
    grid = build_grid(network)
    for _ in range(5):
        origin = origin_at(network, *rng.uniform(-800, 800, 2))
        limits = sorted(rng.integers(0, 1_500_000, 4).tolist())
        made = outlines(network, grid, streets_of(network, origin, limits[-1]), limits)
        assert all(isinstance(shape, shapely.MultiPolygon) and shape.is_valid for shape in made)
        assert [shape.area for shape in made] == sorted(shape.area for shape in made)


def two_banks(gap_m: float, *, bridge: bool) -> WalkNetwork:
    """Two grids of 11 × 7 junctions with a river of ``gap_m`` between them, and a bridge at its eastern end."""
    south, south_lines = grid_parts(11, 7, 80.0, (-400.0, -480.0 - gap_m / 2))
    north, north_lines = grid_parts(11, 7, 80.0, (-400.0, gap_m / 2), first_id=1000)
    crossing = [Line(6 * 11 + 10, 1010, bridge=True, frontage=False)] if bridge else []
    return network_of({**south, **north}, [*south_lines, *north_lines, *crossing])


@pytest.mark.parametrize("bridge", [False, True])
def test_a_river_is_not_jumped(bridge: bool) -> None:
    network = two_banks(300.0, bridge=bridge)
    origin = origin_at(network, -390.0, -170.0)
    assert origin.lat[0] < at_m(0, -140)[1]
    limits = (600_000, 1_000_000)  # 800 m along the bank to the bridge, 300 m across
    made = assert_outlines_hold_what_is_reached(network, origin, limits)
    for shape in made:
        assert inside_of(shape, *(np.array([v]) for v in at_m(-390, -160)))[0]
        # the northern bank, and the water more than a halo from the bank
        north = shapely.box(*at_m(-500, -150 + HALO_M + PIXEL_M), *at_m(330 if bridge else 900, 800))
        assert shape.intersection(north).is_empty
    if bridge:
        over = outlines(network, build_grid(network), streets_of(network, origin, 1_400_000), (1_400_000,))[0]
        assert inside_of(over, *(np.array([v]) for v in at_m(400, 160)))[0]  # by the bridge, with time enough
        assert not inside_of(over, *(np.array([v]) for v in at_m(-100, 0)))[0]  # never on the water


def test_alone_on_a_tiny_street() -> None:
    network = network_of({1: at_m(0, 0), 2: at_m(2, 0)}, [Line(1, 2)])
    origin = origin_at(network, 1.0, 0.0)
    small, large = outlines(network, build_grid(network), streets_of(network, origin, 900_000), (500, 900_000))
    kx, ky = (float(k) for k in metres_per_degree(23.13))
    # all around the street as far as the halo, and less than a pixel farther
    assert large.is_valid and large.contains(shapely.Point(*at_m(1, 0)))
    assert np.pi * (HALO_M - PIXEL_M / 2) ** 2 < large.area * kx * ky < np.pi * (HALO_M + PIXEL_M) ** 2
    assert small.is_valid and small.area < large.area / 50
    cells, least = hexagons(network, streets_of(network, origin, 900_000), 9)
    assert set(cells.tolist()) == set(cells_of(*along_edge(network, 0, np.array([0.0, 1e3, 2e3])), 9).tolist())
    assert (least <= 2_000).all()


def test_a_street_without_length() -> None:
    network = network_of({1: at_m(0, 0), 2: at_m(0, 0)}, [Line(1, 2)])
    origin = origin_at(network, 0.0, 0.0)
    streets = streets_of(network, origin, 900_000)
    assert outlines(network, build_grid(network), streets, (900_000,))[0].is_valid
    cells, least = hexagons(network, streets, 9)
    assert cells.tolist() == cells_of(*at_m(0, 0), 9).tolist() and least[0] <= 1


def test_a_way_to_the_street_that_is_longer_than_the_limit() -> None:
    network = grid_city(4, 4)
    origin = origin_at(network, -80.0, 50.0)
    assert origin.leg_mm[0] == pytest.approx(80_000, abs=500)
    streets = streets_of(network, origin, 60_000)
    assert streets.edge.tolist() == origin.edge.tolist()
    assert outlines(network, build_grid(network), streets, (30_000, 60_000))[1].is_empty
    cells, least = hexagons(network, streets, 9)
    assert len(cells) == len(least) == 0
    frontage = frontage_of(network, 1)
    assert people_within(network, frontage, streets, [30_000, 60_000]) == [0.0, 0.0]


@pytest.mark.parametrize("step_free", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_hexagons_and_the_shortest_way_to_each(seed: int, step_free: bool) -> None:
    network = random_network(seed)
    origin = origin_at(network, 100.0, -50.0, step_free=step_free)
    limit = 900_000
    cells, least = hexagons(network, streets_of(network, origin, limit, step_free=step_free), 9)
    samples = sampled(network, origin, step_free=step_free)
    near = samples.length_mm <= limit
    at = cells_of(*sample_points(network, samples), 9)
    wanted = {int(c): float(samples.length_mm[near & (at == c)].min()) for c in np.unique(at[near])}
    found = dict(zip(cells.tolist(), least.tolist(), strict=True))
    assert np.array_equal(cells, np.sort(cells)) and (least <= limit).all()
    for cell in set(wanted) | set(found):
        if cell in wanted and cell in found:
            assert abs(found[cell] - wanted[cell]) <= HEX_SAMPLE_M * 1e3 + 500
        elif cell in wanted:  # a corner between two probes
            assert samples.stretch_mm[near & (at == cell)].sum() <= 2 * HEX_SAMPLE_M * 1e3
        else:  # the end of the way, between two samples
            assert found[cell] >= limit - 1_000
    assert len(set(wanted) ^ set(found)) <= 0.1 * len(wanted)


def test_a_grid_is_only_looked_at_where_it_is_needed() -> None:
    """The raster is made of the segments around; others, however many, change nothing."""
    near, lines = grid_parts(9, 9, 100.0, (-400.0, -400.0))
    far, far_lines = grid_parts(30, 3, 100.0, (5_000.0, 3_000.0), first_id=5000)
    alone, both = network_of(near, lines), network_of({**near, **far}, [*lines, *far_lines])
    made = []
    for network in (alone, both):
        grid: SegmentGrid = build_grid(network)
        streets = streets_of(network, origin_at(network, 30.0, 0.0), 350_000)
        made.append(outlines(network, grid, streets, (350_000,))[0])
    assert made[0].symmetric_difference(made[1]).area < 1e-12


def test_a_long_road_out_of_town_does_not_blur_the_town() -> None:
    nodes, lines = grid_parts(13, 13, 100.0, (-600.0, -600.0))
    road = [Line(12 * 13 + 12, 999, via=(at_m(9_000, 12_000),))]
    network = network_of({**nodes, 999: at_m(30_000, 20_000)}, [*lines, *road])
    alone = network_of(nodes, lines)
    made = []
    for town in (alone, network):
        origin = origin_at(town, 570.0, 600.0)
        made.append(outlines(town, build_grid(town), streets_of(town, origin, 500_000), (250_000, 500_000)))
    for near, wide in zip(*made, strict=True):
        assert near.difference(wide).area < 0.05 * near.area
        assert wide.area < 1.4 * near.area  # the first half kilometre of the road comes in
