"""Changes of a few stations: what comes out is what computing everything anew gives, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.geo.arrays import BoolArray
from app.geo.coverage import OnEdge, curve_by_area
from app.geo.frontage import Frontage, LeafAreas
from app.geo.network import WalkNetwork
from app.geo.reach import masked_field, reach_table
from app.geo.search import Searcher
from app.geo.snapping import Places
from app.geo.whatif import AreaCoverage, Change, PieceIndex, area_coverage, changed, on_edge_after
from tests.support.counting import SmallWorld, counted, small_worlds
from tests.support.covering import frontage_of, quarters
from tests.support.streets import random_network, random_places


def everything(
    network: WalkNetwork, frontage: Frontage, index: PieceIndex, places: Places, is_open: BoolArray, limit: int
) -> AreaCoverage:
    searcher = Searcher.of(network, step_free=False)
    field = masked_field(reach_table(searcher, places, limit, threads=1), is_open, network.node_count, limit)
    return area_coverage(network, frontage, len(index.area_ptr) - 1, field, OnEdge.of(places, is_open), limit)


def joined(a: Places, b: Places) -> Places:
    return Places(*(np.concatenate([getattr(a, f), getattr(b, f)]) for f in Places.__dataclass_fields__))


@given(small_worlds(), st.integers(0, 160))
@settings(max_examples=150, deadline=None)
def test_everything_is_counted_right(world: SmallWorld, limit: int) -> None:
    index = PieceIndex.of(world.frontage, world.network.edge_count, 2)
    open_all = np.ones(len(world.places), dtype=np.bool_)
    found = everything(world.network, world.frontage, index, world.places, open_all, limit)
    _, by_area = counted(world, limit)
    assert found.by_area == pytest.approx(by_area, abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_any_sequence_of_changes_is_a_computation_of_everything(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(seed, 300, 520)
    frontage = frontage_of(network, seed, LeafAreas(quarters()))
    areas = int(frontage.area.max(initial=0)) + 1
    index = PieceIndex.of(frontage, network.edge_count, areas)
    searcher = Searcher.of(network, step_free=False)
    places, limit = random_places(rng, network, 12), int(rng.integers(100_000, 900_000))
    table = reach_table(searcher, places, limit + 50_000, threads=1)
    is_open = rng.random(12) < 0.6
    base = area_coverage(
        network, frontage, areas, masked_field(table, is_open, network.node_count, limit),
        OnEdge.of(places, is_open), limit,
    )  # fmt: skip
    before = (base.field.packed.copy(), base.share.copy(), base.by_area.copy())
    for _ in range(12):
        opened = np.flatnonzero(is_open)
        closed = rng.choice(opened, min(len(opened), int(rng.integers(0, 3))), replace=False).tolist()
        added = random_places(rng, network, int(rng.integers(0, 3)))
        found = changed(base, network, searcher, frontage, index, table, places, is_open, Change(closed, added))
        after = np.concatenate([is_open, np.ones(len(added), dtype=np.bool_)])
        after[closed] = False
        anew = everything(network, frontage, index, joined(places, added), after, limit)
        assert np.array_equal(found.field.packed, anew.field.packed)
        assert np.array_equal(found.share, anew.share)
        assert np.array_equal(found.by_area, anew.by_area)
    assert all(np.array_equal(a, b) for a, b in zip(before, (base.field.packed, base.share, base.by_area), strict=True))


def test_sums_are_those_of_the_curve() -> None:
    network = random_network(3, 300, 520)
    frontage, rng = frontage_of(network, 3), np.random.default_rng(3)
    places = random_places(rng, network, 9)
    areas = int(frontage.area.max(initial=0)) + 1
    field = Searcher.of(network, step_free=False).field_of(places, 600_000)
    stations = OnEdge.of(places, np.ones(9, dtype=np.bool_))
    found = area_coverage(network, frontage, areas, field, stations, 600_000)
    curve = curve_by_area(
        frontage, areas, network.edge_u, network.edge_v, network.edge_mm, field.length_mm, stations,
        np.array([600_000]),
    )  # fmt: skip
    assert found.by_area == pytest.approx(curve[:, 0], rel=1e-12)
    assert found.by_area.sum() > 0


def test_what_cannot_be_asked_is_refused() -> None:
    network, rng = random_network(1), np.random.default_rng(1)
    frontage, places = frontage_of(network, 1), random_places(rng, network, 3)
    index = PieceIndex.of(frontage, network.edge_count, int(frontage.area.max(initial=0)) + 1)
    searcher = Searcher.of(network, step_free=False)
    table, is_open = reach_table(searcher, places, 50_000, threads=1), np.array([True, False, True])
    nothing = places.take(np.zeros(0, dtype=np.int64))
    base = everything(network, frontage, index, places, is_open, 60_000)
    with pytest.raises(ValueError, match="50000"):
        changed(base, network, searcher, frontage, index, table, places, is_open, Change([0], nothing))
    wider = reach_table(searcher, places, 60_000, threads=1)
    with pytest.raises(ValueError, match="not open"):
        changed(base, network, searcher, frontage, index, wider, places, is_open, Change([1], nothing))


def test_stations_after_a_change_keep_their_numbers() -> None:
    network, rng = random_network(5), np.random.default_rng(5)
    places, added = random_places(rng, network, 4), random_places(rng, network, 2)
    after = on_edge_after(places, np.array([True, False, True, True]), added)
    assert sorted(after.number.tolist()) == [0, 2, 3, 4, 5]
    assert after.edge[after.number == 4] == added.edge[0]
