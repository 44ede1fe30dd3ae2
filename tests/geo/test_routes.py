"""Ways against plain Dijkstra and scipy, to the millimetre; and drawn where the streets are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from app.geo.network import STEPS, WalkNetwork, build_network
from app.geo.reach import reach_table
from app.geo.routes import Route, RouteLine, are_connected, points_along, route_line, route_within, search_route
from app.geo.search import MAX_LIMIT_MM, Searcher
from app.geo.snapping import Places, build_grid, snap
from tests.support.nearest import nearest_of
from tests.support.oracle import along_edge, graph_with, place_points
from tests.support.streets import (
    GEOD,
    Line,
    at_m,
    drawn_networks,
    drawn_places,
    network_of,
    places_on,
    random_network,
    random_places,
    random_rows,
)


def pair(places: Places, a: int, b: int) -> tuple[Places, Places]:
    return places.take(np.array([a])), places.take(np.array([b]))


def oracle_mm(network: WalkNetwork, places: Places, *, step_free: bool) -> int | None:
    """From the first place to the second, by a heap on a graph that has both as vertices."""
    found = graph_with(network, place_points(places), step_free=step_free).lengths([("place", 0)])
    return found.get(("place", 1))


def scipy_mm(network: WalkNetwork, places: Places) -> float:
    """The same by scipy: of parallel edges the shortest, and the way along a common edge apart."""
    n = network.node_count
    rows = [(network.edge_u, network.edge_v, network.edge_mm.astype(float))]
    for k in range(2):
        edge, offset, leg = (int(a[k]) for a in (places.edge, places.offset_mm, places.leg_mm))
        ends = np.array([network.edge_u[edge], network.edge_v[edge]])
        ways = np.array([leg + offset, leg + int(network.edge_mm[edge]) - offset], dtype=float)
        rows.append((np.full(2, n + k), ends, np.maximum(ways, 1e-6)))
    a, b, mm = (np.concatenate([row[k] for row in rows]) for k in range(3))
    low, high = np.minimum(a, b), np.maximum(a, b)
    order = np.lexsort((mm, high, low))
    low, high, mm = low[order], high[order], mm[order]
    first = np.concatenate([[True], (np.diff(low) != 0) | (np.diff(high) != 0)])
    graph = coo_matrix((mm[first], (low[first], high[first])), shape=(n + 2, n + 2)).tocsr()
    found = float(dijkstra(graph, directed=False, indices=n)[n + 1])
    if places.edge[0] == places.edge[1]:
        found = min(found, abs(int(places.offset_mm[0]) - int(places.offset_mm[1])) + int(places.leg_mm.sum()))
    return found


def check_joined(network: WalkNetwork, route: Route, places: Places) -> None:
    """Every part begins at the node where the last one ended, and the first and last at the places."""
    total = network.edge_mm[route.edge]
    assert (route.from_mm != route.to_mm).all()
    assert ((route.from_mm >= 0) & (route.from_mm <= total) & (route.to_mm >= 0) & (route.to_mm <= total)).all()

    def node(k: int, mm: int) -> int:
        edge = int(route.edge[k])
        assert mm in (0, int(network.edge_mm[edge]))
        return int(network.edge_u[edge] if mm == 0 else network.edge_v[edge])

    for k in range(len(route.edge) - 1):
        assert node(k, int(route.to_mm[k])) == node(k + 1, int(route.from_mm[k + 1]))
    spots = [(int(places.edge[k]), int(places.offset_mm[k])) for k in (0, 1)]
    if len(route.edge) == 0:
        ends = [nodes_at(network, *spot) for spot in spots]
        assert spots[0] == spots[1] or ends[0] & ends[1]
        return
    for k, mm, spot in ((0, int(route.from_mm[0]), spots[0]), (-1, int(route.to_mm[-1]), spots[1])):
        at = (int(route.edge[k]), mm)
        assert at == spot or nodes_at(network, *at) & nodes_at(network, *spot)


def nodes_at(network: WalkNetwork, edge: int, mm: int) -> set[int]:
    """The node at a place on an edge; none in the middle of it."""
    total = int(network.edge_mm[edge])
    found = {int(network.edge_u[edge])} if mm == 0 else set()
    return found | ({int(network.edge_v[edge])} if mm == total else set())


@st.composite
def questions(draw: st.DrawFn) -> tuple[WalkNetwork, Places, bool]:
    """A network and two places that have streets, often on one edge."""
    network = draw(drawn_networks())
    step_free = draw(st.booleans())
    usable = network.adjacency(step_free=step_free).usable
    places = draw(drawn_places(network, usable).filter(lambda p: (p.edge >= 0).any()))
    found = np.flatnonzero(places.edge >= 0)
    a, b = draw(st.sampled_from(found.tolist())), draw(st.sampled_from(found.tolist()))
    return network, places.take(np.array([a, b])), step_free


@given(questions(), st.sampled_from([1, 4_096, 1_000_000, MAX_LIMIT_MM]))
@settings(max_examples=400, deadline=None)
def test_a_way_is_as_long_as_dijkstras(question: tuple[WalkNetwork, Places, bool], first_limit: int) -> None:
    network, places, step_free = question
    searcher = Searcher.of(network, step_free=step_free)
    start, goal = pair(places, 0, 1)
    expected = oracle_mm(network, places, step_free=step_free)
    there = search_route(network, searcher, start, goal, first_limit)
    back = search_route(network, searcher, goal, start, first_limit)
    if expected is None:
        assert there is None and back is None and not are_connected(network, searcher, start, goal)
        return
    assert there is not None and back is not None
    assert there.mm == back.mm == expected
    check_joined(network, there, places)
    if step_free:
        assert not (network.edge_flags[there.edge] & STEPS).any()


@given(questions(), st.integers(0, 2_000_000))
@settings(max_examples=300, deadline=None)
def test_a_way_from_the_table_is_the_tables(question: tuple[WalkNetwork, Places, bool], limit: int) -> None:
    """The same millimetres as the nearest lookup, and none where that lookup finds none within the table's limit."""
    network, places, step_free = question
    searcher = Searcher.of(network, step_free=step_free)
    start, goal = pair(places, 0, 1)
    table = reach_table(searcher, goal, limit, threads=1)
    edge = int(start.edge[0])
    ends = (int(network.edge_u[edge]), int(network.edge_v[edge]), int(network.edge_mm[edge]))
    _, mm = nearest_of(table, goal, ends, int(start.offset_mm[0]), int(start.leg_mm[0]), edge)
    route = route_within(network, searcher, start, goal, (table.node, table.mm), limit)
    assert ([] if route is None else [route.mm]) == mm.tolist()


@pytest.mark.parametrize("seed", range(12))
def test_random_cities_against_scipy(seed: int) -> None:
    network = random_network(seed, 300, 520)
    rng = np.random.default_rng(seed)
    searcher = Searcher.of(network, step_free=False)
    walked = 0
    for _ in range(30):
        places = random_places(rng, network, 2)
        route = search_route(network, searcher, *pair(places, 0, 1), 400_000)
        expected = scipy_mm(network, places)
        if route is None:
            assert np.isinf(expected)
            continue
        assert abs(route.mm - expected) < 1e-3  # scipy takes no edge of length zero
        check_joined(network, route, places)
        walked += len(route.edge)
    assert walked > 100


def length_m(line: RouteLine) -> float:
    return float(GEOD.line_length(line.lng, line.lat))


@pytest.mark.parametrize("seed", range(6))
def test_the_line_runs_along_the_streets_and_is_as_long_as_the_way(seed: int) -> None:
    """From real positions beside streets; lengths are geodesic, so the line measures what the way says."""
    network = build_network(random_rows(np.random.default_rng(seed), 200, 380), 0.0)
    grid = build_grid(network)
    rng = np.random.default_rng(seed)
    usable, searcher = network.everywhere.usable, Searcher.of(network, step_free=False)
    drawn = 0
    for _ in range(25):
        xy = np.array([at_m(*p) for p in rng.uniform(-1000, 1000, (2, 2))])
        places = snap(network, grid, usable, xy[:, 0], xy[:, 1], 500.0)
        if (places.edge < 0).any():
            continue
        start, goal = pair(places, 0, 1)
        route = search_route(network, searcher, start, goal, 1_000_000)
        if route is None:
            continue
        line = route_line(network, route, (start, *xy[0]), (goal, *xy[1]))
        assert (line.lng[0], line.lat[0]) == tuple(xy[0]) and (line.lng[-1], line.lat[-1]) == tuple(xy[1])
        slack = 0.002 * (len(route.edge) + 2) + 3e-4 * (route.start_leg_mm + route.goal_leg_mm) / 1e3
        assert length_m(line) == pytest.approx(route.mm / 1e3, abs=slack)
        assert len(line.at) == len(route.edge) + 1 and (np.diff(line.at) > 0).all()
        for k, edge in enumerate(route.edge.tolist()):
            part = slice(line.at[k], line.at[k + 1] + 1)
            ends = np.array([route.from_mm[k], route.to_mm[k]], dtype=np.float64)
            x, y = along_edge(network, edge, ends)
            assert np.allclose(line.lng[part][[0, -1]], x, atol=1e-9, rtol=0)
            assert np.allclose(line.lat[part][[0, -1]], y, atol=1e-9, rtol=0)
            geometry = slice(network.geom_ptr[edge], network.geom_ptr[edge + 1])
            inner = set(zip(line.lng[part][1:-1].tolist(), line.lat[part][1:-1].tolist(), strict=True))
            assert inner <= set(
                zip(network.geom_lng[geometry].tolist(), network.geom_lat[geometry].tolist(), strict=True)
            )
        drawn += len(route.edge)
    assert drawn > 60


def test_around_the_block_when_that_is_shorter_than_along_the_edge() -> None:
    """A long bow and a short chord between the same nodes: from near one end of the bow to near its other end."""
    nodes = {0: at_m(0, 0), 1: at_m(100, 0)}
    bow = Line(0, 1, (at_m(0, 400), at_m(100, 400)), name="bow")
    network = network_of(nodes, [bow, Line(0, 1, name="chord")])
    number = {network.names[name]: k for k, name in enumerate(network.edge_name.tolist())}
    total, chord = int(network.edge_mm[number["bow"]]), int(network.edge_mm[number["chord"]])
    places = places_on(network, [number["bow"]] * 2, [30_000, total - 20_000], [1_000, 2_000])
    searcher = Searcher.of(network, step_free=False)
    around = search_route(network, searcher, *pair(places, 0, 1), 1)
    assert around is not None and around.edge.tolist() == [number["bow"], number["chord"], number["bow"]]
    assert around.mm == 1_000 + 30_000 + chord + 20_000 + 2_000
    near = places_on(network, [number["bow"]] * 2, [30_000, 80_000], [1_000, 2_000])
    along = search_route(network, searcher, *pair(near, 0, 1), 1)
    assert along is not None and along.edge.tolist() == [number["bow"]] and along.mm == 53_000
    assert (along.from_mm[0], along.to_mm[0]) == (30_000, 80_000)


def test_to_where_one_stands_already() -> None:
    network = network_of({0: at_m(0, 0), 1: at_m(100, 0)}, [Line(0, 1)])
    places = places_on(network, [0, 0], [40_000, 40_000], [0, 0])
    start, goal = pair(places, 0, 1)
    route = search_route(network, Searcher.of(network, step_free=False), start, goal, 1)
    assert route is not None and route.mm == 0 and len(route.edge) == 0
    x, y = points_along(network, np.array([0], dtype=np.int32), np.array([40_000]))
    line = route_line(network, route, (start, float(x[0]), float(y[0])), (goal, float(x[0]), float(y[0])))
    assert len(line.lng) == len(line.lat) == 2 and np.allclose(line.lng, x) and np.allclose(line.lat, y)


def test_no_way_between_islands_and_none_over_steps_for_who_takes_none() -> None:
    nodes = {0: at_m(0, 0), 1: at_m(100, 0), 2: at_m(200, 0), 3: at_m(0, 500), 4: at_m(100, 500)}
    network = network_of(nodes, [Line(0, 1, name="a"), Line(1, 2, name="b", steps=True), Line(3, 4, name="c")])
    on = {network.names[name]: k for k, name in enumerate(network.edge_name.tolist())}
    places = places_on(network, [on["a"], on["b"], on["c"]], [1_000, 99_000, 5_000])
    anyone, step_free = (Searcher.of(network, step_free=flag) for flag in (False, True))
    assert search_route(network, anyone, *pair(places, 0, 1), 1) is not None
    assert search_route(network, anyone, *pair(places, 0, 2), 1) is None
    assert search_route(network, step_free, *pair(places, 0, 2), 1) is None


def test_lengths_of_another_goal_are_refused() -> None:
    network = random_network(3, 100, 200)
    rng = np.random.default_rng(3)
    main = network.everywhere.component[network.edge_u] == 0
    edges = rng.choice(np.flatnonzero(main & (network.edge_mm > 50_000)), 3, replace=False)
    places = places_on(network, edges, [11_111, 22_222, 33_333])
    searcher = Searcher.of(network, step_free=False)
    reach = searcher.reach_of(places.take(np.array([2])), MAX_LIMIT_MM)
    with pytest.raises(ValueError, match="not those of this goal"):
        route_within(network, searcher, *pair(places, 0, 1), reach, MAX_LIMIT_MM)


def test_a_long_way_needs_room() -> None:
    """Longer than the arrays that reading back begins with."""
    count = 700
    network = network_of({k: at_m(10.0 * k, 0) for k in range(count)}, [Line(k, k + 1) for k in range(count - 1)])
    west, east = (int(np.argmin(s * network.geom_lng)) // 2 for s in (1, -1))
    places = places_on(network, [west, east], [0, int(network.edge_mm[east])])
    route = search_route(network, Searcher.of(network, step_free=False), *pair(places, 0, 1), 1)
    assert route is not None and route.mm == int(network.edge_mm.sum()) and len(route.edge) == count - 1
