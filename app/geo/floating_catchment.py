"""Capacity against people: the enhanced two-step floating catchment (Luo & Qi, Health & Place 15, 2009).

First every station's seats are divided among all whom it can serve, those near counting more than those at the edge of
the walk; then every resident has the sum of these shares over the stations within the walk. Seats are conserved: over
all residents the shares add up to the seats of the stations that anybody reaches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba as nb
import numpy as np

from app.geo.arrays import BoolArray, FloatArray, IntArray
from app.geo.coverage import OnEdge, standing_on
from app.geo.frontage import Frontage
from app.geo.network import WalkNetwork
from app.geo.reach import ReachTable

ZONE_WEIGHTS = (1.0, 0.68, 0.22)  # Luo & Qi's, by thirds of the walk


@dataclass(frozen=True)
class FloatingCatchment:
    """``demand`` is the weighted people of every origin, ``seats_by_area`` the seats that fall to the people of every
    area (floats, which add up to the seats of all origins with any demand).
    """

    demand: FloatArray
    seats_by_area: FloatArray


def floating_catchment(
    network: WalkNetwork,
    frontage: Frontage,
    area_count: int,
    table: ReachTable,
    stations: OnEdge,
    mask: BoolArray,
    seats: FloatArray,
    zones_mm: IntArray,
) -> FloatingCatchment:
    """``seats`` by origin of ``table``, ``mask`` which of them count, ``stations`` those by the edge they stand on.

    ``zones_mm`` are three ascending lengths, with ZONE_WEIGHTS; the last is the walk. The people of a piece of frontage
    are taken at its middle. Raises ValueError for a walk beyond the table's.
    """
    if int(zones_mm[-1]) > table.limit_mm:
        raise ValueError(f"the table knows no way beyond {table.limit_mm} mm")
    demand, seats_by_area = np.zeros(table.origin_count), np.zeros(area_count)
    weights = np.array(ZONE_WEIGHTS)
    common = (
        frontage.edge, frontage.a_mm, frontage.b_mm, frontage.leg_mm, frontage.people, network.edge_u, network.edge_v,
        network.edge_mm, table.node_ptr, table.origin_at, table.mm_at, stations.edge, stations.offset_mm,
        stations.leg_mm, stations.number, mask, zones_mm, weights,
    )  # fmt: skip
    nobody, nowhere = np.zeros(0), np.zeros(0, np.int32)
    _pass(*common, True, demand, nobody, nowhere, seats_by_area)
    share = np.divide(seats, demand, out=np.zeros_like(demand), where=demand > 0)
    _pass(*common, False, demand, share, frontage.area, seats_by_area)
    return FloatingCatchment(demand, seats_by_area)


@nb.njit(nogil=True, cache=True)
def _pass(  # type: ignore[no-untyped-def]
    edge, a, b, leg, people, edge_u, edge_v, edge_mm, node_ptr, origin_at, mm_at, station_edge, station_offset,
    station_leg, station_number, mask, zones, weights, is_first, demand, share, area, seats_by_area,
):  # fmt: skip
    """The first step adds up ``demand``, the second ``seats_by_area`` from every origin's ``share``."""
    limit = zones[len(zones) - 1]
    best, near = np.full(len(mask), limit + 1, np.int64), np.empty(len(mask), np.int64)
    first, last, here = 0, 0, -1
    for k in range(len(edge)):
        e = edge[k]
        if e != here:
            here = e
            first, last = standing_on(station_edge, e, last)
        if people[k] <= 0.0:
            continue
        middle, count = (np.int64(a[k]) + np.int64(b[k])) // 2, 0
        for end in range(2):
            node = edge_u[e] if end == 0 else edge_v[e]
            rest = leg[k] + (middle if end == 0 else edge_mm[e] - middle)
            for at in range(node_ptr[node], node_ptr[node + 1]):
                way = mm_at[at] + rest
                if way > limit:
                    break
                if mask[origin_at[at]]:
                    count = _nearer(best, near, count, origin_at[at], way, limit)
        for s in range(first, last):
            way = np.int64(leg[k]) + station_leg[s] + abs(station_offset[s] - middle)
            if way <= limit:
                count = _nearer(best, near, count, station_number[s], way, limit)
        for n in range(count):
            origin = near[n]
            zone = 0
            while best[origin] > zones[zone]:
                zone += 1
            if is_first:
                demand[origin] += weights[zone] * people[k]
            else:
                seats_by_area[area[k]] += weights[zone] * share[origin] * people[k]
            best[origin] = limit + 1


@nb.njit(nogil=True, cache=True)
def _nearer(best, near, count, origin, way, limit):  # type: ignore[no-untyped-def]
    """Note a way to an origin; how many origins are noted then."""
    if best[origin] > limit:
        near[count] = origin
        count += 1
    best[origin] = min(best[origin], way)
    return count
