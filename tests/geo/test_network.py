"""The network is the rows, whatever their order; components, limits and codes against plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from app.geo.arrays import FloatArray, IntArray
from app.geo.network import (
    BRIDGE,
    FRONTAGE,
    NO_NAME,
    STEPS,
    TUNNEL,
    Adjacency,
    StreetRows,
    WalkNetwork,
    build_network,
    label_components,
    limit_mm,
    morton_codes,
    seconds_of,
)
from app.geo.reach import reach_table
from app.geo.search import MAX_LIMIT_MM, UNREACHED, Searcher
from app.geo.snapping import build_grid, snap
from tests.support.streets import GEOD, Line, at_m, network_of, places_on, random_rows, rows_of, shuffled

ISLANDS = 3


@pytest.fixture(scope="module", params=[1, 2, 3])
def rows(request: pytest.FixtureRequest) -> StreetRows:
    return random_rows(np.random.default_rng(request.param), 80, 140)


def edge_facts(rows: StreetRows) -> dict[int, tuple[object, ...]]:
    """By edge id: ends, millimetres, flags, name and points, read from the rows."""
    facts: dict[int, tuple[object, ...]] = {}
    for k, edge in enumerate(rows.edge_id.tolist()):
        part = slice(rows.geom_ptr[k], rows.geom_ptr[k + 1])
        facts[edge] = (
            int(rows.source[k]), int(rows.target[k]), max(1, round(float(rows.length_m[k]) * 1e3)),
            bool(rows.has_steps[k]), bool(rows.is_bridge[k]), bool(rows.is_tunnel[k]), bool(rows.has_frontage[k]),
            rows.name[k], tuple(rows.geom_lng[part].tolist()), tuple(rows.geom_lat[part].tolist()),
        )  # fmt: skip
    return facts


def network_facts(network: WalkNetwork) -> dict[int, tuple[object, ...]]:
    facts: dict[int, tuple[object, ...]] = {}
    for k, edge in enumerate(network.edge_id.tolist()):
        part = slice(network.geom_ptr[k], network.geom_ptr[k + 1])
        flags, name = int(network.edge_flags[k]), int(network.edge_name[k])
        facts[edge] = (
            int(network.node_id[network.edge_u[k]]), int(network.node_id[network.edge_v[k]]), int(network.edge_mm[k]),
            *(bool(flags & bit) for bit in (STEPS, BRIDGE, TUNNEL, FRONTAGE)),
            None if name == NO_NAME else network.names[name],
            tuple(network.geom_lng[part].tolist()), tuple(network.geom_lat[part].tolist()),
        )  # fmt: skip
    return facts


def links_of(network: WalkNetwork, adjacency: Adjacency) -> Counter[tuple[int, int, int, int]]:
    """(node, neighbour, mm, edge), as node ids and edge ids; a loop is there once."""
    found: Counter[tuple[int, int, int, int]] = Counter()
    for n in range(network.node_count):
        for k in range(adjacency.indptr[n], adjacency.indptr[n + 1]):
            other, mm = adjacency.links[k].tolist()
            ids = network.node_id[n], network.node_id[other], mm, network.edge_id[adjacency.link_edge[k]]
            found[tuple(int(i) for i in ids)] += 1  # type: ignore[index]
    return found


def test_edges_are_those_of_the_rows(rows: StreetRows) -> None:
    network = build_network(rows, 0.0)
    assert network_facts(network) == edge_facts(rows)
    place = {int(i): (x, y) for i, x, y in zip(rows.node_id, rows.node_lng, rows.node_lat, strict=True)}
    assert {
        int(i): (x, y) for i, x, y in zip(network.node_id, network.node_lng, network.node_lat, strict=True)
    } == place


def test_nodes_stand_in_morton_order_and_edges_by_their_first_node(rows: StreetRows) -> None:
    network = build_network(rows, 0.0)
    assert (np.diff(morton_codes(network.node_lng, network.node_lat)) >= 0).all()
    assert (np.diff(np.minimum(network.edge_u, network.edge_v)) >= 0).all()


@pytest.mark.parametrize("step_free", [False, True])
def test_adjacency_holds_every_edge_both_ways(rows: StreetRows, step_free: bool) -> None:
    network = build_network(rows, 0.0)
    wanted: Counter[tuple[int, int, int, int]] = Counter()
    for edge, (u, v, mm, steps, *_) in edge_facts(rows).items():
        if not (step_free and steps):
            for link in {(u, v, mm, edge), (v, u, mm, edge)}:
                wanted[link] += 1  # type: ignore[index]
    assert links_of(network, network.adjacency(step_free=step_free)) == wanted


def test_millimetres_along_the_geometry_are_geodesic(rows: StreetRows) -> None:
    network = build_network(rows, 0.0)
    for k in range(network.edge_count):
        part = slice(network.geom_ptr[k], network.geom_ptr[k + 1])
        along = network.geom_mm[part]
        assert along[0] == 0 and along[-1] == network.edge_mm[k] and (np.diff(along) >= 0).all()
        x, y = network.geom_lng[part], network.geom_lat[part]
        true = np.concatenate([[0.0], np.cumsum(GEOD.line_lengths(x, y))])
        assert np.abs(along - true * 1e3).max() <= 1.01


def test_a_length_that_is_not_the_geometrys_is_spread_along_it() -> None:
    nodes = {1: at_m(0, 0), 2: at_m(0, 300)}
    network = network_of(nodes, [Line(1, 2, via=(at_m(0, 100),), length_m=600.0)])
    start = 0 if network.geom_lat[0] < network.geom_lat[-1] else 1
    assert network.geom_mm.tolist() == [0, pytest.approx((200_000, 400_000)[start], abs=2), 600_000]


def test_order_of_the_rows_is_nothing(rows: StreetRows) -> None:
    network = build_network(rows, 500.0)
    other = build_network(shuffled(rows, np.random.default_rng(9)), 500.0)
    for name in ("node_id", "edge_id", "edge_u", "edge_v", "edge_mm", "edge_flags", "edge_name", "geom_ptr", "geom_mm"):
        assert np.array_equal(getattr(network, name), getattr(other, name)), name
    for variant in (False, True):
        a, b = network.adjacency(step_free=variant), other.adjacency(step_free=variant)
        for name in ("indptr", "links", "link_edge", "component", "usable"):
            assert np.array_equal(getattr(a, name), getattr(b, name)), name


def test_new_numbers_and_turned_streets_change_no_answer(rows: StreetRows) -> None:
    rng = np.random.default_rng(4)
    fresh = dict(zip(rows.node_id.tolist(), (rng.permutation(len(rows.node_id)) * 7 + 3).tolist(), strict=True))
    order = np.concatenate(
        [np.arange(rows.geom_ptr[k], rows.geom_ptr[k + 1])[::-1] for k in range(len(rows.edge_id))]
    )  # fmt: skip
    turned = replace(
        rows,
        node_id=np.array([fresh[i] for i in rows.node_id.tolist()]),
        source=np.array([fresh[i] for i in rows.target.tolist()]),
        target=np.array([fresh[i] for i in rows.source.tolist()]),
        geom_lng=rows.geom_lng[order],
        geom_lat=rows.geom_lat[order],
    )
    first, second = build_network(rows, 0.0), build_network(turned, 0.0)
    x, y = np.array([at_m(*p) for p in rng.uniform(-900, 900, (12, 2))]).T
    for variant in (False, True):
        lengths = []
        for network in (first, second):
            usable = network.adjacency(step_free=variant).usable
            places = snap(network, build_grid(network), usable, x, y, 500.0)
            searcher = Searcher.of(network, step_free=variant)
            found = searcher.field_of(places, 2_000_000).length_mm
            spots = zip(network.node_lng.tolist(), network.node_lat.tolist(), strict=True)
            lengths.append(dict(zip(spots, found.tolist(), strict=True)))
        assert max(abs(lengths[0][p] - lengths[1][p]) for p in lengths[0]) <= 2  # mm: rounding of offsets


def shortest_ways(network: WalkNetwork, edge_length: FloatArray, start: int) -> tuple[FloatArray, IntArray]:
    """By scipy, the length from a node to every node and the number of edges on the way."""
    lengths: dict[tuple[int, int], float] = {}
    for u, v, length in zip(network.edge_u.tolist(), network.edge_v.tolist(), edge_length.tolist(), strict=True):
        for pair in ((u, v), (v, u)):
            lengths[pair] = min(lengths.get(pair, np.inf), length)
    shape = (network.node_count, network.node_count)
    graph = csr_matrix((list(lengths.values()), np.array(list(lengths)).T), shape=shape)
    found, before = dijkstra(graph, indices=start, return_predecessors=True)
    count = np.zeros(network.node_count, dtype=np.int64)
    for n in np.argsort(found, kind="stable").tolist():
        if before[n] >= 0:
            count[n] = count[before[n]] + 1
    return found, count


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rounding_adds_up_to_half_a_millimetre_an_edge_at_most(seed: int) -> None:
    """From the shortest way in whole mm to the shortest of the unrounded lengths, whichever streets either takes."""
    rows = random_rows(np.random.default_rng(seed), 400, 900, span_m=6000.0)
    network = build_network(rows, 0.0)
    row = {edge: k for k, edge in enumerate(rows.edge_id.tolist())}
    exact_mm = rows.length_m[[row[edge] for edge in network.edge_id.tolist()]] * 1e3
    start = int(network.edge_u[0])
    at_start = places_on(network, [0], [0])
    field = Searcher.of(network, step_free=False).field_of(at_start, MAX_LIMIT_MM).length_mm
    whole, whole_edges = shortest_ways(network, network.edge_mm.astype(np.float64), start)
    exact, exact_edges = shortest_ways(network, exact_mm, start)
    assert np.array_equal(field, np.where(np.isinf(whole), UNREACHED, whole))
    reached = np.isfinite(exact)
    drift = np.abs(whole[reached] - exact[reached])
    edges = np.maximum(whole_edges, exact_edges)[reached]
    assert reached.mean() > 0.5 and edges.max() > 15
    assert (drift <= 0.5 * edges + 1e-6).all() and drift.max() > 0.5


@given(
    st.integers(1, 12),
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.integers(1, 5)), max_size=14),
)
def test_components_are_numbered_by_length_then_by_first_node(count: int, edges: list[tuple[int, int, int]]) -> None:
    edges = [(a % count, b % count, mm) for a, b, mm in edges]
    part = list(range(count))

    def root(n: int) -> int:
        while part[n] != n:
            n = part[n]
        return n

    for a, b, _ in edges:
        part[max(root(a), root(b))] = min(root(a), root(b))
    total: dict[int, int] = defaultdict(int)
    for a, _, mm in edges:
        total[root(a)] += mm
    roots = sorted({root(n) for n in range(count)}, key=lambda r: (-total[r], r))
    u, v, mm = (np.array([e[k] for e in edges], dtype=np.int64) for k in range(3))
    found = label_components(count, u, v, mm.astype(np.float64))
    assert found.tolist() == [roots.index(root(n)) for n in range(count)]


def chain(first_id: int, east_m: float, lengths_m: list[float]) -> tuple[dict[int, tuple[float, float]], list[Line]]:
    nodes = {first_id + k: at_m(east_m, 50.0 * k) for k in range(len(lengths_m) + 1)}
    return nodes, [Line(first_id + k, first_id + k + 1, length_m=m) for k, m in enumerate(lengths_m)]


def test_islands_are_usable_from_the_least_length_on_inclusive() -> None:
    long, long_lines = chain(0, 0.0, [0.1] * 10)  # a little less than 1 as a sum of floats
    short, short_lines = chain(20, 500.0, [0.1] * 9 + [0.099])
    network = network_of({**long, **short}, [*long_lines, *short_lines], min_component_m=1.0)
    usable, component = network.everywhere.usable, network.everywhere.component
    by_id = dict(zip(network.edge_id.tolist(), usable.tolist(), strict=True))
    assert [by_id[100 + k] for k in range(20)] == [True] * 10 + [False] * 10
    assert set(component[network.node_id < 20]) == {0} and set(component[network.node_id >= 20]) == {1}


def test_equal_parts_are_numbered_by_first_node_however_their_lengths_are_cut() -> None:
    west, west_lines = chain(0, -500.0, [0.3])
    east, east_lines = chain(10, 500.0, [0.1, 0.2])  # 0.1 + 0.2 > 0.3 as floats
    network = network_of({**east, **west}, [*east_lines, *west_lines])
    assert network.everywhere.component[network.node_id < 10].tolist() == [0, 0]


def test_steps_part_what_they_join() -> None:
    nodes = {k: at_m(100.0 * k, 0.0) for k in range(4)}
    network = network_of(nodes, [Line(0, 1), Line(1, 2, steps=True), Line(2, 3)], min_component_m=150.0)
    assert network.everywhere.usable.all() and set(network.everywhere.component) == {0}
    assert not network.step_free.usable.any() and set(network.step_free.component) == {0, 1}


def test_an_edge_to_nowhere_is_refused() -> None:
    good = rows_of({1: at_m(0, 0), 5: at_m(0, 100)}, [Line(1, 5)])
    for wrong in (0, 2, 6, -1):
        with pytest.raises(ValueError, match="names a node"):
            build_network(replace(good, target=np.array([wrong])), 0.0)
    with pytest.raises(ValueError, match="names a node"):
        build_network(
            replace(good, node_id=good.node_id[:0], node_lng=good.node_lng[:0], node_lat=good.node_lat[:0]), 0.0
        )


def test_no_streets_and_no_nodes_are_a_network_too() -> None:
    for nodes in ({}, {3: at_m(0, 0)}):
        network = network_of(nodes, [])
        assert (network.node_count, network.edge_count) == (len(nodes), 0)
        assert len(network.geom_mm) == 0 and len(network.everywhere.usable) == 0
        assert network.everywhere.indptr.tolist() == [0] * (len(nodes) + 1)
        grid = build_grid(network)
        places = snap(network, grid, network.everywhere.usable, [113.2], [23.1], 1e6)
        assert places.edge.tolist() == [-1] and places.leg_mm.tolist() == [0]
        searcher = Searcher.of(network, step_free=False)
        assert len(searcher.field_of(places, 1000).length_mm) == len(nodes)
        assert reach_table(searcher, places, 1000).ptr.tolist() == [0, 0]


def test_a_street_without_length_has_a_millimetre() -> None:
    nodes = {1: at_m(0, 0), 2: at_m(0, 0)}
    network = network_of(nodes, [Line(1, 2), Line(1, 1, via=(at_m(0, 0),))])
    assert network.edge_mm.tolist() == [1, 1]
    assert [network.geom_mm[network.geom_ptr[k] : network.geom_ptr[k + 1]].tolist() for k in (0, 1)] in (
        [[0, 1], [0, 0, 1]],
        [[0, 0, 1], [0, 1]],
    )
    field = Searcher.of(network, step_free=False).field_of(places_on(network, [0], [0]), 10)
    assert set(field.length_mm) <= {0, 1}


def interleaved(lng: float, lat: float) -> int:
    x, y = round((lng + 180.0) * 1e5), round((lat + 180.0) * 1e5)
    return sum(((x >> k & 1) << 2 * k) | ((y >> k & 1) << 2 * k + 1) for k in range(32))


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_morton_codes_interleave_the_bits(lng: float, lat: float) -> None:
    assert morton_codes(np.array([lng]), np.array([lat])).tolist() == [interleaved(lng, lat)]


def test_morton_codes_rise_along_a_grid_and_fill_it_block_by_block() -> None:
    lng, lat = np.meshgrid(np.arange(64) * 1e-5 + 147.68, np.arange(64) * 1e-5 - 16.16)  # both start at 2**15 steps
    code = morton_codes(lng.ravel(), lat.ravel()).reshape(64, 64)
    assert (np.diff(code, axis=0) > 0).all() and (np.diff(code, axis=1) > 0).all()
    assert len(np.unique(code)) == 64 * 64
    block = code[:8, :8]
    assert block.max() - block.min() == 63  # an aligned square is one run of the curve


@pytest.mark.parametrize(
    ("minutes", "speed_kmh", "mm"),
    [(15, 4.8, 1_200_000), (15, 3.2, 800_000), (15, 3.6, 900_000), (15, 4.0, 1_000_000), (60, 4.8, 4_800_000),
     (0, 4.8, 0), (1, 4.8, 80_000), (7, 3.2, 373_333), (0.1, 4.7, 7_833)],
)  # fmt: skip
def test_limits_known_by_heart(minutes: float, speed_kmh: float, mm: int) -> None:
    assert limit_mm(minutes, speed_kmh) == mm


def test_limits_are_exact_for_every_minute_and_tenth_of_a_kmh() -> None:
    for minutes in range(121):
        for tenth in range(5, 101):
            exact = floor(Fraction(minutes * tenth * 10**6, 600))
            assert limit_mm(minutes, tenth / 10) == exact
            assert seconds_of(exact, tenth / 10) <= minutes * 60 + 1e-9
            assert seconds_of(exact + 1, tenth / 10) > minutes * 60
