"""Candidate places: crossings, thinned; who is too near to whom."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from pyproj import Geod

from app.geo.siting_places import best_of_each_square, crossings, neighbour_rows, places_at_nodes, spaced, too_near
from tests.support.streets import Line, at_m, grid_city, network_of, random_network

GEOD = Geod(ellps="WGS84")


def points(seed: int, count: int = 80, span_m: float = 1500.0) -> tuple[np.ndarray, np.ndarray]:
    xy = np.random.default_rng(seed).uniform(-span_m, span_m, (count, 2))
    lng, lat = np.array([at_m(*p) for p in xy]).T
    return lng, lat


def test_crossings_are_where_three_ends_meet() -> None:
    grid = grid_city(5, 4)
    found = crossings(grid, step_free=False)
    degree = np.bincount(np.concatenate([grid.edge_u, grid.edge_v]), minlength=grid.node_count)
    assert found.tolist() == np.flatnonzero(degree >= 3).tolist() and len(found) == 20 - 4
    # an island has none, however its streets meet; a street with steps is none for who takes no steps
    nodes = {k: at_m(100.0 * k, 0.0) for k in range(4)} | {10 + k: at_m(5000.0 + 10 * k, 0.0) for k in range(4)}
    lines = [Line(0, 1), Line(0, 2), Line(0, 3, steps=True), Line(10, 11), Line(10, 12), Line(10, 13)]
    network = network_of(nodes, lines)
    assert network.node_id[crossings(network, step_free=False)].tolist() == [0]
    assert crossings(network, step_free=True).tolist() == []


@pytest.mark.parametrize("seed", range(6))
def test_a_node_as_a_place(seed: int) -> None:
    network = random_network(seed)
    for step_free in (False, True):
        nodes = crossings(network, step_free=step_free)
        places = places_at_nodes(network, nodes, step_free=step_free)
        at = np.where(places.offset_mm == 0, network.edge_u[places.edge], network.edge_v[places.edge])
        assert at.tolist() == nodes.tolist() and (places.leg_mm == 0).all()
        assert ((places.offset_mm == 0) | (places.offset_mm == network.edge_mm[places.edge])).all()
        assert network.adjacency(step_free=step_free).usable[places.edge].all()


def test_the_best_of_each_square() -> None:
    column, row = np.array([0, 0, 0, 1, 1, 5]), np.array([0, 0, 1, 1, 1, 0])
    score = np.array([1.0, 2.0, 0.5, 3.0, 3.0, 9.0])
    assert best_of_each_square(np.array([0, 1, 2, 3, 4]), column, row, score).tolist() == [1, 2, 3]
    assert best_of_each_square(np.array([4, 0]), column, row, score).tolist() == [0, 4]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("spacing", [0.0, 150.0, 600.0])
def test_pairs_that_are_too_near(seed: int, spacing: float) -> None:
    lng, lat = points(seed)
    found = {(int(min(a, b)), int(max(a, b))) for a, b in zip(*too_near(lng, lat, spacing), strict=True)}
    every = {(a, b) for a, b in combinations(range(80), 2) if GEOD.inv(lng[a], lat[a], lng[b], lat[b])[2] < spacing}
    assert found == every
    other = points(seed + 100, 30)
    crossed = {(int(a), int(b)) for a, b in zip(*too_near(lng, lat, spacing, other), strict=True)}
    assert crossed == {
        (a, b) for a in range(80) for b in range(30) if GEOD.inv(lng[a], lat[a], other[0][b], other[1][b])[2] < spacing
    }
    ptr, near = neighbour_rows(*too_near(lng, lat, spacing), 80)
    assert {(a, int(b)) for a in range(80) for b in near[ptr[a] : ptr[a + 1]]} == every | {(b, a) for a, b in every}
    nobody = (np.zeros(0), np.zeros(0))
    assert len(too_near(lng, lat, 500.0, nobody)[0]) == 0 and len(too_near(*nobody, 500.0)[0]) == 0


@pytest.mark.parametrize("seed", range(5))
def test_points_apart_the_best_first_and_some_of_every_group(seed: int) -> None:
    lng, lat = points(seed)
    rng = np.random.default_rng(seed)
    score, group = np.round(rng.uniform(-1, 5, 80), 1), rng.integers(0, 4, 80)
    alone = np.zeros(80, dtype=np.int64)

    def apart(a: int, b: int) -> bool:
        return bool(GEOD.inv(lng[a], lat[a], lng[b], lat[b])[2] >= 400.0)

    expected: list[int] = []
    for p in sorted(range(80), key=lambda p: (-score[p], p)):
        if score[p] > 0 and all(apart(p, q) for q in expected):
            expected.append(p)
    assert spaced(lng, lat, score, alone, 400.0, 1000).tolist() == sorted(expected)
    assert spaced(lng, lat, score, alone, 400.0, 1).tolist() == expected[:1]
    taken = spaced(lng, lat, score, group, 400.0, 16).tolist()
    assert len(taken) <= 16 and all(apart(a, b) for a, b in combinations(taken, 2)) and (score[taken] > 0).all()
    for g in range(4):
        best = max((p for p in range(80) if group[p] == g), key=lambda p: (score[p], -p))
        beaten = [q for q in taken if group[q] != g and score[q] >= score[best] and not apart(best, q)]
        assert best in taken or beaten, "the best of a group gives way only to a better one beside it"
