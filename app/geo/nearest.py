"""One position's place on a street, and its few nearest origins, read from the reach table without a search.

A lookup is asked thousands of times a second: the kernel takes some ten microseconds, and so must all around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numba as nb
import numpy as np

from app.geo.arrays import BoolArray, FloatArray, Int32Array
from app.geo.geodesy import ECCENTRICITY_SQUARED, SEMI_MAJOR_M, metres_per_degree_at
from app.geo.network import WalkNetwork
from app.geo.reach import ReachTable
from app.geo.snapping import Places, SegmentGrid, place_at


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
    """One variant of a network with the reach table of the origins at ``places``.

    ``usable`` marks the streets that matter, ``leg_mm`` are the ways of the origins to the street, ``lng, lat`` (WGS84)
    their own positions.
    """

    network: WalkNetwork
    grid: SegmentGrid
    usable: BoolArray
    places: Places
    leg_mm: Int32Array
    lng: FloatArray
    lat: FloatArray
    table: ReachTable

    @cached_property
    def standing(self) -> dict[int, list[int]]:
        """The origins by the edge that they stand on."""
        found: dict[int, list[int]] = {}
        for origin in np.flatnonzero(self.places.edge >= 0).tolist():
            found.setdefault(int(self.places.edge[origin]), []).append(origin)
        return found

    def nearest(
        self, lng: float, lat: float, snap_limit_m: float, limit_mm: int, count: int, mask: BoolArray
    ) -> tuple[StreetPlace | None, list[int], list[int], list[float]]:
        """The place on a street of a WGS84 position; at most ``count`` origins, nearest first, their lengths in mm, and
        their geodesic distances from the position in metres.

        The place is the nearest on a street that matters, None beyond ``snap_limit_m``. The origins are those of
        ``mask`` within ``limit_mm`` of it; of equal lengths the lower number comes first. Origins on the same edge are
        reached along it too. The table is complete up to its own limit, so ``limit_mm`` is cut there.
        """
        found_at, straights = np.empty((2, count), np.int64), np.empty(count)
        # scalars are returned and arrays given: an array that is returned costs more than the search
        *place, found = _find(  # type: ignore[call-arg]  # the count of what is starred is not known
            *self._layers, mask, lng, lat, snap_limit_m, min(limit_mm, self.table.limit_mm), found_at, straights
        )
        origins, lengths = found_at[:, :found].tolist()
        return StreetPlace(*place) if place[0] >= 0 else None, origins, lengths, straights[:found].tolist()

    @cached_property
    def _layers(self) -> tuple[Any, ...]:
        """What every lookup reads, in the order of ``_find``."""
        network, grid, places, table = self.network, self.grid, self.places, self.table
        return (
            network.geom_lng, network.geom_lat, network.geom_mm, network.edge_u, network.edge_v, network.edge_mm,
            grid.edge_of_point, self.usable, grid.ptr, grid.segments, grid.west, grid.south, grid.cell_degrees,
            grid.columns, grid.rows, places.edge, places.offset_mm, self.leg_mm, self.lng, self.lat, table.node_ptr,
            table.origin_at, table.mm_at,
        )  # fmt: skip


@nb.njit(cache=True)
def _find(  # type: ignore[no-untyped-def]
    geom_lng, geom_lat, geom_mm, edge_u, edge_v, edge_mm, edge_of_point, usable, ptr, segments, west, south, cell,
    columns, rows, origin_edge, origin_offset, origin_leg, origin_lng, origin_lat, node_ptr, origin_at, mm_at, mask,
    lng, lat, snap_limit, limit, found_at, straights,
):  # fmt: skip
    east, north = metres_per_degree_at(lat)
    edge, offset, snap_m, x, y = place_at(
        geom_lng, geom_lat, geom_mm, edge_of_point, usable, ptr, segments, west, south, cell, columns, rows, lng, lat,
        east, north, snap_limit,
    )  # fmt: skip
    if edge < 0:
        return edge, offset, 0, snap_m, x, y, 0
    leg = np.int64(np.rint(snap_m * 1e3))
    origins, lengths = found_at[0], found_at[1]
    found = _nearest(
        edge_u[edge], edge_v[edge], np.int64(edge_mm[edge]), origin_edge, origin_offset, origin_leg, node_ptr,
        origin_at, mm_at, mask, edge, offset, leg, limit, origins, lengths,
    )  # fmt: skip
    for k in range(found):
        straights[k] = straight_m(lng, lat, origin_lng[origins[k]], origin_lat[origins[k]])
    return edge, offset, leg, snap_m, x, y, found


@nb.njit(cache=True)
def straight_m(lng: float, lat: float, other_lng: float, other_lat: float) -> float:
    """The geodesic distance of two WGS84 positions in metres, to better than 0.01 mm up to 1,000 km (Vincenty 1975)."""
    flattening = 1.0 - np.sqrt(1.0 - ECCENTRICITY_SQUARED)
    semi_minor_m = SEMI_MAJOR_M * (1.0 - flattening)
    reduced, other_reduced = (
        np.arctan((1.0 - flattening) * np.tan(np.radians(lat))),
        np.arctan((1.0 - flattening) * np.tan(np.radians(other_lat))),
    )
    sin_1, cos_1, sin_2, cos_2 = np.sin(reduced), np.cos(reduced), np.sin(other_reduced), np.cos(other_reduced)
    difference = np.radians(other_lng - lng)
    turn = difference
    for _ in range(100):
        sin_turn, cos_turn = np.sin(turn), np.cos(turn)
        sin_arc = np.hypot(cos_2 * sin_turn, cos_1 * sin_2 - sin_1 * cos_2 * cos_turn)
        if sin_arc == 0.0:
            return 0.0
        cos_arc = sin_1 * sin_2 + cos_1 * cos_2 * cos_turn
        arc = np.arctan2(sin_arc, cos_arc)
        sin_azimuth = cos_1 * cos_2 * sin_turn / sin_arc
        square = 1.0 - sin_azimuth * sin_azimuth
        middle = cos_arc - 2.0 * sin_1 * sin_2 / square if square > 1e-12 else 0.0
        c = flattening / 16.0 * square * (4.0 + flattening * (4.0 - 3.0 * square))
        last = turn
        turn = difference + (1.0 - c) * flattening * sin_azimuth * (
            arc + c * sin_arc * (middle + c * cos_arc * (2.0 * middle * middle - 1.0))
        )
        if abs(turn - last) < 1e-14:
            break
    u = square * (SEMI_MAJOR_M * SEMI_MAJOR_M / (semi_minor_m * semi_minor_m) - 1.0)
    a = 1.0 + u / 16384.0 * (4096.0 + u * (-768.0 + u * (320.0 - 175.0 * u)))
    b = u / 1024.0 * (256.0 + u * (-128.0 + u * (74.0 - 47.0 * u)))
    correction = (
        b
        * sin_arc
        * (
            middle
            + b
            / 4.0
            * (
                cos_arc * (2.0 * middle * middle - 1.0)
                - b / 6.0 * middle * (4.0 * sin_arc * sin_arc - 3.0) * (4.0 * middle * middle - 3.0)
            )
        )
    )
    return float(semi_minor_m * a * (arc - correction))


@nb.njit(cache=True)
def _nearest(  # type: ignore[no-untyped-def]
    u, v, total, origin_edge, origin_offset, origin_leg, node_ptr, origin_at, mm_at, mask, edge, offset, leg, limit,
    origins, lengths,
):  # fmt: skip
    """Fills ``origins`` and ``lengths`` with as many as they take; how many were found."""
    found = 0
    for node, rest in ((u, leg + offset), (v, leg + total - offset)):
        for k in range(node_ptr[node], node_ptr[node + 1]):
            length = mm_at[k] + rest
            # a node's list ascends: nothing after this one is nearer
            if length > limit or (found == len(origins) and length > lengths[found - 1]):
                break
            if mask[origin_at[k]]:
                found = _offer(origins, lengths, found, np.int64(origin_at[k]), length)
    for origin in range(len(origin_edge)):
        if origin_edge[origin] == edge and mask[origin]:
            length = leg + origin_leg[origin] + abs(origin_offset[origin] - offset)
            if length <= limit:
                found = _offer(origins, lengths, found, np.int64(origin), length)
    return found


@nb.njit(cache=True)
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
