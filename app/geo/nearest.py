"""The few nearest origins of one place, read from the reach table: no search, no list of all that can be reached.

What ``app.geo.reach.nearest_of`` answers in full, for a lookup that is asked thousands of times a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba as nb
import numpy as np

from app.geo.arrays import BoolArray, Int32Array, IntArray
from app.geo.network import WalkNetwork
from app.geo.reach import ReachTable
from app.geo.snapping import Places


@dataclass(frozen=True)
class NearestLookup:
    """A reach table with what else a lookup needs; ``leg_mm`` are the ways of the origins to the street."""

    network: WalkNetwork
    places: Places
    leg_mm: Int32Array
    table: ReachTable

    @classmethod
    def of(cls, network: WalkNetwork, places: Places, table: ReachTable) -> NearestLookup:
        """``table`` is the reach table of ``places`` on ``network``."""
        return cls(network, places, places.leg_mm, table)

    def nearest(
        self, place: tuple[int, int, int], mask: BoolArray, limit_mm: int, count: int
    ) -> tuple[IntArray, IntArray]:
        """At most ``count`` origins of the mask within ``limit_mm`` of a place, nearest first, and their lengths in mm.

        ``place`` is (edge, offset_mm, leg_mm), on an edge. Of equal lengths the lower number comes first. Origins on
        the same edge are reached along it too. The table is complete up to its own limit, so ``limit_mm`` is cut there.
        """
        network, places, table = self.network, self.places, self.table
        origins: IntArray
        lengths: IntArray
        origins, lengths = _nearest(
            network.edge_u, network.edge_v, network.edge_mm, places.edge, places.offset_mm, self.leg_mm,
            table.node_ptr, table.origin_at, table.mm_at, mask, *place, min(limit_mm, table.limit_mm), count,
        )  # fmt: skip
        return origins, lengths


@nb.njit(nogil=True, cache=True)
def _nearest(  # type: ignore[no-untyped-def]
    edge_u, edge_v, edge_mm, origin_edge, origin_offset, origin_leg, node_ptr, origin_at, mm_at, mask, edge, offset,
    leg, limit, count,
):  # fmt: skip
    origins = np.empty(count, np.int64)
    lengths = np.empty(count, np.int64)
    found = 0
    for end in range(2):
        node = edge_u[edge] if end == 0 else edge_v[edge]
        rest = leg + (offset if end == 0 else edge_mm[edge] - offset)
        for k in range(node_ptr[node], node_ptr[node + 1]):
            length = mm_at[k] + rest
            # a node's list ascends: nothing after this one is nearer
            if length > limit or (found == count and length > lengths[found - 1]):
                break
            if mask[origin_at[k]]:
                found = _offer(origins, lengths, found, np.int64(origin_at[k]), length)
    for origin in range(len(origin_edge)):
        if origin_edge[origin] == edge and mask[origin]:
            length = np.int64(leg) + origin_leg[origin] + abs(origin_offset[origin] - offset)
            if length <= limit:
                found = _offer(origins, lengths, found, np.int64(origin), length)
    return origins[:found], lengths[:found]


@nb.njit(nogil=True, cache=True)
def _offer(origins, lengths, found, origin, length):  # type: ignore[no-untyped-def]
    """Put an origin in its place among those found, each once with its least length; how many there are then."""
    for k in range(found):
        if origins[k] == origin:
            if lengths[k] <= length:
                return found
            for m in range(k, found - 1):
                origins[m], lengths[m] = origins[m + 1], lengths[m + 1]
            found -= 1
            break
    at = found
    while at > 0 and (length, origin) < (lengths[at - 1], origins[at - 1]):
        at -= 1
    if at == len(origins):
        return found
    found = min(found + 1, len(origins))
    for m in range(found - 1, at, -1):
        origins[m], lengths[m] = origins[m - 1], lengths[m - 1]
    origins[at], lengths[at] = origin, length
    return found
