"""Catchments of many places against one coverage a place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.geo.catchment import people_in_catchments
from app.geo.search import NOTHING, Searcher
from app.geo.snapping import Places
from app.geo.whatif import PieceIndex
from tests.support.counting import SmallWorld, counted, small_worlds
from tests.support.covering import covered_at, frontage_of
from tests.support.streets import random_network, random_places


@given(small_worlds(), st.integers(0, 160))
@settings(max_examples=150, deadline=None)
def test_small_worlds_counted_one_by_one(world: SmallWorld, limit: int) -> None:
    index = PieceIndex.of(world.frontage, world.network.edge_count, 2)
    searcher = Searcher.of(world.network, step_free=False)
    found = people_in_catchments(
        searcher, world.frontage, index.edge_ptr, world.frontage.people, world.places, limit, threads=1
    )
    for k in range(len(world.places)):
        alone = SmallWorld(world.network, world.places.take(np.array([k])), world.frontage)
        expected = sum(counted(alone, limit)[0]) if world.places.edge[k] >= 0 else 0.0
        assert found[k] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("step_free", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_a_town_against_one_coverage_a_place(seed: int, step_free: bool) -> None:
    network, rng = random_network(seed, 400, 700), np.random.default_rng(seed)
    frontage = frontage_of(network, seed)
    places = random_places(rng, network, 25, step_free=step_free)
    index = PieceIndex.of(frontage, network.edge_count, int(frontage.area.max(initial=0)) + 1)
    searcher = Searcher.of(network, step_free=step_free)
    found = people_in_catchments(searcher, frontage, index.edge_ptr, frontage.people, places, 500_000, threads=3)
    alone = [
        covered_at(network, frontage, places.take(np.array([k])), 500_000, step_free=step_free).sum()
        for k in range(len(places))
    ]
    assert found == pytest.approx(alone, rel=1e-9, abs=1e-6)
    assert found.max() > 0
    assert all((w.packed == NOTHING).all() for w in searcher._idle)


def test_weights_and_places_without_a_street() -> None:
    network, rng = random_network(7, 400, 700), np.random.default_rng(7)
    frontage, places = frontage_of(network, 7), random_places(rng, network, 3)
    lost = Places(
        np.array([places.edge[0], -1, places.edge[2]], dtype=np.int32), places.offset_mm, places.snap_m, places.lng,
        places.lat,
    )  # fmt: skip
    index = PieceIndex.of(frontage, network.edge_count, int(frontage.area.max(initial=0)) + 1)
    searcher = Searcher.of(network, step_free=False)
    whole = people_in_catchments(searcher, frontage, index.edge_ptr, frontage.people, lost, 400_000)
    half = people_in_catchments(searcher, frontage, index.edge_ptr, frontage.people / 2, lost, 400_000)
    assert whole[1] == 0
    assert whole[0] > 0
    assert half == pytest.approx(whole / 2, rel=1e-12)
