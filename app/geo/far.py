"""The nearest of any origins at whatever distance, exactly and without a search over the network.

The network is cut into squares. A way that leaves a square passes one of its *gates*, nodes with an edge to another
square, so the length from a node to an origin is the least, over the gates of its square, of the way to the gate inside
the square and the gate's own length to the origin (the separator idea of multi-level overlays: Holzer, Schulz & Wagner
2008; Delling et al. 2011). ``FarTable`` keeps the lengths between gates and origins: one search an origin, once. A
question then takes a small search inside one or two squares and a minimum over their gates, for as few origins as can
be the nearest: each square lists them by their least length to any of its gates.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numba as nb
import numpy as np

from app.geo.arrays import BoolArray, Int32Array, IntArray
from app.geo.geodesy import metres_per_degree_at
from app.geo.network import Adjacency, WalkNetwork
from app.geo.search import MAX_LIMIT_MM, UNREACHED, Searcher
from app.geo.snapping import Places

SQUARE_M = 700.0
NOT_FOUND = -1
FAR = np.int64(1) << np.int64(60)
NO_WAY = np.int64(UNREACHED)


@dataclass(frozen=True)
class Squares:
    """One variant of a network cut into squares: nodes by square (CSR), their position there, gates by square (CSR)."""

    square: Int32Array
    position: Int32Array
    ptr: IntArray
    nodes: Int32Array
    gate_ptr: IntArray
    gates: Int32Array

    @classmethod
    def of(cls, network: WalkNetwork, adjacency: Adjacency, square_m: float = SQUARE_M) -> Squares:
        """Squares of about ``square_m`` metres at the network's middle latitude; only those with nodes are numbered."""
        count = network.node_count
        east, north = metres_per_degree_at(float(network.node_lat.mean()) if count else 0.0)
        column = np.floor(network.node_lng * east / square_m).astype(np.int64)
        row = np.floor(network.node_lat * north / square_m).astype(np.int64)
        names, square = np.unique(column << 32 | row & 0xFFFF_FFFF, return_inverse=True)
        nodes = np.argsort(square, kind="stable")
        ptr = np.searchsorted(square[nodes], np.arange(len(names) + 1)).astype(np.int64)
        position = np.empty(count, dtype=np.int32)
        position[nodes] = np.arange(count) - ptr[square[nodes]]
        source = np.repeat(np.arange(count), np.diff(adjacency.indptr))
        target = adjacency.links[:, 0] if len(adjacency.links) else np.zeros(0, np.int32)
        is_gate = np.zeros(count, dtype=np.bool_)
        is_gate[source[square[source] != square[target]]] = True
        gates = nodes[is_gate[nodes]]
        return cls(
            square=square.astype(np.int32),
            position=position,
            ptr=ptr,
            nodes=nodes.astype(np.int32),
            gate_ptr=np.searchsorted(square[gates], np.arange(len(names) + 1)).astype(np.int64),
            gates=gates.astype(np.int32),
        )


@dataclass(frozen=True)
class FarTable:
    """``mm`` holds for every origin (row) the length from every gate (column), UNREACHED where there is no way.

    For every square (row) ``first`` lists the origins by ``least_mm``, their length from its nearest gate.
    ``standing`` (2, origins) are the squares of both ends of the edge that an origin stands on, NOT_FOUND without one.
    """

    squares: Squares
    places: Places
    mm: Int32Array
    first: Int32Array
    least_mm: Int32Array
    standing: Int32Array

    @cached_property
    def leg_mm(self) -> Int32Array:
        """The origins' ways to the street."""
        return self.places.leg_mm

    @classmethod
    def of(cls, squares: Squares, searcher: Searcher, places: Places, old: FarTable | None = None) -> FarTable:
        """One search for every origin that does not stand where one of ``old`` did (of the same squares)."""
        mm = np.full((len(places), len(squares.gates)), UNREACHED, dtype=np.int32)
        held: dict[tuple[int, int, int], int] = {}
        if old is not None:
            held = {key: k for k, key in enumerate(_keys(old.places))}
        for k, key in enumerate(_keys(places)):
            if key in held and old is not None:
                mm[k] = old.mm[held[key]]
            elif key[0] >= 0:
                mm[k] = searcher.field_of(places.take(np.array([k])), MAX_LIMIT_MM).length_mm[squares.gates]
        return cls(squares, places, mm, *_by_least(mm, squares.gate_ptr), _standing(squares, searcher, places))

    def is_for(self, places: Places) -> bool:
        """Are its origins these, one by one?"""
        return places is self.places or _keys(places) == _keys(self.places)

    def nearest(
        self, searcher: Searcher, ends: tuple[tuple[int, int], tuple[int, int]], mask: BoolArray
    ) -> tuple[int, int]:
        """The length in mm to the nearest origin of a mask, and its number; NOT_FOUND where no way leads to any.

        ``ends`` are the nodes at both ends of the position's edge with the way to each in mm. Of equal lengths the
        lower number comes first. Ways along the position's own edge alone are not looked at.
        """
        s, (u, u_mm), (v, v_mm) = self.squares, *ends
        mm, origin = _nearest(
            s.square, s.position, s.ptr, s.gate_ptr, s.gates, searcher.adjacency.indptr, searcher.links, self.mm,
            self.first, self.least_mm, self.standing, self.places.edge, self.places.offset_mm, self.leg_mm,
            searcher.edge_u, searcher.edge_v, searcher.edge_mm, mask, u, u_mm, v, v_mm,
        )  # fmt: skip
        return int(mm), int(origin)


def _keys(places: Places) -> list[tuple[int, int, int]]:
    return list(zip(places.edge.tolist(), places.offset_mm.tolist(), places.leg_mm.tolist(), strict=True))


def _by_least(mm: Int32Array, gate_ptr: IntArray) -> tuple[Int32Array, Int32Array]:
    """``first`` and ``least_mm`` of a table."""
    origins, squares = len(mm), len(gate_ptr) - 1
    least = np.full((squares, origins), UNREACHED, dtype=np.int32)
    for square in np.flatnonzero(np.diff(gate_ptr)).tolist():
        least[square] = mm[:, gate_ptr[square] : gate_ptr[square + 1]].min(axis=1)
    first = np.argsort(least, axis=1, kind="stable").astype(np.int32)
    return first, np.take_along_axis(least, first, axis=1)


def _standing(squares: Squares, searcher: Searcher, places: Places) -> Int32Array:
    standing = np.full((2, len(places)), NOT_FOUND, dtype=np.int32)
    on_street = places.edge >= 0
    for end, node in enumerate((searcher.edge_u, searcher.edge_v)):
        standing[end, on_street] = squares.square[node[places.edge[on_street]]]
    return standing


@nb.njit(nogil=True, cache=True)
def _nearest(  # type: ignore[no-untyped-def]
    square, position, ptr, gate_ptr, gates, indptr, links, far_mm, first_of, least_mm, standing, edge, offset_mm,
    leg_mm, edge_u, edge_v, edge_mm, mask, u, u_mm, v, v_mm,
):  # fmt: skip
    best, origin = NO_WAY, NOT_FOUND
    for turn in range(2):
        if turn == 1 and square[u] == square[v]:
            break  # both ends were planted at once
        here = square[u] if turn == 0 else square[v]
        inside = np.full(ptr[here + 1] - ptr[here], FAR, dtype=np.int64)
        if square[u] == here:
            inside[position[u]] = u_mm
        if square[v] == here:
            inside[position[v]] = min(inside[position[v]], v_mm)
        _spread_inside(square, position, here, indptr, links, inside, u, v)
        # an origin in this very square may be reached without leaving it
        for k in range(len(edge)):
            least, e = NO_WAY, edge[k]
            if standing[0, k] == here and mask[k]:
                least = min(least, inside[position[edge_u[e]]] + offset_mm[k] + leg_mm[k])
            if standing[1, k] == here and mask[k]:
                least = min(least, inside[position[edge_v[e]]] + edge_mm[e] - offset_mm[k] + leg_mm[k])
            if least < best or (least == best and least < NO_WAY and k < origin):
                best, origin = least, k
        first, last = gate_ptr[here], gate_ptr[here + 1]
        ways, way = np.empty(last - first, np.int64), FAR
        for g in range(last - first):
            ways[g] = inside[position[gates[first + g]]]
            way = min(way, ways[g])
        for at in range(len(edge)):
            k = first_of[here, at]
            if way + least_mm[here, at] > best:
                break  # nor can those after it be nearer
            if not mask[k]:
                continue
            least, row = NO_WAY, far_mm[k, first:last]
            for g in range(last - first):  # without a branch: a length of UNREACHED or more is none
                least = min(least, ways[g] + row[g])
            if least < best or (least == best and least < NO_WAY and k < origin):
                best, origin = least, k
    return best, origin


@nb.njit(nogil=True, cache=True)
def _spread_inside(square, position, here, indptr, links, inside, u, v):  # type: ignore[no-untyped-def]
    """Shortest ways inside one square from what ``inside`` holds already, by correcting labels in turn (Moore 1957)."""
    size = len(inside)
    queue, waits = np.empty(size + 1, np.int32), np.zeros(size, np.bool_)
    head, tail = 0, 0
    for node in (u, v):
        if square[node] == here and not waits[position[node]]:
            queue[tail], waits[position[node]] = node, True
            tail += 1
    while head != tail:
        node = queue[head]
        head = (head + 1) % (size + 1)
        waits[position[node]] = False
        reached = inside[position[node]]
        for link in range(indptr[node], indptr[node + 1]):
            other = links[link] & 0xFFFF_FFFF
            if square[other] != here:
                continue
            length = reached + (links[link] >> 32)
            if length < inside[position[other]]:
                inside[position[other]] = length
                if not waits[position[other]]:
                    queue[tail], waits[position[other]] = other, True
                    tail = (tail + 1) % (size + 1)
