"""Two-step floating catchment against the formula written out, person by person, with lengths by another search."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.geo.coverage import OnEdge
from app.geo.floating_catchment import ZONE_WEIGHTS, FloatingCatchment, floating_catchment
from app.geo.reach import reach_table
from app.geo.search import Searcher
from tests.support.counting import SmallWorld, small_worlds
from tests.support.covering import frontage_of
from tests.support.oracle import lengths_from_places
from tests.support.streets import random_network, random_places


def found_in(world: SmallWorld, mask: np.ndarray, seats: np.ndarray, zones: list[int]) -> FloatingCatchment:
    network, places = world.network, world.places
    table = reach_table(Searcher.of(network, step_free=False), places, zones[-1] + 5, threads=1)
    zones_mm = np.array(zones, dtype=np.int64)
    return floating_catchment(network, world.frontage, 2, table, OnEdge.of(places, mask), mask, seats, zones_mm)


THREE, FIVE = {"min_size": 3, "max_size": 3}, {"min_size": 5, "max_size": 5}


@given(small_worlds(), st.lists(st.integers(1, 60), **THREE), st.lists(st.booleans(), **FIVE))
@settings(max_examples=200, deadline=None)
def test_as_the_formula_says(world: SmallWorld, steps: list[int], there: list[bool]) -> None:
    zones, count = np.cumsum(steps).tolist(), len(world.places)
    mask, seats = np.array(there[:count], dtype=np.bool_), np.arange(1.0, count + 1.0) * 10
    found = found_in(world, mask, seats, zones)
    f, nodes = world.frontage, lengths_from_places(world.network, world.places)
    weight = np.zeros((len(f.edge), count))
    for k in range(len(f.edge)):
        middle = (int(f.a_mm[k]) + int(f.b_mm[k])) // 2
        for station in np.flatnonzero(mask & (world.places.edge >= 0)).tolist():
            way = world.way(station, int(f.edge[k]), middle, nodes) + int(f.leg_mm[k])
            zone = next((z for z in range(3) if way <= zones[z]), None)
            weight[k, station] = 0.0 if zone is None else ZONE_WEIGHTS[zone]
    demand = weight.T @ f.people
    ratio = np.divide(seats, demand, out=np.zeros(count), where=demand > 0)
    by_piece = (weight @ ratio) * f.people
    assert found.demand == pytest.approx(demand)
    assert found.seats_by_area == pytest.approx([by_piece[f.area == area].sum() for area in (0, 1)])
    assert found.seats_by_area.sum() == pytest.approx(seats[demand > 0].sum()), "seats are conserved"


def test_more_seats_next_door_are_more_for_everybody_near() -> None:
    network, rng = random_network(2, 300, 520), np.random.default_rng(2)
    frontage, places = frontage_of(network, 2), random_places(rng, network, 10)
    mask, seats = np.ones(10, dtype=np.bool_), np.full(10, 30.0)
    table = reach_table(Searcher.of(network, step_free=False), places, 900_000, threads=1)
    zones = np.array([300_000, 600_000, 900_000], dtype=np.int64)
    few, more = (
        floating_catchment(network, frontage, 1, table, OnEdge.of(places, mask), mask, seats * factor, zones)
        for factor in (1, 2)
    )
    assert more.seats_by_area == pytest.approx(2 * few.seats_by_area) and few.seats_by_area.sum() > 0
    with pytest.raises(ValueError, match="900000"):
        floating_catchment(network, frontage, 1, table, OnEdge.of(places, mask), mask, seats, zones + 1)
