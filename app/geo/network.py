"""The walking network as immutable arrays.

``StreetRows`` is the network as it stands in a file or a database: ids, texts, geodesic lengths. ``WalkNetwork`` is
what the kernels run on: nodes in Morton order (neighbours on the ground are neighbours in memory; Morton 1966),
compressed sparse rows, lengths in integer millimetres.

Walking speed is uniform along the network, so the field that is searched is a length, and every speed reads the same
field: a time limit of T minutes at v km/h is a length limit of ``limit_mm(T, v)``. 32-bit integers hold 2,147 km;
rounding is at most 0.5 mm an edge, so even a thousand edges in a row are right within half a metre (0.4 s).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from app.geo.arrays import BoolArray, ByteArray, FloatArray, Int32Array, IntArray
from app.geo.geodesy import distances_m

STEPS, BRIDGE, TUNNEL, FRONTAGE = 1, 2, 4, 8  # bits of WalkNetwork.edge_flags
NO_NAME = -1


@dataclass(frozen=True)
class StreetRows:
    """A walking network as rows, all walked both ways. Coordinates WGS84.

    ``source`` and ``target`` are node ids; line k runs from source to target through the points
    ``geom_ptr[k]:geom_ptr[k + 1]`` of ``geom_lng, geom_lat``, ends included. ``length_m`` is geodesic. ``way_id`` is
    the OSM way, -1 where there is none.
    """

    node_id: IntArray
    node_lng: FloatArray
    node_lat: FloatArray
    edge_id: IntArray
    source: IntArray
    target: IntArray
    length_m: FloatArray
    way_id: IntArray
    highway: list[str]
    name: list[str | None]
    has_steps: BoolArray
    is_bridge: BoolArray
    is_tunnel: BoolArray
    has_frontage: BoolArray
    geom_ptr: IntArray
    geom_lng: FloatArray
    geom_lat: FloatArray


@dataclass(frozen=True)
class Adjacency:
    """Who is next to whom in one variant of the network: compressed sparse rows and what is worth snapping to.

    ``links[indptr[n]:indptr[n + 1]]`` are pairs (neighbour, length_mm) of node n and ``link_edge`` the edges walked.
    ``component`` numbers the connected parts by length, 0 = the longest. ``usable`` marks the edges of parts that
    matter (at least ``min_component_m`` long in all): positions and people are attached to no other.
    """

    indptr: Int32Array
    links: Int32Array  # (2M, 2)
    link_edge: Int32Array
    component: Int32Array
    usable: BoolArray


@dataclass(frozen=True)
class WalkNetwork:
    """Nodes (Morton order), edges (in the order of their first node) with geometry, and two adjacencies.

    ``edge_u < edge_v`` is not implied: line and ``geom_mm`` (length from the first point, in mm) run from u to v.
    ``everywhere`` has every street, ``step_free`` leaves out the edges with steps.
    """

    node_id: IntArray
    node_lng: FloatArray
    node_lat: FloatArray
    edge_id: IntArray
    edge_u: Int32Array
    edge_v: Int32Array
    edge_mm: Int32Array
    edge_flags: ByteArray
    edge_name: Int32Array  # into ``names``, NO_NAME where the street has none
    geom_ptr: IntArray
    geom_lng: FloatArray
    geom_lat: FloatArray
    geom_mm: Int32Array
    names: tuple[str, ...]
    everywhere: Adjacency
    step_free: Adjacency

    @property
    def node_count(self) -> int:
        return len(self.node_id)

    @property
    def edge_count(self) -> int:
        return len(self.edge_id)

    def adjacency(self, *, step_free: bool) -> Adjacency:
        return self.step_free if step_free else self.everywhere


def limit_mm(minutes: float, speed_kmh: float) -> int:
    """The longest way, in whole mm, that takes at most ``minutes`` (inclusive) at ``speed_kmh``.

    The small constant keeps products such as 15 min × 4.8 km/h = 1,200,000 mm from falling to 1,199,999.
    """
    return floor(minutes * speed_kmh * 1e6 / 60.0 + 1e-6)


def seconds_of(mm: int, speed_kmh: float) -> float:
    """Walking seconds of a length in mm."""
    return mm * 3.6e-3 / speed_kmh


def metres_of(mm: int) -> float:
    """A length in mm as it is told: metres to a tenth, half a tenth up; in whole numbers, five times as fast."""
    return (mm + 50) // 100 / 10


def morton_codes(lng: FloatArray, lat: FloatArray) -> IntArray:
    """The Z-order curve over 1e-5 degree steps (about a metre): 32 bits of each coordinate, interleaved."""

    def spread(value: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
        bits = np.round((value + 180.0) * 1e5).astype(np.uint64)
        for shift, mask in (
            (16, 0x0000FFFF0000FFFF), (8, 0x00FF00FF00FF00FF), (4, 0x0F0F0F0F0F0F0F0F), (2, 0x3333333333333333),
            (1, 0x5555555555555555),
        ):  # fmt: skip
            bits = (bits | (bits << np.uint64(shift))) & np.uint64(mask)
        return bits

    return (spread(lng) | (spread(lat) << np.uint64(1))).astype(np.int64)


def label_components(node_count: int, u: IntArray, v: IntArray, length_m: FloatArray) -> IntArray:
    """The connected part of every node, numbered by total length of its edges, 0 = the longest.

    Parts of equal length are numbered by their first node, so that the answer depends on nothing else.
    """
    graph = coo_matrix((np.ones(len(u), dtype=np.int8), (u, v)), shape=(node_count, node_count))
    count, label = connected_components(graph, directed=False)
    total = np.bincount(label[u], weights=length_m, minlength=count)
    first = np.full(count, node_count)
    np.minimum.at(first, label, np.arange(node_count))
    rank = np.empty(count, dtype=np.int64)
    rank[np.lexsort((first, -total))] = np.arange(count)
    numbers: IntArray = rank[label]
    return numbers


def make_adjacency(
    node_count: int, u: Int32Array, v: Int32Array, mm: Int32Array, taken: BoolArray, min_component_m: float
) -> Adjacency:
    """Compressed sparse rows over the edges taken; every edge is walked both ways.

    A loop is one link from its node to itself: no search gains by it, but who asks for a node's streets finds it.
    """
    edge = np.flatnonzero(taken).astype(np.int32)
    back = edge[u[edge] != v[edge]]
    source = np.concatenate([u[edge], v[back]])
    target = np.concatenate([v[edge], u[back]])
    link_edge = np.concatenate([edge, back])
    order = np.lexsort((link_edge, target, source))
    indptr = np.zeros(node_count + 1, dtype=np.int32)
    np.cumsum(np.bincount(source, minlength=node_count), out=indptr[1:])
    links = np.column_stack([target[order], mm[link_edge[order]]]).astype(np.int32)
    # whole mm add up exactly: sums of metres would make equal parts unequal, and 1,000 m a little less
    lengths = np.where(taken, mm, 0).astype(np.float64)
    component = label_components(node_count, u[taken].astype(np.int64), v[taken].astype(np.int64), lengths[taken])
    total = np.bincount(component[u], weights=lengths, minlength=node_count) / 1e3
    usable = taken & (total[component[u]] >= min_component_m)
    return Adjacency(
        indptr=indptr,
        links=np.ascontiguousarray(links),
        link_edge=link_edge[order].astype(np.int32),
        component=component.astype(np.int32),
        usable=usable,
    )


def build_network(rows: StreetRows, min_component_m: float) -> WalkNetwork:
    """The network of the rows. Raises ValueError when an edge names a node that is not there."""
    by_place = np.argsort(morton_codes(rows.node_lng, rows.node_lat), kind="stable")
    sorted_by_id = np.argsort(rows.node_id, kind="stable")
    ids = rows.node_id[sorted_by_id]
    number = np.empty(len(ids), dtype=np.int64)
    number[by_place] = np.arange(len(ids))

    def index_of(wanted: IntArray) -> IntArray:
        at = np.minimum(np.searchsorted(ids, wanted), max(len(ids) - 1, 0))
        if len(wanted) and (len(ids) == 0 or (ids[at] != wanted).any()):
            raise ValueError("an edge names a node that is not in the network")
        return number[sorted_by_id[at]]

    u, v = index_of(rows.source), index_of(rows.target)
    order = np.lexsort((rows.edge_id, np.maximum(u, v), np.minimum(u, v)))
    ptr, lng, lat = take_lines(rows.geom_ptr, rows.geom_lng, rows.geom_lat, order)
    edge_mm = np.maximum(1, np.round(rows.length_m[order] * 1e3)).astype(np.int32)
    flags = (
        rows.has_steps * STEPS | rows.is_bridge * BRIDGE | rows.is_tunnel * TUNNEL | rows.has_frontage * FRONTAGE
    ).astype(np.uint8)[order]
    names = sorted({name for name in rows.name if name})
    at_name = {name: k for k, name in enumerate(names)}
    edge_name = np.array([at_name.get(name or "", NO_NAME) for name in rows.name], dtype=np.int32)[order]
    edge_u, edge_v = u[order].astype(np.int32), v[order].astype(np.int32)
    n = len(ids)
    walkable = np.ones(len(order), dtype=np.bool_)
    return WalkNetwork(
        node_id=rows.node_id[by_place],
        node_lng=rows.node_lng[by_place],
        node_lat=rows.node_lat[by_place],
        edge_id=rows.edge_id[order],
        edge_u=edge_u,
        edge_v=edge_v,
        edge_mm=edge_mm,
        edge_flags=flags,
        edge_name=edge_name,
        geom_ptr=ptr,
        geom_lng=lng,
        geom_lat=lat,
        geom_mm=_cumulative_mm(ptr, lng, lat, edge_mm),
        names=tuple(names),
        everywhere=make_adjacency(n, edge_u, edge_v, edge_mm, walkable, min_component_m),
        step_free=make_adjacency(n, edge_u, edge_v, edge_mm, (flags & STEPS) == 0, min_component_m),
    )


def take_lines(
    ptr: IntArray, lng: FloatArray, lat: FloatArray, order: IntArray
) -> tuple[IntArray, FloatArray, FloatArray]:
    """The lines chosen by ``order``, one after the other: their pointers and points."""
    count = np.diff(ptr)[order]
    new_ptr = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    at = np.arange(new_ptr[-1]) - np.repeat(new_ptr[:-1], count) + np.repeat(ptr[:-1][order], count)
    return new_ptr, lng[at], lat[at]


def _cumulative_mm(ptr: IntArray, lng: FloatArray, lat: FloatArray, edge_mm: Int32Array) -> Int32Array:
    """Length from the first point of its line to every point, scaled so that each line ends at its edge's length."""
    if len(lng) == 0:
        return np.zeros(0, dtype=np.int32)
    steps = np.zeros(len(lng))
    steps[1:] = distances_m(lng[:-1], lat[:-1], lng[1:], lat[1:])
    steps[ptr[:-1]] = 0.0
    run = np.cumsum(steps)
    count = np.diff(ptr)
    along = run - np.repeat(run[ptr[:-1]], count)
    total = along[ptr[1:] - 1]
    share = along / np.repeat(np.where(total > 0, total, 1.0), count)
    mm: Int32Array = np.round(share * np.repeat(edge_mm, count)).astype(np.int32)
    mm[ptr[1:] - 1] = edge_mm
    return mm
