"""What can be reached from one place: street parts, the people along them, hexagons; outline.py draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba as nb
import numpy as np

from app.geo.arrays import FloatArray, Int32Array, IntArray
from app.geo.frontage import Frontage
from app.geo.hexgrid import cells_of
from app.geo.network import WalkNetwork
from app.geo.search import UNREACHED, Searcher
from app.geo.snapping import Places

HEX_SAMPLE_M = 15.0


@dataclass(frozen=True)
class ReachedStreets:
    """Edges (ascending) with the length in mm to each end, UNREACHED where an end lies beyond the limit.

    ``origin`` is the one place walked from; its own edge is always among the edges.
    """

    edge: IntArray
    to_u: Int32Array
    to_v: Int32Array
    origin: Places
    limit_mm: int


def reached_streets(network: WalkNetwork, searcher: Searcher, origin: Places, limit_mm: int) -> ReachedStreets:
    """Every edge that a walk of at most ``limit_mm`` from a place sets foot on."""
    nodes, lengths = searcher.reach_of(origin, limit_mm)
    adjacency = searcher.adjacency
    edge, to_u, to_v = _edges_at(
        adjacency.indptr, adjacency.links, adjacency.link_edge, network.edge_u, nodes, lengths, int(origin.edge[0])
    )
    return ReachedStreets(edge, to_u, to_v, origin, limit_mm)


@nb.njit(nogil=True, cache=True)
def _edges_at(indptr, links, link_edge, edge_u, nodes, lengths, origin_edge):  # type: ignore[no-untyped-def]
    """The edges at the nodes (ascending) and the origin's, ascending, with the lengths to both ends."""
    size = 1
    for node in nodes:
        size += indptr[node + 1] - indptr[node]
    edge = np.empty(size, np.int64)
    to_u, to_v = np.full(size, UNREACHED, np.int32), np.full(size, UNREACHED, np.int32)
    count = 0
    has_origin = False
    for k in range(len(nodes)):
        node = nodes[k]
        for link in range(indptr[node], indptr[node + 1]):
            other = links[link, 0]
            at = np.searchsorted(nodes, other)
            is_reached = at < len(nodes) and nodes[at] == other
            if is_reached and other < node:
                continue  # taken there
            e = link_edge[link]
            here, there = lengths[k], lengths[at] if is_reached else np.int32(UNREACHED)
            edge[count] = e
            to_u[count], to_v[count] = (here, there) if edge_u[e] == node else (there, here)
            has_origin |= e == origin_edge
            count += 1
    if not has_origin:
        edge[count] = origin_edge
        count += 1
    order = np.argsort(edge[:count])
    return edge[order], to_u[order], to_v[order]


def people_within(
    network: WalkNetwork, frontage: Frontage, streets: ReachedStreets, limits_mm: Sequence[int]
) -> list[float]:
    """People who live within each limit of the origin, along the reached street parts: all limits in one pass."""
    origin = streets.origin
    people: list[float] = _people(
        frontage.edge, frontage.a_mm, frontage.b_mm, frontage.leg_mm, frontage.people, network.edge_mm, streets.edge,
        streets.to_u, streets.to_v, int(origin.edge[0]), int(origin.offset_mm[0]), int(origin.leg_mm[0]),
        np.array(limits_mm, dtype=np.int64),
    ).tolist()  # fmt: skip
    return people


@nb.njit(nogil=True, cache=True)
def _people(  # type: ignore[no-untyped-def]
    piece_edge, a_mm, b_mm, leg_mm, people, edge_mm, edges, to_u, to_v, origin_edge, origin_offset, origin_leg, limits
):  # fmt: skip
    """The closed form of coverage.py for a single origin."""
    found = np.zeros(len(limits))
    piece = 0
    for k in range(len(edges)):
        e = edges[k]
        piece += np.searchsorted(piece_edge[piece:], e)
        total = np.int64(edge_mm[e])
        start, stop = np.int64(to_u[k]), np.int64(to_v[k])
        while piece < len(piece_edge) and piece_edge[piece] == e:
            a, b = np.int64(a_mm[piece]), np.int64(b_mm[piece])
            if a == b:
                way = min(start + a, stop + total - b)
                if e == origin_edge:
                    way = min(way, origin_leg + abs(a - origin_offset))
                for at in range(len(limits)):
                    if way + leg_mm[piece] <= limits[at]:
                        found[at] += people[piece]
            else:
                for at in range(len(limits)):
                    low, high = limits[at] - start, total - (limits[at] - stop)  # reached: [0, low] and [high, total]
                    part = min(b - a, max(0, min(low, b) - a) + max(0, b - max(high, a)))
                    if e == origin_edge and low < high:
                        # what lies around the origin between those two
                        room = limits[at] - origin_leg
                        near, far = max(origin_offset - room, low, a), min(origin_offset + room, high, b)
                        part += max(0, far - near)
                    found[at] += people[piece] * (part / (b - a))
            piece += 1
    return found


def _points_of(network: WalkNetwork, edges: IntArray) -> IntArray:
    first, count = network.geom_ptr[edges], network.geom_ptr[edges + 1] - network.geom_ptr[edges]
    found: IntArray = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    return found


def hexagons(
    network: WalkNetwork, streets: ReachedStreets, resolution: int
) -> tuple[IntArray, FloatArray]:  # fmt: skip
    """The H3 cells (ascending) that reached street parts run through, and the shortest way in mm to each."""
    points = _points_of(network, streets.edge)
    number = np.repeat(np.arange(len(streets.edge)), np.diff(network.geom_ptr)[streets.edge])
    inner = np.flatnonzero(number[:-1] == number[1:])
    a, b, local = points[inner], points[inner + 1], number[inner]
    run = network.geom_mm[b] - network.geom_mm[a]
    count = np.maximum(1, np.ceil(run / (HEX_SAMPLE_M * 1e3)).astype(np.int64)) + 1
    of = np.repeat(np.arange(len(a)), count)
    t = (np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)) / (count[of] - 1)
    along = network.geom_mm[a[of]] + t * run[of]
    edge = streets.edge[local[of]]
    way = np.minimum(
        streets.to_u[local[of]].astype(np.float64) + along,
        streets.to_v[local[of]].astype(np.float64) + network.edge_mm[edge] - along,
    )
    own = edge == streets.origin.edge[0]
    way[own] = np.minimum(way[own], streets.origin.leg_mm[0] + np.abs(along[own] - streets.origin.offset_mm[0]))
    near = way <= streets.limit_mm
    lng = network.geom_lng[a[of]] * (1 - t) + network.geom_lng[b[of]] * t
    lat = network.geom_lat[a[of]] * (1 - t) + network.geom_lat[b[of]] * t
    cells, at = np.unique(cells_of(lng[near], lat[near], resolution), return_inverse=True)
    least = np.full(len(cells), np.inf)
    np.minimum.at(least, at, way[near])
    return cells, least
