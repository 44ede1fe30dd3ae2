"""Every length on a real network beside scipy's Dijkstra, and what rounding to whole millimetres adds up to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from app.geo.arrays import BoolArray, FloatArray, IntArray
from app.geo.network import STEPS, StreetRows, WalkNetwork, limit_mm
from app.geo.search import MAX_LIMIT_MM, UNREACHED, Searcher
from app.geo.snapping import Places, build_grid, snap

HOUR_MM = limit_mm(60, 4.8)


@dataclass(frozen=True)
class Exactness:
    """All origins to all nodes, each alone and the nearest of all, on the whole network and without its steps."""

    nodes: int
    origins: int
    lengths_compared: int
    largest_difference_mm: int
    longest_walk_km: float


@dataclass(frozen=True)
class Rounding:
    """Ways of at most 60 minutes at 4.8 km/h from every station's street corner, in mm of the network and unrounded.

    ``along_ways_mm``: the largest difference along one and the same way. ``of_shortest_mm``: of the shortest way in
    whole millimetres from the shortest way of the unrounded lengths. ``bound_mm``: half a millimetre an edge.
    """

    ways: int
    most_edges: int
    along_ways_mm: float
    of_shortest_mm: float
    bound_mm: float
    edges_below_half_a_mm: int


def street_graph(network: WalkNetwork, weight: FloatArray, taken: BoolArray) -> tuple[csr_matrix, csr_matrix]:
    """The network as scipy takes it, of parallel edges the shortest; and the edge of every link (its number + 1)."""
    u, v = network.edge_u.astype(np.int64), network.edge_v.astype(np.int64)
    edge = np.flatnonzero(taken & (u != v))
    a, b = np.minimum(u[edge], v[edge]), np.maximum(u[edge], v[edge])
    order = np.lexsort((weight[edge], b, a))
    edge, a, b = edge[order], a[order], b[order]
    first = np.ones(len(edge), dtype=np.bool_)
    first[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    edge, a, b = edge[first], a[first], b[first]
    shape = (network.node_count, network.node_count)
    row, column = np.concatenate([a, b]), np.concatenate([b, a])
    return (
        csr_matrix((np.concatenate([weight[edge]] * 2), (row, column)), shape=shape),
        csr_matrix((np.concatenate([edge + 1] * 2), (row, column)), shape=shape),
    )


def against_scipy(network: WalkNetwork, lng: FloatArray, lat: FloatArray, snap_limit_m: float) -> Exactness:
    """Lengths from positions (WGS84) to every node, ours and scipy's, at whatever distance."""
    compared, largest, longest, origins = 0, 0, 0, 0
    for step_free in (False, True):
        taken = (network.edge_flags & STEPS) == 0 if step_free else np.ones(network.edge_count, dtype=np.bool_)
        usable = network.adjacency(step_free=step_free).usable
        places = snap(network, build_grid(network), usable, lng, lat, snap_limit_m)
        places = places.take(places.edge >= 0)
        graph, _ = street_graph(network, network.edge_mm.astype(np.float64), taken)
        e, offset, leg = places.edge, places.offset_mm.astype(np.float64), places.leg_mm.astype(np.float64)
        theirs = np.minimum(
            dijkstra(graph, indices=network.edge_u[e]) + (leg + offset)[:, None],
            dijkstra(graph, indices=network.edge_v[e]) + (leg + network.edge_mm[e] - offset)[:, None],
        )
        searcher = Searcher.of(network, step_free=step_free)
        each = [searcher.field_of(places.take(np.array([k])), MAX_LIMIT_MM).length_mm for k in range(len(places))]
        ours = np.array([*each, searcher.field_of(places, MAX_LIMIT_MM).length_mm])
        theirs = np.vstack([theirs, theirs.min(axis=0)])
        theirs = np.where(np.isinf(theirs), UNREACHED, theirs)
        largest = max(largest, int(np.abs(ours - theirs).max()))
        compared += ours.size
        longest = max(longest, int(ours[ours < UNREACHED].max()))
        origins = max(origins, len(places))
    return Exactness(network.node_count, origins, compared, largest, round(longest / 1e6, 2))


def rounding(rows: StreetRows, network: WalkNetwork, stations: Places) -> Rounding:
    """Half a millimetre an edge at most: what does it come to along whole ways?"""
    row = {edge: k for k, edge in enumerate(rows.edge_id.tolist())}
    exact = rows.length_m[[row[edge] for edge in network.edge_id.tolist()]] * 1e3
    error = network.edge_mm - exact
    taken = np.ones(network.edge_count, dtype=np.bool_)
    whole, edge_of = street_graph(network, network.edge_mm.astype(np.float64), taken)
    unrounded, _ = street_graph(network, exact, taken)
    found = Rounding(0, 0, 0.0, 0.0, 0.0, int((exact < 0.5).sum()))
    for node in np.unique(network.edge_u[stations.edge]).tolist():
        length, before = dijkstra(whole, indices=node, return_predecessors=True)
        shortest = dijkstra(unrounded, indices=node)
        count, drift = _along_ways(length, before, edge_of, error)
        within = length <= HOUR_MM
        found = Rounding(
            ways=found.ways + int(within.sum()),
            most_edges=max(found.most_edges, int(count[within].max())),
            along_ways_mm=max(found.along_ways_mm, round(float(np.abs(drift[within]).max()), 2)),
            of_shortest_mm=max(found.of_shortest_mm, round(float(np.abs(length[within] - shortest[within]).max()), 2)),
            bound_mm=max(found.bound_mm, float(count[within].max()) / 2),
            edges_below_half_a_mm=found.edges_below_half_a_mm,
        )
    return found


def _along_ways(
    length: FloatArray, before: IntArray, edge_of: csr_matrix, error: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Edges on the shortest way to every node, and the sum of their errors; nodes in the order of their lengths."""
    count, drift = np.zeros(len(length), dtype=np.int64), np.zeros(len(length))
    reached = np.flatnonzero(np.isfinite(length))
    order = reached[np.argsort(length[reached], kind="stable")]
    order = order[before[order] >= 0]
    edge = np.asarray(edge_of[before[order], order]).ravel().astype(np.int64) - 1
    for n, previous, e in zip(order.tolist(), before[order].tolist(), edge.tolist(), strict=True):
        count[n] = count[previous] + 1
        drift[n] = drift[previous] + error[e]
    return count, drift
