"""Searches against plain Dijkstra (heap in Python, and scipy on a city), to the millimetre."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from app.geo.arrays import Int32Array
from app.geo.network import WalkNetwork
from app.geo.reach import ReachTable, masked_field, on_edge_mm, reach_table, table_of_rows
from app.geo.search import (
    BUCKET_BITS,
    HALVED_FROM,
    HALVED_TO_MM,
    MAX_LIMIT_MM,
    NO_ORIGIN,
    NOTHING,
    RADIX_FROM,
    UNREACHED,
    Field,
    Searcher,
    _radix_sorted,
)
from app.geo.snapping import Places
from tests.support.nearest import nearest_of
from tests.support.oracle import graph_with, lengths_from_places, place_points
from tests.support.streets import (
    Line,
    at_m,
    drawn_networks,
    drawn_places,
    grid_city,
    network_of,
    places_on,
    random_network,
    random_places,
)

LIMITS = st.one_of(
    st.sampled_from([0, 1, 4095, 4096, 4097, 1_200_000, MAX_LIMIT_MM, 2**31 - 1]), st.integers(0, 2_000_000)
)


@st.composite
def questions(draw: st.DrawFn) -> tuple[WalkNetwork, Places, int, bool]:
    network = draw(drawn_networks())
    step_free = draw(st.booleans())
    usable = network.adjacency(step_free=step_free).usable
    return network, draw(drawn_places(network, usable)), draw(LIMITS), step_free


def expected_field(
    network: WalkNetwork, places: Places, limit: int, *, step_free: bool, mask: list[bool] | None = None
) -> tuple[list[int], list[int]]:
    """Lengths and labels by node: one search per place, then the least, of equals the lowest number."""
    each = lengths_from_places(network, places, step_free=step_free)
    lengths, labels = [], []
    for n in range(network.node_count):
        found = [
            (row[n], k)
            for k, row in enumerate(each)
            if n in row and row[n] <= limit and (mask is None or mask[k])
        ]  # fmt: skip
        mm, label = min(found, default=(UNREACHED, NO_ORIGIN))
        lengths.append(mm)
        labels.append(label)
    return lengths, labels


def as_lists(field: Field) -> tuple[list[int], list[int]]:
    return field.length_mm.tolist(), field.origin.tolist()


def row_of(table: ReachTable, k: int) -> dict[int, int]:
    part = slice(table.ptr[k], table.ptr[k + 1])
    return dict(zip(table.node[part].tolist(), table.mm[part].tolist(), strict=True))


@given(questions())
@settings(max_examples=300, deadline=None)
def test_field_is_dijkstras_with_the_lowest_label_of_equals(question: tuple[WalkNetwork, Places, int, bool]) -> None:
    network, places, limit, step_free = question
    searcher = Searcher.of(network, step_free=step_free)
    wanted = expected_field(network, places, limit, step_free=step_free)
    assert as_lists(searcher.field_of(places, limit)) == wanted
    assert as_lists(searcher.field_of(places, limit)) == wanted  # the workspace was left clean


@given(questions(), st.data())
@settings(max_examples=150, deadline=None)
def test_numbers_given_are_the_labels(question: tuple[WalkNetwork, Places, int, bool], data: st.DataObject) -> None:
    network, places, limit, step_free = question
    numbers = data.draw(st.permutations(range(10, 10 + len(places))))
    field = Searcher.of(network, step_free=step_free).field_of(places, limit, np.array(numbers, dtype=np.int32))
    order = np.argsort(numbers)
    _, labels = expected_field(network, places.take(order), limit, step_free=step_free)
    assert field.origin.tolist() == [label if label == NO_ORIGIN else sorted(numbers)[label] for label in labels]


@given(questions())
@settings(max_examples=150, deadline=None)
def test_table_rows_and_columns(question: tuple[WalkNetwork, Places, int, bool]) -> None:
    network, places, limit, step_free = question
    table = reach_table(Searcher.of(network, step_free=step_free), places, limit, threads=2)
    each = lengths_from_places(network, places, step_free=step_free)
    cut = [{n: mm for n, mm in row.items() if mm <= limit} for row in each]
    assert [row_of(table, k) for k in range(len(places))] == cut
    assert table.origin_count == len(places) and table.limit_mm == limit
    for k in range(len(places)):
        assert (np.diff(table.node[table.ptr[k] : table.ptr[k + 1]]) > 0).all()
    for n in range(network.node_count):
        part = slice(table.node_ptr[n], table.node_ptr[n + 1])
        column = list(zip(table.mm_at[part].tolist(), table.origin_at[part].tolist(), strict=True))
        assert column == sorted((row[n], k) for k, row in enumerate(cut) if n in row)


@given(questions(), st.data())
@settings(max_examples=150, deadline=None)
def test_a_masked_minimum_is_a_search_of_the_chosen(
    question: tuple[WalkNetwork, Places, int, bool], data: st.DataObject
) -> None:
    network, places, table_limit, step_free = question
    table = reach_table(Searcher.of(network, step_free=step_free), places, table_limit, threads=1)
    mask = data.draw(st.lists(st.booleans(), min_size=len(places), max_size=len(places)))
    limit = data.draw(LIMITS)
    field = masked_field(table, np.array(mask, dtype=np.bool_), network.node_count, limit)
    wanted = expected_field(network, places, min(limit, table_limit), step_free=step_free, mask=mask)
    assert as_lists(field) == wanted


@given(questions(), st.data())
@settings(max_examples=300, deadline=None)
def test_nearest_of_a_point_on_a_street(question: tuple[WalkNetwork, Places, int, bool], data: st.DataObject) -> None:
    """Against a network in which stations and the point are real nodes: same edge, loops and parallels included."""
    network, places, limit, step_free = question
    usable = np.flatnonzero(network.adjacency(step_free=step_free).usable).tolist()
    if not usable:
        return
    edge = data.draw(st.sampled_from(usable + [e for e in places.edge.tolist() if e >= 0]))
    total = int(network.edge_mm[edge])
    offset = data.draw(st.one_of(st.sampled_from([0, total]), st.integers(0, total)))
    leg = data.draw(st.sampled_from([0, 3, 40_000]))
    table = reach_table(Searcher.of(network, step_free=step_free), places, limit, threads=1)
    ends = (int(network.edge_u[edge]), int(network.edge_v[edge]), total)
    origin, mm = nearest_of(table, places, ends, offset, leg, edge)
    points = {**place_points(places), "here": (edge, offset, leg)}
    found = graph_with(network, points, step_free=step_free).lengths(["here"])
    stations = [(found["place", k], k) for k in range(len(places)) if places.edge[k] >= 0 and ("place", k) in found]
    assert list(zip(mm.tolist(), origin.tolist(), strict=True)) == sorted(s for s in stations if s[0] <= limit)


@given(drawn_networks(), st.data())
@settings(max_examples=100, deadline=None)
def test_there_is_as_far_as_back(network: WalkNetwork, data: st.DataObject) -> None:
    places = data.draw(drawn_places(network, max_size=5))
    table = reach_table(Searcher.of(network, step_free=False), places, MAX_LIMIT_MM, threads=1)
    found: dict[tuple[int, int], int] = {}
    for k, edge in enumerate(places.edge.tolist()):
        if edge >= 0:
            ends = (int(network.edge_u[edge]), int(network.edge_v[edge]), int(network.edge_mm[edge]))
            origin, mm = nearest_of(table, places, ends, int(places.offset_mm[k]), int(places.leg_mm[k]), edge)
            found.update({(k, o): m for o, m in zip(origin.tolist(), mm.tolist(), strict=True)})
    assert found == {(b, a): mm for (a, b), mm in found.items()}


@given(st.integers(0, 2**32 - 1), st.data())
@settings(max_examples=40, deadline=None)
def test_a_node_put_into_a_street_changes_nothing(seed: int, data: st.DataObject) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 9))
    nodes = {k: at_m(130.0 * (k % 3), 130.0 * (k // 3)) for k in range(count)}
    lines = [
        Line(*(int(n) for n in rng.integers(0, count, 2)), length_m=int(rng.integers(2, 400_000)) / 1e3, id=k)
        for k in range(12)
    ]
    whole = network_of(nodes, lines)
    split = data.draw(st.integers(0, 11))
    total = round(float(lines[split].length_m or 0) * 1e3)
    at = data.draw(st.integers(1, total - 1))
    a, b = lines[split].source, lines[split].target
    halves = [Line(a, 99, length_m=at / 1e3, id=50), Line(99, b, length_m=(total - at) / 1e3, id=51)]
    cut = network_of({**nodes, 99: at_m(50.0, 77.0)}, [*lines[:split], *halves, *lines[split + 1 :]])

    def places_in(network: WalkNetwork, spots: list[tuple[int, int]]) -> Places:
        """Spots are (edge id, mm from the line's source)."""
        number = {int(i): k for k, i in enumerate(network.edge_id)}
        return places_on(network, [number[i] for i, _ in spots], [mm for _, mm in spots])

    spots = [(k, int(rng.integers(0, round(float(lines[k].length_m or 0) * 1e3) + 1))) for k in rng.integers(0, 12, 5)]
    spots.append((split, int(rng.integers(0, total + 1))))
    in_cut = [
        (int(k), mm) if k != split else (50, mm) if mm <= at else (51, mm - at)
        for k, mm in spots
    ]  # fmt: skip
    fields = []
    for network, where in ((whole, [(int(k), mm) for k, mm in spots]), (cut, in_cut)):
        field = Searcher.of(network, step_free=False).field_of(places_in(network, where), MAX_LIMIT_MM)
        fields.append({int(i): (int(m), int(o)) for i, m, o in zip(network.node_id, *as_lists(field), strict=True)})
    fields[1].pop(99)
    assert fields[0] == fields[1]


def scipy_lengths(network: WalkNetwork, places: Places) -> list[list[float]]:
    """Places as extra nodes tied to both ends of their edges (none of them on one edge with another)."""
    n, m = network.node_count, len(places)
    u, v, mm = (a.astype(np.int64) for a in (network.edge_u, network.edge_v, network.edge_mm))
    e, o, leg = places.edge, places.offset_mm.astype(np.int64), places.leg_mm.astype(np.int64)
    extra = np.arange(n, n + m)
    source = np.concatenate([u, extra, extra])
    target = np.concatenate([v, u[e], v[e]])
    weight = np.concatenate([mm, leg + o, leg + mm[e] - o]).astype(np.float64)
    graph = csr_matrix((weight, (source, target)), shape=(n + m, n + m))
    found: list[list[float]] = dijkstra(graph, directed=False, indices=extra)[:, :n].tolist()
    return found


def test_a_city_against_scipy() -> None:
    network = grid_city(60, 50, 83.0)
    rng = np.random.default_rng(11)
    edges = rng.choice(network.edge_count, 40, replace=False)
    places = places_on(
        network, edges, rng.integers(1, 80_000, 40), rng.integers(1, 60_000, 40)
    )  # fmt: skip
    exact = np.array(scipy_lengths(network, places))
    searcher = Searcher.of(network, step_free=False)
    for limit in (0, 300_000, 1_200_000, MAX_LIMIT_MM):
        field = searcher.field_of(places, limit)
        least = exact.min(axis=0)
        assert np.array_equal(field.length_mm, np.where(least <= limit, least, UNREACHED))
        assert np.array_equal(field.origin, np.where(least <= limit, exact.argmin(axis=0), NO_ORIGIN))
    table = reach_table(searcher, places, 1_200_000)
    for k in range(40):
        near = np.flatnonzero(exact[k] <= 1_200_000)
        assert row_of(table, k) == {int(n): int(exact[k][n]) for n in near}


def test_one_searcher_serves_many_threads() -> None:
    network = random_network(5, 400, 800)
    rng = np.random.default_rng(5)
    counts, limits = rng.integers(1, 12, 200).tolist(), rng.integers(0, 1_500_000, 200).tolist()
    asked = [(random_places(rng, network, n), limit) for n, limit in zip(counts, limits, strict=True)]
    alone = [as_lists(Searcher.of(network, step_free=False).field_of(*a)) for a in asked]
    shared = Searcher.of(network, step_free=False)
    with ThreadPoolExecutor(8) as pool:
        rows = pool.map(lambda a: shared.reach_of(*a), asked)
        together = list(pool.map(lambda a: as_lists(shared.field_of(*a)), asked))
        reached = [dict(zip(n.tolist(), mm.tolist(), strict=True)) for n, mm in rows]
    assert together == alone
    assert reached == [{n: mm for n, mm in enumerate(a[0]) if mm < UNREACHED} for a in alone]
    assert all((w.packed == NOTHING).all() and (w.buckets == -1).all() for w in shared._idle)


def test_table_of_known_rows_is_the_table_of_searches() -> None:
    network = random_network(8)
    places = random_places(np.random.default_rng(8), network, 9)
    searcher = Searcher.of(network, step_free=False)
    rows = [searcher.reach_of(places.take(np.array([k])), 900_000) for k in range(9)]
    one, other = table_of_rows(rows, 900_000, network.node_count), reach_table(searcher, places, 900_000)
    for name in ("ptr", "node", "mm", "node_ptr", "origin_at", "mm_at"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
    empty = table_of_rows([], 900_000, network.node_count)
    assert empty.origin_count == 0 and empty.node_ptr.tolist() == [0] * (network.node_count + 1)


def test_no_place_reaches_nothing() -> None:
    network = random_network(8)
    searcher = Searcher.of(network, step_free=False)
    for places in (places_on(network, [], []), places_on(network, [-1, -1], [0, 0])):
        field = searcher.field_of(places, 10**9)
        assert (field.length_mm == UNREACHED).all() and (field.origin == NO_ORIGIN).all()
        table = reach_table(searcher, places, 10**9)
        assert table.origin_count == len(places) and len(table.node) == 0
        origin, mm = nearest_of(table, places, (0, 1, 10), 3, 0, 0)
        assert len(origin) == len(mm) == 0


def test_limits_are_inclusive_to_the_millimetre() -> None:
    network = network_of({0: at_m(0, 0), 1: at_m(0, 100), 2: at_m(0, 200)}, [Line(0, 1), Line(1, 2)])
    first = int(np.flatnonzero(network.node_id == 0)[0])
    edge = int(np.flatnonzero((network.edge_u == first) | (network.edge_v == first))[0])
    total = int(network.edge_mm[edge])
    at_first = 0 if network.edge_u[edge] == first else total
    searcher = Searcher.of(network, step_free=False)
    here = places_on(network, [edge], [at_first])
    assert searcher.reach_of(here, 0)[0].tolist() == [first]
    assert len(searcher.reach_of(here, total - 1)[0]) == 1 and len(searcher.reach_of(here, total)[0]) == 2
    beside = places_on(network, [edge], [at_first], [1])
    assert len(searcher.reach_of(beside, 0)[0]) == 0 and len(searcher.reach_of(beside, 1)[0]) == 1


def test_nothing_leaves_int32_at_the_greatest_lengths() -> None:
    nodes = {k: at_m(10.0 * k, 0.0) for k in range(4)}
    far = MAX_LIMIT_MM / 1e3
    network = network_of(nodes, [Line(0, 1, length_m=far), Line(1, 2, length_m=far), Line(2, 3, length_m=far / 2)])
    ends = np.sort(network.edge_mm)
    assert ends.tolist() == [MAX_LIMIT_MM // 2, MAX_LIMIT_MM, MAX_LIMIT_MM]
    places = places_on(network, [0], [MAX_LIMIT_MM // 4], [100_000])
    found = Searcher.of(network, step_free=False).field_of(places, 2**31 - 1)
    assert as_lists(found) == expected_field(network, places, MAX_LIMIT_MM, step_free=False)


@pytest.mark.parametrize("power", range(8))
def test_the_ring_of_buckets_holds_the_longest_street(power: int) -> None:
    """Streets that end at the first mm of the bucket farthest ahead, when the ring is a power of two and barely so."""
    width = 1 << BUCKET_BITS
    total = (width << power) - 1
    nodes = {k: at_m(10.0 * k, 0.0) for k in range(6)}
    network = network_of(nodes, [Line(k, k + 1, length_m=total / 1e3) for k in range(5)])
    places = places_on(network, [0], [0], [1])
    found = Searcher.of(network, step_free=False).field_of(places, MAX_LIMIT_MM)
    assert as_lists(found) == expected_field(network, places, MAX_LIMIT_MM, step_free=False)
    assert (found.length_mm < UNREACHED).all()


def test_many_stations_on_one_street() -> None:
    network = network_of({0: at_m(0, 0), 1: at_m(0, 900)}, [Line(0, 1)])
    offsets = np.arange(0, 900_000, 9_000)
    places = places_on(network, np.zeros(100, dtype=int), offsets)
    table = reach_table(Searcher.of(network, step_free=False), places, 4_800_000)
    total = int(network.edge_mm[0])
    origin, mm = nearest_of(table, places, (int(network.edge_u[0]), int(network.edge_v[0]), total), 450_001, 5, 0)
    gap = np.abs(offsets - 450_001) + 5
    order = np.lexsort((np.arange(100), gap))
    assert origin.tolist() == order.tolist() and mm.tolist() == gap[order].tolist()
    assert on_edge_mm(places, 3, 450_001) == 450_001 - 27_000


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_larger_networks_against_plain_dijkstra(seed: int) -> None:
    network = random_network(seed, 500, 900)
    rng = np.random.default_rng(seed)
    for step_free in (False, True):
        places = random_places(rng, network, 25, step_free=step_free)
        searcher = Searcher.of(network, step_free=step_free)
        for limit in (250_000, 1_200_000, MAX_LIMIT_MM):
            wanted = expected_field(network, places, limit, step_free=step_free)
            assert as_lists(searcher.field_of(places, limit)) == wanted
            mask: Int32Array = rng.random(25) < 0.5
            table = reach_table(searcher, places, limit)
            assert as_lists(masked_field(table, mask, network.node_count, limit)) == expected_field(
                network, places, limit, step_free=step_free, mask=mask.tolist()
            )


@given(st.integers(0, 3000), st.integers(1, 1 << 30), st.integers(0, 1 << 30))
@settings(max_examples=60, deadline=None)
def test_nodes_are_sorted_however_many(count: int, bound: int, seed: int) -> None:
    numbers = np.random.default_rng(seed).integers(0, bound, count).astype(np.int32)
    assert np.array_equal(_radix_sorted(numbers, bound), np.sort(numbers))


def test_more_nodes_than_are_sorted_by_comparing() -> None:
    network = grid_city(40, 40)
    searcher = Searcher.of(network, step_free=False)
    nodes, lengths = searcher.reach_of(random_places(np.random.default_rng(1), network, 3), 10**8)
    assert len(nodes) == network.node_count > 3 * RADIX_FROM
    assert np.array_equal(nodes, np.arange(network.node_count))
    field = searcher.field_of(random_places(np.random.default_rng(1), network, 3), 10**8)
    assert np.array_equal(lengths, field.length_mm)


@pytest.mark.parametrize("limit", [150_000, 2_000_000, HALVED_TO_MM, HALVED_TO_MM + 1])
def test_two_halves_are_one_search(limit: int) -> None:
    network, rng = grid_city(40, 40), np.random.default_rng(limit)
    searcher = Searcher.of(network, step_free=False)
    places, numbers = random_places(rng, network, HALVED_FROM), rng.permutation(HALVED_FROM).astype(np.int32)
    alone = [searcher.field_of(places.take(np.array([k])), limit, numbers[[k]]).packed for k in range(HALVED_FROM)]
    for _ in range(3):
        assert np.array_equal(searcher.field_of(places, limit, numbers).packed, np.min(alone, axis=0))
    assert all((w.packed == NOTHING).all() for w in searcher._idle)
