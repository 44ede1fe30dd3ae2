"""The shortest walking way between two places, street by street.

No search keeps track of where it came from. A way is read back from the lengths alone, which are integers: a node v is
reached from its neighbour w along a street of length s exactly when length(w) + s = length(v). So a way is as long as
the table or the search says, to the millimetre, and every street is at least a millimetre long, so reading ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba as nb
import numpy as np

from app.geo.arrays import BoolArray, FloatArray, Int32Array, IntArray
from app.geo.network import WalkNetwork
from app.geo.search import MAX_LIMIT_MM, Searcher
from app.geo.snapping import Places

Reach = tuple[Int32Array, Int32Array]  # nodes (ascending) and their lengths in mm, as Searcher.reach_of gives them


@dataclass(frozen=True)
class Route:
    """A way from a place to another: parts of edges in the order walked.

    Part k runs along ``edge[k]`` from ``from_mm[k]`` to ``to_mm[k]`` (both from the edge's first node; against it where
    ``from_mm > to_mm``, never equal). ``start_leg_mm, goal_leg_mm`` are the ways to and from the street.
    """

    edge: Int32Array
    from_mm: IntArray
    to_mm: IntArray
    start_leg_mm: int
    goal_leg_mm: int

    @property
    def part_mm(self) -> IntArray:
        """Length of every part."""
        lengths: IntArray = np.abs(self.to_mm - self.from_mm)
        return lengths

    @property
    def mm(self) -> int:
        """Length of the whole way, both legs included."""
        return self.start_leg_mm + int(self.part_mm.sum()) + self.goal_leg_mm


@dataclass(frozen=True)
class RouteLine:
    """A way as a line, WGS84, at least two points; part k of the route runs through ``at[k]:at[k + 1] + 1``.

    Points before ``at[0]`` and after ``at[-1]`` lie off the street: the position asked about, the goal itself.
    """

    lng: FloatArray
    lat: FloatArray
    at: IntArray


def are_connected(network: WalkNetwork, searcher: Searcher, a: Places, b: Places) -> bool:
    """Is there a way at all between two places (one each) in the searcher's variant of the network?"""
    component, ends = searcher.adjacency.component, network.edge_u
    return bool(component[ends[a.edge[0]]] == component[ends[b.edge[0]]])


def search_route(
    network: WalkNetwork, searcher: Searcher, start: Places, goal: Places, first_limit_mm: int
) -> Route | None:
    """The shortest way between two places (one each, on streets), however long.

    Searches from the goal, up to ``first_limit_mm`` and then twice as far each time, so that a way costs what lies
    nearer than about twice its length. None where there is no way within MAX_LIMIT_MM.
    """
    if not are_connected(network, searcher, start, goal):
        return None
    limit = min(max(first_limit_mm, 1), MAX_LIMIT_MM)
    while True:
        route = route_within(network, searcher, start, goal, searcher.reach_of(goal, limit), limit)
        if route is not None or limit == MAX_LIMIT_MM:
            return route
        limit = min(2 * limit, MAX_LIMIT_MM)


def route_within(
    network: WalkNetwork, searcher: Searcher, start: Places, goal: Places, reach: Reach, limit_mm: int
) -> Route | None:
    """The shortest way from ``start`` to ``goal`` (one place each) of at most ``limit_mm``, None if it is longer.

    ``reach`` is what lies within ``limit_mm`` of the goal: its row of the reach table, or a search. Of equally short
    ways, the one along their common edge, then by the edge's first node, then by the lower neighbour at every node.
    Raises ValueError when ``reach`` is not of this goal and network.
    """
    edge, offset, leg = _one(start)
    goal_edge, goal_offset, goal_leg = _one(goal)
    total, goal_total = int(network.edge_mm[edge]), int(network.edge_mm[goal_edge])
    ways = [(abs(offset - goal_offset) + goal_leg, -1, goal_offset)] if edge == goal_edge else []
    for node, end in ((int(network.edge_u[edge]), 0), (int(network.edge_v[edge]), total)):
        length = _length_at(reach, node)
        if length is not None:
            ways.append((length + abs(offset - end), node, end))
    if not ways:
        return None
    mm, node, end = min(ways, key=lambda way: way[0])
    if mm + leg > limit_mm:
        return None  # beyond the limit not every length is known, so this might not be the shortest
    parts = [(np.array([edge]), np.array([offset]), np.array([end]))]
    if node >= 0:
        goal_ends = (int(network.edge_u[goal_edge]), int(network.edge_v[goal_edge]))
        left = (goal_leg + goal_offset, goal_leg + goal_total - goal_offset)
        edges, forward, at_first = _streets(network, searcher, reach, node, goal_ends, left)
        full = network.edge_mm[edges].astype(np.int64)
        parts.append((edges, np.where(forward, 0, full), np.where(forward, full, 0)))
        parts.append((np.array([goal_edge]), np.array([0 if at_first else goal_total]), np.array([goal_offset])))
    walked, from_mm, to_mm = (np.concatenate([part[k] for part in parts]) for k in range(3))
    some = from_mm != to_mm
    return Route(walked[some].astype(np.int32), from_mm[some], to_mm[some], leg, goal_leg)


def route_line(
    network: WalkNetwork, route: Route, start: tuple[Places, float, float], goal: tuple[Places, float, float]
) -> RouteLine:
    """The way on the geometry of its streets. ``start`` and ``goal`` are place, lng, lat (WGS84) of position and goal.

    Ends within half a millimetre of the street are drawn on it.
    """
    edge, from_mm, to_mm = route.edge, route.from_mm, route.to_mm
    if len(edge) == 0:  # all of it off the street
        place = start[0]
        edge, from_mm, to_mm = place.edge, place.offset_mm.astype(np.int64), place.offset_mm.astype(np.int64)
    lng, lat, at = _draw(network.geom_ptr, network.geom_mm, network.geom_lng, network.geom_lat, edge, from_mm, to_mm)
    if len(route.edge) == 0:
        lng, lat, at = lng[:1], lat[:1], np.zeros(1, dtype=np.int64)
    if route.start_leg_mm > 0:
        lng, lat, at = np.append(start[1], lng), np.append(start[2], lat), at + 1
    if route.goal_leg_mm > 0:
        lng, lat = np.append(lng, goal[1]), np.append(lat, goal[2])
    if len(lng) == 1:  # a line has two points at least
        lng, lat = np.repeat(lng, 2), np.repeat(lat, 2)
    return RouteLine(lng, lat, at)


def points_along(network: WalkNetwork, edge: Int32Array, mm: IntArray) -> tuple[FloatArray, FloatArray]:
    """``lng, lat`` (WGS84) of points so many mm along edges, pair by pair."""
    return _points(network.geom_ptr, network.geom_mm, network.geom_lng, network.geom_lat, edge, mm)  # type: ignore[no-any-return]


def _one(place: Places) -> tuple[int, int, int]:
    return int(place.edge[0]), int(place.offset_mm[0]), int(place.leg_mm[0])


def _length_at(reach: Reach, node: int) -> int | None:
    nodes, lengths = reach
    at = int(np.searchsorted(nodes, node))
    return int(lengths[at]) if at < len(nodes) and nodes[at] == node else None


def _streets(
    network: WalkNetwork, searcher: Searcher, reach: Reach, node: int, goal_ends: tuple[int, int], left: tuple[int, int]
) -> tuple[Int32Array, BoolArray, bool]:
    """Whole edges from a node down to the goal's edge, which of them are walked forward, and: to that edge's first end?

    ``left`` is the way to the goal from either end of its edge, along that edge.
    """
    adjacency = searcher.adjacency
    edges, nodes, mm = _trace(
        adjacency.indptr, adjacency.links, adjacency.link_edge, reach[0], reach[1], node,
        goal_ends[0], left[0], goal_ends[1], left[1],
    )  # fmt: skip
    if mm < 0:
        raise ValueError("the lengths are not those of this goal in this network")
    return edges, network.edge_u[edges] == nodes[:-1], bool(nodes[-1] == goal_ends[0] and mm == left[0])


@nb.njit(nogil=True, cache=True)
def _find(nodes, node):  # type: ignore[no-untyped-def]
    """Where a node stands in ascending nodes, -1 where it does not."""
    low, high = 0, len(nodes)
    while low < high:
        middle = (low + high) >> 1
        if nodes[middle] < node:
            low = middle + 1
        else:
            high = middle
    return low if low < len(nodes) and nodes[low] == node else -1


@nb.njit(nogil=True, cache=True)
def _trace(  # type: ignore[no-untyped-def]
    indptr, links, link_edge, nodes, lengths, first, goal_u, goal_u_mm, goal_v, goal_v_mm
):  # fmt: skip
    """Edges and nodes from ``first`` down to an end of the goal's edge, and the length left there; -1 if stuck."""
    edges = np.empty(256, np.int32)
    walked = np.empty(257, np.int32)
    walked[0] = first
    count = 0
    v = first
    at = _find(nodes, v)
    mm = np.int64(lengths[at]) if at >= 0 else np.int64(-1)
    while mm >= 0 and not ((v == goal_u and mm == goal_u_mm) or (v == goal_v and mm == goal_v_mm)):
        found = False
        for k in range(indptr[v], indptr[v + 1]):
            at = _find(nodes, links[k, 0])
            if at >= 0 and np.int64(lengths[at]) + links[k, 1] == mm:
                found = True
                v = nodes[at]
                mm = np.int64(lengths[at])
                if count == len(edges):
                    edges = np.concatenate((edges, np.empty(count, np.int32)))
                    walked = np.concatenate((walked, np.empty(count, np.int32)))
                edges[count] = link_edge[k]
                count += 1
                walked[count] = v
                break
        if not found:
            mm = np.int64(-1)
    return edges[:count], walked[: count + 1], mm


@nb.njit(nogil=True, cache=True)
def _point(low, high, geom_mm, geom_lng, geom_lat, mm):  # type: ignore[no-untyped-def]
    """The point ``mm`` along the line of the geometry points low … high - 1."""
    p = low
    while p < high - 2 and geom_mm[p + 1] < mm:
        p += 1
    a, b = geom_mm[p], geom_mm[p + 1]
    if mm >= b:
        return geom_lng[p + 1], geom_lat[p + 1]
    if mm <= a:
        return geom_lng[p], geom_lat[p]
    t = (mm - a) / (b - a)
    return geom_lng[p] + t * (geom_lng[p + 1] - geom_lng[p]), geom_lat[p] + t * (geom_lat[p + 1] - geom_lat[p])


@nb.njit(nogil=True, cache=True)
def _points(geom_ptr, geom_mm, geom_lng, geom_lat, edge, mm):  # type: ignore[no-untyped-def]
    lng = np.empty(len(edge))
    lat = np.empty(len(edge))
    for k in range(len(edge)):
        lng[k], lat[k] = _point(geom_ptr[edge[k]], geom_ptr[edge[k] + 1], geom_mm, geom_lng, geom_lat, mm[k])
    return lng, lat


@nb.njit(nogil=True, cache=True)
def _draw(geom_ptr, geom_mm, geom_lng, geom_lat, edge, from_mm, to_mm):  # type: ignore[no-untyped-def]
    """The points of the parts, one after the other, each beginning where the last one ended; and where they do."""
    most = 1
    for k in range(len(edge)):
        most += geom_ptr[edge[k] + 1] - geom_ptr[edge[k]] + 1
    lng = np.empty(most)
    lat = np.empty(most)
    at = np.empty(len(edge) + 1, np.int64)
    count = 0
    for k in range(len(edge)):
        low, high = geom_ptr[edge[k]], geom_ptr[edge[k] + 1]
        if k == 0:
            lng[0], lat[0] = _point(low, high, geom_mm, geom_lng, geom_lat, from_mm[0])
            count = 1
        at[k] = count - 1
        forward = from_mm[k] <= to_mm[k]
        for n in range(high - low):
            p = low + n if forward else high - 1 - n
            if min(from_mm[k], to_mm[k]) < geom_mm[p] < max(from_mm[k], to_mm[k]):
                lng[count], lat[count] = geom_lng[p], geom_lat[p]
                count += 1
        lng[count], lat[count] = _point(low, high, geom_mm, geom_lng, geom_lat, to_mm[k])
        count += 1
    at[len(edge)] = count - 1
    return lng[:count], lat[:count], at
