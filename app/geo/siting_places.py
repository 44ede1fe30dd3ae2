"""Candidate places for new stations: crossings of streets that matter, thinned out; and who stands too near to whom."""

from __future__ import annotations

import numba as nb
import numpy as np
from scipy.spatial import cKDTree

from app.geo.arrays import FloatArray, Int32Array, IntArray
from app.geo.geodesy import distances_m, metres_per_degree
from app.geo.network import WalkNetwork
from app.geo.siting_demand import Demand
from app.geo.snapping import Places

CROSSING_DEGREE = 3  # streets that meet
SLACK = 1.02  # of the flat map, before distances are taken on the ellipsoid


def crossings(network: WalkNetwork, *, step_free: bool) -> IntArray:
    """The nodes where at least CROSSING_DEGREE street ends meet, in the longest connected part of a variant."""
    adjacency = network.adjacency(step_free=step_free)
    found: IntArray = np.flatnonzero((np.diff(adjacency.indptr) >= CROSSING_DEGREE) & (adjacency.component == 0))
    return found


def places_at_nodes(network: WalkNetwork, nodes: IntArray, *, step_free: bool) -> Places:
    """Nodes as places on their first street, no way to it."""
    adjacency = network.adjacency(step_free=step_free)
    edge = adjacency.link_edge[adjacency.indptr[nodes]].astype(np.int32)
    offset = np.where(network.edge_u[edge] == nodes, 0, network.edge_mm[edge]).astype(np.int32)
    return Places(edge, offset, np.zeros(len(nodes)), network.node_lng[nodes], network.node_lat[nodes])


def people_by_square(network: WalkNetwork, demand: Demand, side_m: float) -> tuple[IntArray, IntArray, FloatArray]:
    """Uncovered people by square of a grid: column and row of every node's square, and people by node around it.

    An edge's people count to the squares of both its ends. The third is the sum over the node's square.
    """
    east, north = (float(k) for k in metres_per_degree(float(network.node_lat.mean())))
    column = np.floor((network.node_lng - network.node_lng.min()) * east / side_m).astype(np.int64)
    row = np.floor((network.node_lat - network.node_lat.min()) * north / side_m).astype(np.int64)
    square = row * (int(column.max(initial=0)) + 1) + column
    edge = np.repeat(np.arange(network.edge_count), np.diff(demand.edge_ptr))
    ends = np.concatenate([network.edge_u[edge], network.edge_v[edge]])
    by_square = np.bincount(square[ends], weights=np.tile(demand.weight, 2), minlength=int(square.max(initial=0)) + 1)
    return column, row, by_square[square]


def best_of_each_square(nodes: IntArray, column: IntArray, row: IntArray, score: FloatArray) -> IntArray:
    """Of the nodes in every square the one with the highest score, of equals the lowest number; ascending."""
    order = np.lexsort((nodes, -score[nodes], row[nodes], column[nodes]))
    ranked = nodes[order]
    is_first = np.ones(len(ranked), dtype=np.bool_)
    is_first[1:] = (column[ranked][1:] != column[ranked][:-1]) | (row[ranked][1:] != row[ranked][:-1])
    return np.sort(ranked[is_first])


def spaced(
    lng: FloatArray, lat: FloatArray, score: FloatArray, group: IntArray, spacing_m: float, most: int
) -> IntArray:
    """At most ``most`` of the points, highest score first, none within ``spacing_m`` of one taken before; ascending.

    Half of them are shared out evenly among the groups first, so that each has its best ones. Points without a score
    are not taken. Of equal scores the lower number comes first.
    """
    ptr, neighbour = neighbour_rows(*too_near(lng, lat, spacing_m), len(lng))
    order = np.lexsort((np.arange(len(score)), -score))
    order = order[score[order] > 0]
    groups = np.unique(group[order])
    share = most // (2 * max(len(groups), 1))
    is_first = np.zeros(len(score), dtype=np.bool_)
    for g in groups if share else ():
        is_first[_independent(order[group[order] == g], ptr, neighbour, share)] = True
    ranked = np.concatenate([order[is_first[order]], order[~is_first[order]]])
    taken: IntArray = _independent(ranked, ptr, neighbour, most)
    return np.sort(taken)


@nb.njit(nogil=True, cache=True)
def _independent(order, ptr, neighbour, most):  # type: ignore[no-untyped-def]
    """In this order, whatever is no neighbour of one taken before."""
    barred = np.zeros(len(ptr) - 1, np.bool_)
    taken = np.empty(min(most, len(order)), np.int64)
    count = 0
    for p in order:
        if count == len(taken):
            break
        if not barred[p]:
            taken[count] = p
            count += 1
            barred[neighbour[ptr[p] : ptr[p + 1]]] = True
    return taken[:count]


def too_near(
    lng: FloatArray, lat: FloatArray, spacing_m: float, other: tuple[FloatArray, FloatArray] | None = None
) -> tuple[IntArray, IntArray]:
    """Pairs of points closer than ``spacing_m`` (geodesic, straight): first < second; with ``other``, point and other.

    Points with NaN have no neighbours.
    """
    nothing = np.zeros(0, dtype=np.int64)
    if spacing_m <= 0 or len(lng) == 0:
        return nothing, nothing
    east, north = metres_per_degree(np.nan_to_num(lat))
    points = np.column_stack([np.nan_to_num(lng) * east.mean(), np.nan_to_num(lat) * north.mean()])
    tree = cKDTree(points)
    if other is None:
        pairs = tree.query_pairs(spacing_m * SLACK, output_type="ndarray").astype(np.int64)
        a, b = pairs[:, 0], pairs[:, 1]
        to_lng, to_lat = lng[b], lat[b]
    else:
        if len(other[0]) == 0:
            return nothing, nothing
        there = cKDTree(np.column_stack([other[0] * east.mean(), other[1] * north.mean()]))
        lists = tree.query_ball_tree(there, spacing_m * SLACK)
        a = np.repeat(np.arange(len(lng)), [len(found) for found in lists])
        b = np.array([k for found in lists for k in found], dtype=np.int64)
        to_lng, to_lat = other[0][b], other[1][b]
    near = np.zeros(len(a), dtype=np.bool_)
    valid = ~np.isnan(lng[a]) & ~np.isnan(to_lng)
    near[valid] = distances_m(lng[a][valid], lat[a][valid], to_lng[valid], to_lat[valid]) < spacing_m
    return a[near], b[near]


def neighbour_rows(first: IntArray, second: IntArray, count: int) -> tuple[IntArray, Int32Array]:
    """Pairs as compressed rows, both ways, ascending."""
    a, b = np.concatenate([first, second]), np.concatenate([second, first])
    order = np.lexsort((b, a))
    ptr = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(a, minlength=count), out=ptr[1:])
    return ptr, b[order].astype(np.int32)
