"""Who is served by whom, against asking every millimetre and every metre."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.geo.allocation import served_by
from app.geo.coverage import OnEdge
from app.geo.frontage import LeafAreas
from app.geo.search import Searcher
from tests.support.counting import SmallWorld, small_worlds
from tests.support.covering import LIMITS, by_area_at, frontage_of, quarters
from tests.support.oracle import lengths_from_places
from tests.support.streets import random_network, random_places


def table_of(world: SmallWorld, limit: int, group: np.ndarray, groups: int) -> np.ndarray:
    network, places = world.network, world.places
    field = Searcher.of(network, step_free=False).field_of(places, limit)
    stations = OnEdge.of(places, np.ones(len(places), dtype=np.bool_))
    return served_by(network, world.frontage, 2, field, stations, group, groups, limit)


@given(small_worlds(), st.integers(0, 160))
@settings(max_examples=200, deadline=None)
def test_small_worlds_asked_every_half_millimetre(world: SmallWorld, limit: int) -> None:
    """Each station is a group of its own. Stations that are equally near over a stretch are told apart by number."""
    count = max(len(world.places), 1)
    found = table_of(world, limit, np.arange(count, dtype=np.int32), count)
    nodes = lengths_from_places(world.network, world.places)
    stations = np.flatnonzero(world.places.edge >= 0).tolist()
    f, expected = world.frontage, np.zeros((2, count))
    for k in range(len(f.edge)):
        a, b = int(f.a_mm[k]), int(f.b_mm[k])
        # borders lie at whole and half millimetres: the quarters between them are never on one
        spots = np.arange(a + 0.25, b, 0.5).tolist() if b > a else [a]
        for spot in spots:
            ways = [(world.way(s, int(f.edge[k]), spot, nodes) + int(f.leg_mm[k]), s) for s in stations]
            if ways and min(ways)[0] <= limit:
                expected[f.area[k], min(ways)[1]] += float(f.people[k]) / len(spots)
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_rows_add_up_to_the_covered(seed: int) -> None:
    network, rng = random_network(seed, 300, 520), np.random.default_rng(seed)
    frontage, places = frontage_of(network, seed, LeafAreas(quarters())), random_places(rng, network, 15)
    areas = int(frontage.area.max(initial=0)) + 1
    group = rng.integers(0, 4, len(places)).astype(np.int32)
    field = Searcher.of(network, step_free=False).field_of(places, 400_000)
    stations = OnEdge.of(places, np.ones(len(places), dtype=np.bool_))
    found = served_by(network, frontage, areas, field, stations, group, 4, 400_000)
    assert found.sum(axis=1) == pytest.approx(by_area_at(network, frontage, places, areas)[:, LIMITS.index(400_000)])
    assert found.sum() > 0
    assert (found.sum(axis=0) > 0).sum() > 1  # several groups serve somebody
