"""The few nearest against plain Dijkstra on a network in which stations and the place are real nodes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.geo.arrays import BoolArray
from app.geo.geodesy import distances_m
from app.geo.nearest import NearestLookup, StreetPlace, _nearest, straight_m
from app.geo.network import WalkNetwork
from app.geo.reach import reach_table
from app.geo.search import MAX_LIMIT_MM, Searcher
from app.geo.snapping import Places, build_grid, snap
from tests.support.nearest import nearest_of
from tests.support.oracle import graph_with, place_points
from tests.support.streets import Line, at_m, drawn_networks, drawn_places, network_of, places_on, random_network

TABLE_LIMITS = st.one_of(st.sampled_from([0, 1_200_000, MAX_LIMIT_MM]), st.integers(0, 2_000_000))


def lookup_of(network: WalkNetwork, places: Places, limit_mm: int, *, step_free: bool = False) -> NearestLookup:
    table = reach_table(Searcher.of(network, step_free=step_free), places, limit_mm, threads=1)
    usable = network.adjacency(step_free=step_free).usable
    apart = np.arange(len(places)) * 1e-3  # where the origins stand matters to distances as the crow flies alone
    beside = network.node_lng[0] + apart, network.node_lat[0] - apart
    return NearestLookup(network, build_grid(network), usable, places, places.leg_mm, *beside, table)


def pairs(
    lookup: NearestLookup, place: tuple[int, int, int], mask: BoolArray, limit: int, count: int
) -> list[tuple[int, int]]:
    """(length, origin) of those found from a place (edge, offset_mm, leg_mm), in order."""
    network, places, table = lookup.network, lookup.places, lookup.table
    edge, offset, leg = place
    origins, lengths = np.empty(count, np.int64), np.empty(count, np.int64)
    found = _nearest(
        network.edge_u[edge], network.edge_v[edge], int(network.edge_mm[edge]), places.edge, places.offset_mm,
        lookup.leg_mm, table.node_ptr, table.origin_at, table.mm_at, mask, edge, offset, leg,
        min(limit, table.limit_mm), origins, lengths,
    )  # fmt: skip
    return list(zip(lengths[:found].tolist(), origins[:found].tolist(), strict=True))


@st.composite
def questions(draw: st.DrawFn) -> tuple[WalkNetwork, Places, bool, tuple[int, int, int], list[bool]]:
    """A network, stations on it, a variant, a place (edge, offset_mm, leg_mm), and which stations count."""
    network, step_free = draw(drawn_networks()), draw(st.booleans())
    usable = network.adjacency(step_free=step_free).usable
    places = draw(drawn_places(network, usable, max_size=8))
    edges = np.flatnonzero(usable).tolist() + [e for e in places.edge.tolist() if e >= 0]
    edge = draw(st.sampled_from(edges or [0]))
    total = int(network.edge_mm[edge])
    offset = draw(st.one_of(st.sampled_from([0, total]), st.integers(0, total)))
    mask = draw(st.lists(st.booleans(), min_size=len(places), max_size=len(places)))
    return network, places, step_free, (edge, offset, draw(st.sampled_from([0, 3, 40_000]))), mask


@given(questions(), TABLE_LIMITS, TABLE_LIMITS, st.integers(1, 9))
@settings(max_examples=500, deadline=None)
def test_the_few_nearest_are_dijkstras(
    question: tuple[WalkNetwork, Places, bool, tuple[int, int, int], list[bool]],
    table_limit: int, limit: int, count: int,
) -> None:  # fmt: skip
    network, places, step_free, place, mask = question
    if not network.adjacency(step_free=step_free).usable[place[0]]:
        return
    lookup = lookup_of(network, places, table_limit, step_free=step_free)
    graph = graph_with(network, {**place_points(places), "here": place}, step_free=step_free)
    found = graph.lengths(["here"])
    within = sorted(
        (found["place", k], k)
        for k in range(len(places))
        if mask[k] and places.edge[k] >= 0 and found.get(("place", k), MAX_LIMIT_MM * 2) <= min(limit, table_limit)
    )
    assert pairs(lookup, place, np.array(mask, dtype=np.bool_), limit, count) == within[:count]


@given(st.integers(0, 2**32 - 1), st.integers(1, 50))
@settings(max_examples=60, deadline=None)
def test_the_few_nearest_are_the_first_of_all(seed: int, count: int) -> None:
    """Many stations, many of them on the place's own street: as the full list, masked and cut."""
    network = random_network(seed % 1000, 40, 70)
    rng = np.random.default_rng(seed)
    usable = np.flatnonzero(network.everywhere.usable)
    edge = np.concatenate([rng.choice(usable, 60), np.full(20, usable[0])])
    offsets = (rng.random(80) * (network.edge_mm[edge] + 1)).astype(int)
    places = places_on(network, edge, offsets, rng.integers(0, 90_000, 80))
    lookup = lookup_of(network, places, 1_500_000)
    mask = rng.random(80) < 0.7
    for at in (int(usable[0]), int(rng.choice(usable))):
        total = int(network.edge_mm[at])
        place = (at, int(rng.integers(0, total + 1)), int(rng.integers(0, 50_000)))
        ends = (int(network.edge_u[at]), int(network.edge_v[at]), total)
        origins, lengths = nearest_of(lookup.table, places, ends, place[1], place[2], at)
        limit = int(rng.integers(0, 1_600_000))
        wanted = [
            pair for pair in zip(lengths.tolist(), origins.tolist(), strict=True) if mask[pair[1]] and pair[0] <= limit
        ]
        assert pairs(lookup, place, mask, limit, count) == wanted[:count]


def test_of_equals_the_lower_number_and_each_once() -> None:
    """A street with stations at both sides of the place, equally far, and reached around the block too."""
    corners = {0: at_m(0, 0), 1: at_m(0, 100), 2: at_m(100, 100), 3: at_m(100, 0)}
    network = network_of(corners, [Line(0, 1, length_m=100.0), Line(1, 2), Line(2, 3), Line(3, 0)])
    at = next(e for e in range(4) if network.edge_mm[e] == 100_000)
    places = places_on(network, [at, at, at, at], [70_000, 30_000, 70_000, 50_000])
    lookup, everyone = lookup_of(network, places, 10_000_000), np.ones(4, dtype=np.bool_)
    assert pairs(lookup, (at, 50_000, 7), everyone, 10_000_000, 3) == [(7, 3), (20_007, 0), (20_007, 1)]
    assert pairs(lookup, (at, 50_000, 7), everyone, 20_006, 4) == [(7, 3)]
    assert pairs(lookup, (at, 50_000, 7), np.array([0, 0, 1, 0], dtype=np.bool_), 20_007, 4) == [(20_007, 2)]


def test_of_equals_at_both_ends_of_the_street_the_lower_number() -> None:
    network = network_of({k: at_m(0, 100 * k) for k in range(4)}, [Line(k, k + 1, length_m=100.0) for k in range(3)])
    middle = next(
        e for e in range(3) if {int(network.node_id[n]) for n in (network.edge_u[e], network.edge_v[e])} == {1, 2}
    )
    outer = [e for e in range(3) if e != middle]
    for edges in (outer, outer[::-1]):
        lookup = lookup_of(network, places_on(network, edges, [50_000, 50_000]), 10_000_000)
        assert pairs(lookup, (middle, 50_000, 0), np.ones(2, dtype=np.bool_), 10_000_000, 1) == [(100_000, 0)]


def test_nothing_leaves_int32_at_the_greatest_lengths() -> None:
    network = network_of({k: at_m(10.0 * k, 0.0) for k in range(2)}, [Line(0, 1, length_m=MAX_LIMIT_MM / 1e3)])
    total, most = int(network.edge_mm[0]), MAX_LIMIT_MM - 1
    lookup = lookup_of(network, places_on(network, [0, 0], [total, 0], [most, 1]), MAX_LIMIT_MM)
    everyone = np.ones(2, dtype=np.bool_)
    assert pairs(lookup, (0, 0, 2**31 - 1), everyone, MAX_LIMIT_MM, 2) == []
    assert pairs(lookup, (0, total, most), everyone, MAX_LIMIT_MM, 2) == []
    assert pairs(lookup, (0, 0, 5), everyone, MAX_LIMIT_MM, 2) == [(6, 1)]


@given(drawn_networks(), st.booleans(), st.integers(0, 2**32 - 1))
@settings(max_examples=200, deadline=None)
def test_a_position_is_snapped_and_looked_up_at_once(network: WalkNetwork, step_free: bool, seed: int) -> None:
    """Against ``snap`` of many, to the last bit, and the full list of ``nearest_of``, masked and cut."""
    rng = np.random.default_rng(seed)
    usable = network.adjacency(step_free=step_free).usable
    edges = rng.choice(np.flatnonzero(usable), 6) if usable.any() else np.full(6, -1)
    offsets = (rng.random(6) * (network.edge_mm[edges] + 1)).astype(int)
    places = places_on(network, edges, offsets, rng.integers(0, 90_000, 6))
    lookup, mask = lookup_of(network, places, 600_000, step_free=step_free), rng.random(6) < 0.8
    at = rng.integers(0, network.node_count, 10)
    lng, lat = network.node_lng[at] + rng.normal(0, 2e-3, 10), network.node_lat[at] + rng.normal(0, 2e-3, 10)
    limit_m, limit, count = (
        float(rng.choice([0.0, 40.0, 500.0])),
        int(rng.integers(0, 700_000)),
        int(rng.integers(1, 8)),
    )
    many = snap(network, lookup.grid, usable, lng, lat, limit_m)
    for k, (x, y) in enumerate(zip(lng.tolist(), lat.tolist(), strict=True)):
        place, origins, lengths, straight = lookup.nearest(x, y, limit_m, limit, count, mask)
        if many.edge[k] < 0:
            assert (place, origins, lengths, straight) == (None, [], [], [])
            continue
        street = StreetPlace.of(many.take(np.array([k])))
        assert place == street and street.leg_mm == many.leg_mm[k]
        ends = (int(network.edge_u[place.edge]), int(network.edge_v[place.edge]), int(network.edge_mm[place.edge]))
        all_origins, all_lengths = nearest_of(lookup.table, places, ends, place.offset_mm, place.leg_mm, place.edge)
        wanted = [
            pair
            for pair in zip(all_lengths.tolist(), all_origins.tolist(), strict=True)
            if mask[pair[1]] and pair[0] <= limit
        ]
        assert list(zip(lengths, origins, strict=True)) == wanted[:count]
        assert straight == pytest.approx(distances_m(x, y, lookup.lng[origins], lookup.lat[origins]).tolist(), abs=1e-5)


@given(
    st.floats(-180, 180), st.floats(-89, 89), st.floats(-4, 4), st.floats(-4, 4),
    st.sampled_from([1e-9, 1e-6, 1e-3, 1.0]),
)  # fmt: skip
@example(0.0, 0.0, 1.0, 0.0, 1.0)  # along the equator
@example(10.0, 20.0, 0.0, 1.0, 1.0)
@example(113.3, 23.1, 0.0, 0.0, 1.0)
@settings(max_examples=500, deadline=None)
def test_straight_is_the_geodesic(lng: float, lat: float, east: float, north: float, scale: float) -> None:
    other_lng, other_lat = lng + east * scale, max(-90.0, min(90.0, lat + north * scale))
    wanted = float(distances_m(lng, lat, other_lng, other_lat))
    assert straight_m(lng, lat, other_lng, other_lat) == pytest.approx(wanted, abs=1e-5)
