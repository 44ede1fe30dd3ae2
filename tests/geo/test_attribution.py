"""Gains and losses by station, against asking every half millimetre before and after."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.geo.arrays import BoolArray
from app.geo.attribution import Served, credited
from app.geo.coverage import OnEdge
from app.geo.frontage import LeafAreas
from app.geo.network import WalkNetwork
from app.geo.search import Searcher
from app.geo.snapping import Places
from app.geo.whatif import area_coverage
from tests.support.counting import SmallWorld, small_worlds
from tests.support.covering import frontage_of, quarters
from tests.support.oracle import lengths_from_places
from tests.support.streets import random_network, random_places


def served(network: WalkNetwork, places: Places, mask: BoolArray, limit: int) -> Served:
    chosen = np.flatnonzero(mask)
    field = Searcher.of(network, step_free=False).field_of(places.take(chosen), limit, chosen.astype(np.int32))
    return Served(field, OnEdge.of(places, mask), len(places))


@given(small_worlds(), st.integers(0, 160), st.lists(st.tuples(st.booleans(), st.booleans()), min_size=5, max_size=5))
@settings(max_examples=250, deadline=None)
def test_small_worlds_asked_every_half_millimetre(
    world: SmallWorld, limit: int, there: list[tuple[bool, bool]]
) -> None:
    network, places, f = world.network, world.places, world.frontage
    count = len(places)
    states = [np.array([pair[side] for pair in there[:count]], dtype=np.bool_) for side in (0, 1)]
    before, after = (served(network, places, mask, limit) for mask in states)
    gained, lost = credited(network, f, 2, before, after, limit)
    nodes = lengths_from_places(network, places)
    expected = [np.zeros((2, max(count, 1))), np.zeros((2, max(count, 1)))]
    for k in range(len(f.edge)):
        a, b = int(f.a_mm[k]), int(f.b_mm[k])
        # borders lie at whole and half millimetres: the quarters between them are never on one
        spots = np.arange(a + 0.25, b, 0.5).tolist() if b > a else [a]
        for spot in spots:
            who = []
            for mask in states:
                stations = np.flatnonzero(mask & (places.edge >= 0)).tolist()
                ways = [(world.way(s, int(f.edge[k]), spot, nodes) + int(f.leg_mm[k]), s) for s in stations]
                who.append(min(ways)[1] if ways and min(ways)[0] <= limit else -1)
            if who[0] < 0 <= who[1]:
                expected[0][f.area[k], who[1]] += float(f.people[k]) / len(spots)
            if who[1] < 0 <= who[0]:
                expected[1][f.area[k], who[0]] += float(f.people[k]) / len(spots)
    assert gained == pytest.approx(expected[0], abs=1e-9)
    assert lost == pytest.approx(expected[1], abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_they_add_up_to_the_difference_and_fall_to_what_changed(seed: int) -> None:
    network, rng = random_network(seed, 300, 520), np.random.default_rng(seed)
    frontage, places = frontage_of(network, seed, LeafAreas(quarters())), random_places(rng, network, 25)
    areas = int(frontage.area.max(initial=0)) + 1
    limit = int(rng.integers(100_000, 600_000))
    was, now = rng.random(25) < 0.5, rng.random(25) < 0.5
    before, after = (served(network, places, mask, limit) for mask in (was, now))
    gained, lost = credited(network, frontage, areas, before, after, limit)
    one, other = (
        area_coverage(network, frontage, areas, side.field, side.stations, limit).by_area for side in (before, after)
    )
    assert (gained.sum(axis=1) - lost.sum(axis=1)) == pytest.approx(other - one, abs=1e-7)
    assert gained.sum() > 0 and lost.sum() > 0
    assert not gained[:, was | ~now].any(), "only stations that are new gain anybody"
    assert not lost[:, now | ~was].any(), "only stations that are gone lose anybody"


def test_the_numbers_of_the_two_states_may_differ() -> None:
    network, rng = random_network(7, 300, 520), np.random.default_rng(7)
    frontage, places = frontage_of(network, 7), random_places(rng, network, 12)
    mask = np.ones(12, dtype=np.bool_)
    turned = np.arange(12)[::-1]
    before = served(network, places, mask, 300_000)
    gained, lost = credited(network, frontage, 1, before, served(network, places.take(turned), mask, 300_000), 300_000)
    assert not gained.any() and not lost.any()
