"""Who is covered: the closed form against counting, millimetre by millimetre and metre by metre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from app.geo.arrays import BoolArray, FloatArray, IntArray
from app.geo.coverage import OnEdge, covered_by_cell, curve_by_area, median_of_curve, nearest_by_cell
from app.geo.frontage import Frontage, LeafAreas, build_frontage, pieces_by_cell
from app.geo.hexgrid import cells_of
from app.geo.network import WalkNetwork
from app.geo.search import MAX_LIMIT_MM, UNREACHED, Searcher
from app.geo.snapping import Places, build_grid
from tests.support.counting import SmallWorld, counted, frontage_by_hand, small_worlds
from tests.support.oracle import graph_with, lengths_from_places, place_points
from tests.support.streets import Line, at_m, network_of, places_on, random_network, random_places


def covered_at(
    network: WalkNetwork, frontage: Frontage, places: Places, limit: int, *, mask: BoolArray | None = None
) -> FloatArray:
    chosen = np.ones(len(places), dtype=np.bool_) if mask is None else mask
    field = Searcher.of(network, step_free=False).field_of(places.take(chosen), limit)
    stations = OnEdge.of(places, chosen)
    return covered_by_cell(
        frontage, network.edge_u, network.edge_v, network.edge_mm, field.length_mm, stations, limit
    )  # fmt: skip


def curve_at(
    network: WalkNetwork, frontage: Frontage, places: Places, areas: int, limits: Sequence[int] | IntArray
) -> FloatArray:
    field = Searcher.of(network, step_free=False).field_of(places, int(limits[-1]))
    stations = OnEdge.of(places, np.ones(len(places), dtype=np.bool_))
    return curve_by_area(
        frontage, areas, network.edge_u, network.edge_v, network.edge_mm, field.length_mm, stations,
        np.array(limits, dtype=np.int64),
    )  # fmt: skip


# --- small worlds, counted millimetre by millimetre


@given(small_worlds(), st.lists(st.integers(0, 160), min_size=1, max_size=6, unique=True).map(sorted))
@settings(max_examples=300, deadline=None)
def test_people_counted_one_by_one(world: SmallWorld, limits: list[int]) -> None:
    network, places, frontage = world.network, world.places, world.frontage
    curve = curve_at(network, frontage, places, 2, limits)
    for k, limit in enumerate(limits):
        by_cell, by_area = counted(world, limit)
        assert covered_at(network, frontage, places, limit).tolist() == pytest.approx(by_cell, abs=1e-9)
        assert curve[:, k].tolist() == pytest.approx(by_area, abs=1e-9)
        # a field that reaches farther than the limit changes nothing
        wide = Searcher.of(network, step_free=False).field_of(places, limit + 50)
        again = covered_by_cell(
            frontage, network.edge_u, network.edge_v, network.edge_mm, wide.length_mm,
            OnEdge.of(places, np.ones(len(places), dtype=np.bool_)), limit,
        )  # fmt: skip
        assert again.tolist() == pytest.approx(by_cell, abs=1e-9)


@given(small_worlds(), st.data())
@settings(max_examples=300, deadline=None)
def test_the_nearest_station_of_a_cell(world: SmallWorld, data: st.DataObject) -> None:
    network, places, frontage = world.network, world.places, world.frontage
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(places), max_size=len(places))), dtype=np.bool_)
    chosen = np.flatnonzero(mask)
    field = Searcher.of(network, step_free=False).field_of(places.take(chosen), MAX_LIMIT_MM, chosen.astype(np.int32))
    station, mm = nearest_by_cell(
        frontage, network.edge_u, network.edge_v, network.edge_mm, field.length_mm, field.origin,
        OnEdge.of(places, mask),
    )  # fmt: skip
    nodes = lengths_from_places(network, places)
    for cell in range(3):
        own = np.flatnonzero(frontage.cell == cell).tolist()
        ways = [
            (world.way(s, int(frontage.edge[k]), spot, nodes) + int(frontage.leg_mm[k]), s)
            for k in own
            for spot in range(int(frontage.a_mm[k]), int(frontage.b_mm[k]) + 1)
            for s in chosen.tolist()
            if places.edge[s] >= 0
        ]
        way, who = min(ways, default=(np.inf, -1))
        if way == np.inf:
            assert (station[cell], mm[cell]) == (-1, UNREACHED)
        else:
            assert (station[cell], mm[cell]) == (who, way)


# --- random towns, sampled metre by metre


@dataclass(frozen=True)
class Town:
    network: WalkNetwork
    frontage: Frontage
    places: Places
    piece: IntArray  # of every sample
    people: FloatArray
    length_mm: FloatArray  # from the nearest station, inf where none can be reached


AREAS = 3
LIMITS = [0, 1, 30_000, 150_000, 400_000, 800_000, 1_200_000, 2_500_000]


def town_of(seed: int) -> Town:
    network = random_network(seed, 60, 85, min_component_m=300.0)
    rng = np.random.default_rng(seed)
    x, y = np.array([at_m(*p) for p in rng.uniform(-1400, 1400, (2500, 2))]).T
    cells = np.unique(cells_of(x, y, 9))
    boxes = [at_m(-2000, -2000), at_m(-150, 2000), at_m(250, -2000), at_m(2000, 2000)]
    (x0, y0), (x1, y1), (x2, _), (x3, _) = boxes
    leaves = LeafAreas([shapely.box(a, y0, b, y1) for a, b in ((x0, x1), (x1, x2), (x2, x3))])
    frontage = build_frontage(network, build_grid(network), cells, rng.uniform(0, 500, len(cells)), leaves, 300.0)
    places = random_places(rng, network, 9)
    points = place_points(places)
    piece, names, people = [], [], []
    for k in range(len(frontage.edge)):
        a, b = int(frontage.a_mm[k]), int(frontage.b_mm[k])
        count = max(1, -(-(b - a) // 1000))
        for j in range(count):
            lo, hi = a + (b - a) * j // count, a + (b - a) * (j + 1) // count
            names.append(("sample", k, j))
            points[names[-1]] = (int(frontage.edge[k]), (lo + hi) // 2, int(frontage.leg_mm[k]))
            piece.append(k)
            people.append(float(frontage.people[k]) * ((hi - lo) / (b - a) if b > a else 1.0))
    stations = [("place", k) for k in range(len(places)) if places.edge[k] >= 0]
    found = graph_with(network, points).lengths(stations)
    length = np.array([found.get(name, np.inf) for name in names], dtype=np.float64)
    return Town(network, frontage, places, np.array(piece), np.array(people), length)


@pytest.fixture(scope="module", params=[1, 2, 3])
def town(request: pytest.FixtureRequest) -> Town:
    return town_of(request.param)


def test_cells_and_areas_against_sampling_every_metre(town: Town) -> None:
    frontage = town.frontage
    total = float(frontage.cell_people.sum())
    curve = curve_at(town.network, frontage, town.places, AREAS, LIMITS)
    for k, limit in enumerate(LIMITS):
        near = town.length_mm <= limit
        weights = town.people * near
        by_cell = np.bincount(frontage.cell[town.piece], weights=weights, minlength=len(frontage.cells))
        by_area = np.bincount(frontage.area[town.piece], weights=weights, minlength=AREAS)
        found = covered_at(town.network, frontage, town.places, limit)
        assert np.abs(found - by_cell).sum() <= 1e-3 * total
        assert np.abs(curve[:, k] - by_area).sum() <= 1e-3 * total
        assert curve[:, k].sum() == pytest.approx(found.sum(), abs=1e-9 * total)
        most = frontage.cell_people - frontage.cell_off_network
        assert (found >= 0).all() and (found <= most * (1 + 1e-12)).all()
    assert 0.2 * total < curve[:, 5].sum() < 0.98 * total  # there is something to be wrong about


def test_the_curve_is_what_each_limit_gives(town: Town) -> None:
    limits = np.arange(1, 61) * 40_000
    curve = curve_at(town.network, town.frontage, town.places, AREAS, limits)
    assert (np.diff(curve, axis=1) >= -1e-9).all()
    for k, limit in enumerate(limits.tolist()):
        each = covered_at(town.network, town.frontage, town.places, limit)
        assert curve[:, k].sum() == pytest.approx(each.sum(), abs=1e-9 * each.sum() + 1e-9)


def test_more_time_and_more_stations_never_cover_fewer(town: Town) -> None:
    rng = np.random.default_rng(0)
    before = np.zeros(len(town.frontage.cells))
    for limit in sorted(rng.integers(0, 1_500_000, 30).tolist()):
        now = covered_at(town.network, town.frontage, town.places, limit)
        assert (now >= before - 1e-9).all()
        before = now
    mask = np.zeros(len(town.places), dtype=np.bool_)
    before = covered_at(town.network, town.frontage, town.places, 600_000, mask=mask)
    assert before.sum() == 0.0
    for k in rng.permutation(len(town.places)):
        mask[k] = True
        now = covered_at(town.network, town.frontage, town.places, 600_000, mask=mask)
        assert (now >= before - 1e-9).all()
        before = now


@pytest.mark.parametrize("seed", [4, 5])
def test_the_size_of_the_cells_is_nothing(seed: int) -> None:
    """A person a metre of street, in cells of any size: those covered are the metres covered."""
    network = random_network(seed, 60, 85)
    places = random_places(np.random.default_rng(seed), network, 7)
    totals = []
    for resolution in (7, 8, 9, 10, 11):
        pieces = pieces_by_cell(network, resolution)
        cells, at = np.unique(pieces.zone, return_inverse=True)
        people = np.bincount(at, weights=pieces.b_mm - pieces.a_mm) / 1e3
        frontage = build_frontage(network, build_grid(network), cells, people, LeafAreas([]), 0.0)
        totals.append([covered_at(network, frontage, places, limit).sum() for limit in LIMITS])
    for row in totals[1:]:
        assert row == pytest.approx(totals[0], rel=1e-9, abs=1e-9)


def weighted_median(values: FloatArray, weights: FloatArray, population: float) -> float:
    order = np.argsort(values)
    run = np.cumsum(weights[order])
    at = int(np.searchsorted(run, population / 2))
    return float(values[order][at]) if at < len(run) else float("nan")


def test_the_median_walk(town: Town) -> None:
    frontage = town.frontage
    limits = np.arange(1, 1001) * 5_000
    curve = curve_at(town.network, frontage, town.places, AREAS, limits)
    off = np.bincount(frontage.cell_area, weights=frontage.cell_off_network, minlength=AREAS)
    population = np.bincount(frontage.area, weights=frontage.people, minlength=AREAS) + off
    found = median_of_curve(curve, limits.astype(np.float64), population)
    for area in range(AREAS):
        own = frontage.area[town.piece] == area
        wanted = weighted_median(town.length_mm[own], town.people[own], float(population[area]))
        if np.isfinite(wanted):
            assert found[area] == pytest.approx(wanted, abs=6_000)
        else:
            assert np.isnan(found[area])
    assert np.isfinite(found).any()


def test_medians_by_hand() -> None:
    limits = np.array([10.0, 20.0, 30.0])
    curve = np.array([[0, 50, 100], [50, 60, 100], [0, 0, 49], [80, 80, 80], [0, 100, 100], [0, 0, 0], [0, 50, 50]])
    population = np.array([100, 100, 100, 100, 100, 0, 100])
    found = median_of_curve(curve.astype(np.float64), limits, population.astype(np.float64)).tolist()
    assert found[:2] == [20.0, 10.0] and np.isnan(found[2])
    assert found[3:5] == [6.25, 15.0] and np.isnan(found[5]) and found[6] == 20.0
    assert median_of_curve(np.zeros((0, 3)), limits, np.zeros(0)).tolist() == []


def test_any_number_of_stations_on_one_street() -> None:
    network = network_of({1: at_m(-900, 0), 2: at_m(900, 0)}, [Line(1, 2, length_m=2000.0)])
    offsets = np.arange(100) * 20_000 + 10_000
    legs = np.where(np.arange(100) % 3 == 0, 4_000, 0)
    places = places_on(network, np.zeros(100, dtype=int), offsets, legs)
    frontage = frontage_by_hand([(0, 0, 2_000_000, 0, 2_000_000.0, 0, 0)], 1)
    for limit in (0, 1_000, 4_000, 5_500, 9_999, 10_000):
        radius = np.maximum(limit - legs, 0)
        assert covered_at(network, frontage, places, limit)[0] == pytest.approx(2 * radius.sum(), abs=1e-6)
        assert curve_at(network, frontage, places, 1, [limit])[0, 0] == pytest.approx(2 * radius.sum(), abs=1e-6)
    assert covered_at(network, frontage, places, 16_000)[0] == pytest.approx(2_000_000.0)


def test_nobody_and_no_station() -> None:
    network = random_network(6)
    rng = np.random.default_rng(6)
    places = random_places(rng, network, 4)
    nobody = frontage_by_hand([], 2)
    assert covered_at(network, nobody, places, 900_000).tolist() == [0.0, 0.0]
    assert curve_at(network, nobody, places, 2, [1, 2]).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    somebody = frontage_by_hand([(3, 0, int(network.edge_mm[3]), 0, 10.0, 1, 0)], 2)
    for none in (places_on(network, [], []), replace(places, edge=np.full(4, -1, dtype=np.int32))):
        assert covered_at(network, somebody, none, 900_000).tolist() == [0.0, 0.0]
        assert len(OnEdge.of(none, np.ones(len(none), dtype=np.bool_)).edge) == 0


def test_stations_stand_in_order_of_their_streets() -> None:
    network = random_network(7)
    places = places_on(network, [5, 2, -1, 5, 2, 9], [40, 30, 0, 10, 30, 0], [1, 2, 0, 3, 4, 5])
    found = OnEdge.of(places, np.array([True, True, True, True, True, False]))
    assert found.edge.tolist() == [2, 2, 5, 5] and found.number.tolist() == [1, 4, 3, 0]
    assert found.offset_mm.tolist() == [30, 30, 10, 40] and found.leg_mm.tolist() == [2, 4, 3, 1]
