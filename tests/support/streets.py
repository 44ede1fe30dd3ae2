"""Small walking networks for tests: drawn line by line, at random, or by hypothesis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st
from pyproj import Geod

from app.geo.arrays import FloatArray, IntArray
from app.geo.network import StreetRows, WalkNetwork, build_network
from app.geo.snapping import Places

GEOD = Geod(ellps="WGS84")
CENTRE = (113.2644, 23.1291)
LNG_PER_M, LAT_PER_M = 1 / 102_400.0, 1 / 110_760.0  # near CENTRE, good enough to draw by

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A street from node to node. ``length_m`` None: geodesic; ``via`` are the bends between the ends (lng, lat)."""

    source: int
    target: int
    via: tuple[Point, ...] = ()
    length_m: float | None = None
    steps: bool = False
    bridge: bool = False
    tunnel: bool = False
    frontage: bool = True
    name: str | None = None
    id: int | None = None


def at_m(east_m: float, north_m: float) -> Point:
    """A point so many metres east and north of CENTRE, roughly."""
    return CENTRE[0] + east_m * LNG_PER_M, CENTRE[1] + north_m * LAT_PER_M


def rows_of(nodes: dict[int, Point], lines: Sequence[Line]) -> StreetRows:
    """The rows, in the order given. Edge ids are 100, 101, … where a line has none of its own."""
    points: list[Point] = []
    ptr = [0]
    length = []
    for line in lines:
        own = [nodes[line.source], *line.via, nodes[line.target]]
        points += own
        ptr.append(len(points))
        x, y = zip(*own, strict=True)
        length.append(GEOD.line_length(x, y) if line.length_m is None else line.length_m)
    xy = np.array(points, dtype=np.float64).reshape(-1, 2)
    place = np.array(list(nodes.values()), dtype=np.float64).reshape(-1, 2)
    return StreetRows(
        node_id=np.array(list(nodes), dtype=np.int64),
        node_lng=place[:, 0].copy(),
        node_lat=place[:, 1].copy(),
        edge_id=np.array([100 + k if line.id is None else line.id for k, line in enumerate(lines)], dtype=np.int64),
        source=np.array([line.source for line in lines], dtype=np.int64),
        target=np.array([line.target for line in lines], dtype=np.int64),
        length_m=np.array(length, dtype=np.float64),
        way_id=np.full(len(lines), -1, dtype=np.int64),
        highway=["residential"] * len(lines),
        name=[line.name for line in lines],
        has_steps=np.array([line.steps for line in lines], dtype=np.bool_),
        is_bridge=np.array([line.bridge for line in lines], dtype=np.bool_),
        is_tunnel=np.array([line.tunnel for line in lines], dtype=np.bool_),
        has_frontage=np.array([line.frontage for line in lines], dtype=np.bool_),
        geom_ptr=np.array(ptr, dtype=np.int64),
        geom_lng=xy[:, 0].copy(),
        geom_lat=xy[:, 1].copy(),
    )


def network_of(nodes: dict[int, Point], lines: Sequence[Line], min_component_m: float = 0.0) -> WalkNetwork:
    return build_network(rows_of(nodes, lines), min_component_m)


def random_rows(
    rng: np.random.Generator, node_count: int, edge_count: int, *, span_m: float = 2000.0, reach_m: float = 500.0
) -> StreetRows:
    """Streets between random points, mostly neighbours, bent at random; loops, parallels and islands happen.

    A few edges are steps, bridges (no frontage) or of length zero; ids are large, unsorted and not consecutive.
    """
    xy = rng.uniform(-span_m / 2, span_m / 2, (node_count, 2))
    ids = rng.choice(10**12, node_count, replace=False)
    nodes = {int(i): at_m(*p) for i, p in zip(ids, xy, strict=True)}
    edge_ids = rng.choice(10**12, edge_count, replace=False)
    lines: list[Line] = []
    for k in range(edge_count):
        a = int(rng.integers(node_count))
        near = np.flatnonzero(np.hypot(*(xy - xy[a]).T) < reach_m)
        b = int(rng.choice(near)) if rng.random() < 0.95 else int(rng.integers(node_count))
        bends = int(rng.integers(0, 4)) if a != b else int(rng.integers(2, 4))
        via = []
        for n in range(bends):
            share = (n + 1) / (bends + 1)
            way = xy[a] + share * (xy[b] - xy[a]) + rng.normal(0, 30.0, 2)
            via.append(at_m(*way))
        if lines and rng.random() < 0.05:  # a parallel street
            a, b = (int(np.flatnonzero(ids == i)[0]) for i in (lines[-1].target, lines[-1].source))
        kind = rng.random()
        lines.append(
            Line(
                int(ids[a]), int(ids[b]), tuple(via), steps=kind < 0.1, bridge=0.1 < kind < 0.2,
                frontage=not 0.1 < kind < 0.2, name=f"street {k % 7}" if kind > 0.5 else None, id=int(edge_ids[k]),
            )
        )  # fmt: skip
    return rows_of(nodes, lines)


def random_network(seed: int, node_count: int = 60, edge_count: int = 110, min_component_m: float = 0.0) -> WalkNetwork:
    return build_network(random_rows(np.random.default_rng(seed), node_count, edge_count), min_component_m)


def grid_city(columns: int, rows: int, block_m: float = 100.0, origin: Point = (0.0, 0.0)) -> WalkNetwork:
    """A chessboard of streets; its south-west corner lies ``origin`` metres from CENTRE."""
    return network_of(*grid_parts(columns, rows, block_m, origin))


def grid_parts(
    columns: int, rows: int, block_m: float, origin: Point, first_id: int = 0
) -> tuple[dict[int, Point], list[Line]]:
    """Nodes and lines of a chessboard, to be put together with others."""
    nodes = {
        first_id + j * columns + i: at_m(origin[0] + i * block_m, origin[1] + j * block_m)
        for j in range(rows)
        for i in range(columns)
    }
    lines = []
    for j in range(rows):
        for i in range(columns):
            n = first_id + j * columns + i
            if i + 1 < columns:
                lines.append(Line(n, n + 1))
            if j + 1 < rows:
                lines.append(Line(n, n + columns))
    return nodes, lines


# lengths that try the bucket queue: neighbours of the bucket width, ties, a millimetre, many kilometres
LENGTHS_MM = st.one_of(
    st.sampled_from([1, 2, 4095, 4096, 4097, 8191, 8192, 50_000, 100_000]),
    st.integers(1, 20),
    st.integers(1, 10).map(lambda k: k * 1000),
    st.integers(1, 300_000),
    st.integers(1_000_000, 9_000_000),
)


@st.composite
def drawn_networks(draw: st.DrawFn, max_nodes: int = 10, max_edges: int = 16) -> WalkNetwork:
    """Any small multigraph, with loops, parallels, steps and islands; lengths are free of geometry."""
    count = draw(st.integers(1, max_nodes))
    ids = draw(st.lists(st.integers(0, 10**6), min_size=count, max_size=count, unique=True))
    nodes = {i: at_m(100.0 * (k % 4), 100.0 * (k // 4)) for k, i in enumerate(ids)}
    node, steps = st.sampled_from(ids), st.sampled_from([False, False, False, True])
    drawn = draw(st.lists(st.tuples(node, node, LENGTHS_MM, steps), min_size=1, max_size=max_edges))
    return network_of(nodes, [Line(a, b, length_m=mm / 1e3, steps=s) for a, b, mm, s in drawn])


def places_on(
    network: WalkNetwork, edge: Sequence[int] | IntArray, offset_mm: Sequence[int] | IntArray,
    leg_mm: Sequence[int] | IntArray | None = None,
) -> Places:  # fmt: skip
    """Places by edge and offset; their ``lng, lat`` is not meant to be looked at."""
    count = len(edge)
    leg = np.zeros(count) if leg_mm is None else np.asarray(leg_mm, dtype=np.float64) / 1e3
    nan = np.full(count, np.nan)
    return Places(np.asarray(edge, dtype=np.int32), np.asarray(offset_mm, dtype=np.int32), leg, nan, nan)


@st.composite
def drawn_places(draw: st.DrawFn, network: WalkNetwork, usable: FloatArray | None = None, max_size: int = 6) -> Places:
    """Places on any edges (of those marked), at ends, at the same spot, without a street (edge -1) too."""
    edges = range(network.edge_count) if usable is None else np.flatnonzero(usable).tolist()
    found = []
    for _ in range(draw(st.integers(0, max_size))):
        edge = draw(st.sampled_from([-1, *edges, *edges]))
        total = int(network.edge_mm[edge]) if edge >= 0 else 0
        offset = draw(st.one_of(st.sampled_from([0, total, total // 2]), st.integers(0, total)))
        found.append((edge, offset, draw(st.sampled_from([0, 0, 1, 500, 7_777]))))
    edge, offset, leg = zip(*found, strict=True) if found else ((), (), ())
    return places_on(network, edge, offset, leg)


def random_places(rng: np.random.Generator, network: WalkNetwork, count: int, *, step_free: bool = False) -> Places:
    """Places on usable edges, a third of them on as few as three edges, some at ends, legs up to 80 m."""
    usable = np.flatnonzero(network.adjacency(step_free=step_free).usable)
    edge = rng.choice(usable, count)
    crowded = rng.random(count) < 0.34
    edge[crowded] = rng.choice(rng.choice(usable, 3), int(crowded.sum()))
    share = rng.choice([0.0, 1.0, np.nan], count, p=[0.05, 0.05, 0.9])
    share = np.where(np.isnan(share), rng.random(count), share)
    offset = np.round(share * network.edge_mm[edge]).astype(np.int64)
    return places_on(network, edge, offset, np.where(rng.random(count) < 0.3, 0, rng.integers(0, 80_000, count)))


def shuffled(rows: StreetRows, rng: np.random.Generator) -> StreetRows:
    """The same streets, rows in another order."""
    n, e = rng.permutation(len(rows.node_id)), rng.permutation(len(rows.edge_id))
    lines = [slice(rows.geom_ptr[k], rows.geom_ptr[k + 1]) for k in e]
    return replace(
        rows,
        node_id=rows.node_id[n], node_lng=rows.node_lng[n], node_lat=rows.node_lat[n],
        edge_id=rows.edge_id[e], source=rows.source[e], target=rows.target[e], length_m=rows.length_m[e],
        way_id=rows.way_id[e], highway=[rows.highway[k] for k in e], name=[rows.name[k] for k in e],
        has_steps=rows.has_steps[e], is_bridge=rows.is_bridge[e], is_tunnel=rows.is_tunnel[e],
        has_frontage=rows.has_frontage[e],
        geom_ptr=np.concatenate([[0], np.cumsum(np.diff(rows.geom_ptr)[e])]).astype(np.int64),
        geom_lng=np.concatenate([rows.geom_lng[s] for s in lines]),
        geom_lat=np.concatenate([rows.geom_lat[s] for s in lines]),
    )  # fmt: skip
