"""The measure of outlines against sampling metre by metre; and what our own outlines reach in it."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from pyproj import Transformer

from app.geo.geodesy import metres_per_degree
from app.geo.network import WalkNetwork
from app.geo.outline import PIXEL_M, areas_km2, outlines
from app.geo.search import UNREACHED
from app.geo.shape_quality import shape_quality
from app.geo.snapping import build_grid
from tests.geo.test_isochrone import (
    assert_nested,
    frontage_of,
    old_town,
    origin_at,
    sample_points,
    streets_of,
    two_banks,
)
from tests.support.oracle import sampled
from tests.support.streets import Line, at_m, grid_city, network_of, places_on, random_network

LIMITS_MM = (400_000, 800_000, 1_200_000)


@pytest.mark.parametrize("step_free", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_the_measure_against_samples(seed: int, step_free: bool) -> None:
    """Of a shape that is no outline of ours: a triangle with a hole, askew to everything."""
    network = random_network(seed, min_component_m=300.0)
    grid, frontage = build_grid(network), frontage_of(network, seed)
    origin = origin_at(network, 100.0, 50.0, step_free=step_free)
    limit = 700_000
    streets = streets_of(network, origin, 1_000_000, step_free=step_free)
    corners = [at_m(-600, -500), at_m(900, -300), at_m(100, 800)]
    shape = shapely.Polygon(corners, [[at_m(0, 0), at_m(100, 200), at_m(220, -30)]])
    found = shape_quality(network, grid, frontage, streets, limit, shape)
    samples = sampled(network, origin, step_free=step_free)
    lng, lat = sample_points(network, samples)
    inside = shapely.intersects_xy(shape, lng, lat)
    west, south, east, north = shape.bounds
    in_box = (lng >= west) & (lng <= east) & (lat >= south) & (lat <= north)
    near, stretch = samples.length_mm <= limit, samples.stretch_mm / 1e3
    assert found.reached_m == pytest.approx(stretch[near].sum(), rel=2e-3)
    assert found.reached_inside_m == pytest.approx(stretch[near & inside].sum(), rel=4e-3, abs=5)
    assert found.unreached_m == pytest.approx(stretch[~near & in_box].sum(), rel=4e-3, abs=5)
    assert found.unreached_inside_m == pytest.approx(stretch[~near & inside].sum(), rel=4e-3, abs=5)
    # people: every piece sampled at a hundred points
    share = (np.arange(100) + 0.5) / 100
    people = 0.0
    for k in np.flatnonzero(frontage.b_mm > frontage.a_mm).tolist():
        part = slice(network.geom_ptr[frontage.edge[k]], network.geom_ptr[frontage.edge[k] + 1])
        mm = frontage.a_mm[k] + share * (frontage.b_mm[k] - frontage.a_mm[k])
        x, y = (np.interp(mm, network.geom_mm[part], values[part]) for values in (network.geom_lng, network.geom_lat))
        people += frontage.people[k] * shapely.intersects_xy(shape, x, y).mean()
    assert found.people_inside == pytest.approx(people, rel=2e-3)
    assert found.people_reached is not None and 0 < found.people_reached < frontage.people.sum()


def test_the_measure_on_the_street_one_starts_from() -> None:
    network = network_of({1: at_m(-2000, 0), 2: at_m(2000, 0)}, [Line(1, 2)])
    origin = places_on(network, [0], [2_000_000], [50_000])
    origin = type(origin)(origin.edge, origin.offset_mm, origin.snap_m, *(np.array([v]) for v in at_m(0, 0)))
    streets = streets_of(network, origin, 300_000)
    assert streets.to_u[0] == UNREACHED
    shape = shapely.box(*at_m(0, -10), *at_m(1000, 10))
    found = shape_quality(network, build_grid(network), None, streets, 250_000, shape)
    assert found.reached_m == pytest.approx(400, abs=2) and found.reached_inside_m == pytest.approx(200, abs=2)
    assert found.unreached_m == found.unreached_inside_m == pytest.approx(800, abs=4)
    assert found.people_inside is None and np.isnan(found.people_ratio)
    nothing = shape_quality(network, build_grid(network), None, streets, 40_000, shapely.MultiPolygon())
    assert nothing.reached_m == nothing.unreached_m == 0 and np.isnan(nothing.reached_share)


@pytest.mark.parametrize("city", ["grid", "old town", "banks"])
def test_our_outlines_hold_what_is_reached_and_little_else(city: str) -> None:
    """Measured at these spots: reached at least 0.974, unreached at most 0.010, people 0.988 to 1.003."""
    network = {
        "grid": grid_city(21, 21, 90.0, (-900.0, -900.0)),
        "old town": old_town(7),
        "banks": two_banks(200.0, bridge=True),
    }[city]
    grid, frontage, rng = build_grid(network), frontage_of(network, 3), np.random.default_rng(11)
    for _ in range(8):
        streets = streets_of(network, origin_at(network, *rng.uniform(-700, 700, 2)), LIMITS_MM[-1])
        for limit, shape in zip(LIMITS_MM, outlines(network, grid, streets, LIMITS_MM), strict=True):
            found = shape_quality(network, grid, frontage, streets, limit, shape)
            assert found.reached_share > 0.97, (limit, found)
            assert not found.unreached_share > 0.02, (limit, found)
            assert 0.98 < found.people_ratio < 1.01, (limit, found)


@pytest.mark.parametrize("gap_m", [30.0, 45.0, 80.0])
def test_between_a_bank_that_is_reached_and_one_that_is_not_the_line_runs_in_the_middle(gap_m: float) -> None:
    """A canal narrower than the halo, and no bridge: the other bank takes away what lies nearer to it."""
    network = two_banks(gap_m, bridge=False)
    grid = build_grid(network)
    limits = (500_000, 2_000_000)
    streets = streets_of(network, origin_at(network, 10.0, -gap_m / 2 - 80.0), limits[-1])
    for limit, shape in zip(limits, outlines(network, grid, streets, limits), strict=True):
        east = np.linspace(-150.0, 150.0, 61)
        for north, wanted in ((-PIXEL_M, True), (PIXEL_M, False), (gap_m / 2, False), (gap_m / 2 + 40.0, False)):
            lng, lat = np.array([at_m(x, north) for x in east]).T
            assert (shapely.intersects_xy(shape, lng, lat) == wanted).all(), (limit, north)
        found = shape_quality(network, grid, None, streets, limit, shape)
        assert found.reached_share > 0.98 and not found.unreached_share > 0.02


def tangle(seed: int) -> WalkNetwork:
    return random_network(seed, 150, 260) if seed % 2 else old_town(seed)


@pytest.mark.parametrize("seed", range(6))
def test_bands_of_many_spots_are_valid_nested_and_exact_to_six_decimals(seed: int) -> None:
    network = tangle(seed)
    grid, rng = build_grid(network), np.random.default_rng(seed)
    equal_area = Transformer.from_crs("EPSG:4326", "EPSG:6933", always_xy=True)
    for _ in range(10):
        origin = origin_at(network, *rng.uniform(-900, 900, 2))
        limits = sorted(rng.integers(20_000, 1_600_000, 5).tolist())
        streets = streets_of(network, origin, limits[-1])
        made = outlines(network, grid, streets, limits)
        assert_nested(made)
        for shape, km2 in zip(made, areas_km2(made), strict=True):
            assert shape.is_valid
            for polygon in shape.geoms:
                assert polygon.exterior.is_ccw and not any(hole.is_ccw for hole in polygon.interiors)
            points = shapely.get_coordinates(shape)
            assert np.array_equal(points, np.round(points, 6))
            flat = shapely.transform(shape, lambda xy: np.column_stack(equal_area.transform(*xy.T)))
            assert km2 == pytest.approx(flat.area / 1e6, rel=1e-9, abs=1e-12)


def test_a_block_too_deep_to_be_filled_is_a_hole_in_every_band_that_goes_round_it() -> None:
    """A park without paths, 400 m by 400 m, between streets."""
    network = network_of(*park_parts())
    grid = build_grid(network)
    streets = streets_of(network, origin_at(network, -300.0, 0.0), 2_000_000)
    near, far = outlines(network, grid, streets, (500_000, 2_000_000))
    middle = shapely.Point(*at_m(0, 0))
    assert not near.contains(middle) and not far.contains(middle)
    [hole] = [shapely.Polygon(ring) for polygon in far.geoms for ring in polygon.interiors if area_m2(ring) > 5_000]
    assert hole.contains(middle)
    # the park but for the halo on every side
    assert area_m2(hole.exterior) == pytest.approx(300.0**2, rel=4 * PIXEL_M / 300.0)


def park_parts() -> tuple[dict[int, tuple[float, float]], list[Line]]:
    side = range(-600, 601, 100)
    nodes = {100 * i + j: at_m(x, y) for i, x in enumerate(side) for j, y in enumerate(side)}
    inside = {100 * i + j for i, x in enumerate(side) for j, y in enumerate(side) if max(abs(x), abs(y)) < 200}
    kept = {n: p for n, p in nodes.items() if n not in inside}
    lines = [Line(n, n + d) for n in kept for d in (1, 100) if n + d in kept]
    return kept, lines


def area_m2(ring: shapely.LinearRing) -> float:
    kx, ky = (float(k) for k in metres_per_degree(23.13))
    return float(shapely.Polygon(ring).area * kx * ky)
