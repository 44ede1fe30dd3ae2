"""One position's place on a street, and its few nearest origins, read from the reach table without a search.

The same as ``app.geo.snapping.snap`` and ``app.geo.reach.nearest_of``, which take many positions or list all origins,
for a lookup that is asked thousands of times a second: the kernels take a few microseconds, and so must all around
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import radians, sqrt
from typing import NamedTuple

import numba as nb
import numpy as np

from app.geo.arrays import BoolArray, Int32Array, IntArray
from app.geo.geodesy import ECCENTRICITY_SQUARED, SEMI_MAJOR_M
from app.geo.network import WalkNetwork
from app.geo.reach import ReachTable
from app.geo.snapping import Places, SegmentGrid, _snap_all


class StreetPlace(NamedTuple):
    """One place on a street, as in ``Places``: ``leg_mm`` is ``snap_m`` in whole mm, the way to the street."""

    edge: int
    offset_mm: int
    leg_mm: int
    snap_m: float
    lng: float
    lat: float

    @classmethod
    def of(cls, places: Places) -> StreetPlace:
        """The first of some places, which has a street."""
        snap_m = float(places.snap_m[0])
        edge, offset_mm = int(places.edge[0]), int(places.offset_mm[0])
        return cls(edge, offset_mm, round(snap_m * 1e3), snap_m, float(places.lng[0]), float(places.lat[0]))


@dataclass(frozen=True)
class NearestLookup:
    """One variant of a network with the reach table of the origins at ``places``; ``leg_mm`` are theirs."""

    network: WalkNetwork
    grid: SegmentGrid
    usable: BoolArray
    places: Places
    leg_mm: Int32Array
    table: ReachTable

    @classmethod
    def of(
        cls, network: WalkNetwork, grid: SegmentGrid, places: Places, table: ReachTable, *, step_free: bool
    ) -> NearestLookup:
        """``table`` is the reach table of ``places`` in that variant, ``grid`` the network's."""
        usable = network.adjacency(step_free=step_free).usable
        return cls(network, grid, usable, places, places.leg_mm, table)

    def place_of(self, lng: float, lat: float, limit_m: float) -> StreetPlace | None:
        """The nearest place on a street that matters to a WGS84 position; None beyond ``limit_m``."""
        network, grid = self.network, self.grid
        east, north = _metres_per_degree(lat)
        found = _snap_all(
            network.geom_lng, network.geom_lat, network.geom_mm, grid.edge_of_point, self.usable, grid.ptr,
            grid.segments, grid.west, grid.south, grid.cell_degrees, grid.columns, grid.rows, np.array([lng]),
            np.array([lat]), np.array([east]), np.array([north]), limit_m,
        )  # fmt: skip
        return StreetPlace.of(Places(*found)) if found[0][0] >= 0 else None

    def nearest(
        self, place: StreetPlace, mask: BoolArray, limit_mm: int, count: int
    ) -> tuple[IntArray, IntArray]:  # fmt: skip
        """At most ``count`` origins of the mask within ``limit_mm`` of a place, nearest first, and their lengths in mm.

        Of equal lengths the lower number comes first. Origins on the same edge are reached along it too. The table is
        complete up to its own limit, so ``limit_mm`` is cut there.
        """
        network, places, table = self.network, self.places, self.table
        origins: IntArray
        lengths: IntArray
        origins, lengths = _nearest(
            network.edge_u, network.edge_v, network.edge_mm, places.edge, places.offset_mm, self.leg_mm,
            table.node_ptr, table.origin_at, table.mm_at, mask, place.edge, place.offset_mm, place.leg_mm,
            min(limit_mm, table.limit_mm), count,
        )  # fmt: skip
        return origins, lengths


def _metres_per_degree(lat: float) -> tuple[float, float]:
    """``geodesy.metres_per_degree`` of one latitude, to the last bit: at a corner the least bit decides the street."""
    phi = radians(lat)
    sine = float(np.sin(phi))  # by numpy, as there: the mathematical library may differ in the last bit
    w = 1.0 - ECCENTRICITY_SQUARED * (sine * sine)
    east = float(np.cos(phi)) * SEMI_MAJOR_M / sqrt(w)
    north = SEMI_MAJOR_M * (1.0 - ECCENTRICITY_SQUARED) / float(np.power(w, 1.5))
    return radians(1.0) * east, radians(1.0) * north


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
