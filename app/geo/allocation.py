"""Who is served by whom: the people within a walk, by the area they live in and the group of their nearest station.

Along an edge the nearest station changes where the ways from both ends, and from stations on the edge itself, are
equally long. Those points are computed, not sampled (an additively weighted Voronoi diagram on a line), so the people
of an area over all groups add up to its covered people.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from app.geo.arrays import FloatArray, Int32Array
from app.geo.coverage import OnEdge, standing_on
from app.geo.frontage import Frontage
from app.geo.network import WalkNetwork
from app.geo.search import UNREACHED, Field


def served_by(
    network: WalkNetwork,
    frontage: Frontage,
    area_count: int,
    field: Field,
    stations: OnEdge,
    group: Int32Array,
    group_count: int,
    limit_mm: int,
) -> FloatArray:
    """People within ``limit_mm`` (areas × groups): rows where they live, columns the group of their nearest station.

    ``group`` numbers every origin's group, 0 to ``group_count`` - 1. Of equally near stations the lower number serves.
    """
    people: FloatArray = _served(
        frontage.edge, frontage.a_mm, frontage.b_mm, frontage.leg_mm, frontage.people, frontage.area, area_count,
        network.edge_u, network.edge_v, network.edge_mm, field.packed, stations.edge, stations.offset_mm,
        stations.leg_mm, stations.number, group, group_count, limit_mm,
    )  # fmt: skip
    return people


@nb.njit(nogil=True, cache=True)
def _served(  # type: ignore[no-untyped-def]
    edge, a, b, leg, people, area, area_count, edge_u, edge_v, edge_mm, packed, station_edge, station_offset,
    station_leg, station_number, group, group_count, limit,
):  # fmt: skip
    served = np.zeros((area_count, group_count))
    centre, way, who = np.empty(8, np.int64), np.empty(8, np.int64), np.empty(8, np.int64)
    first = 0
    for k in range(len(edge)):
        e = edge[k]
        first, last = standing_on(station_edge, e, first)
        if last - first + 2 > len(centre):
            size = 2 * (last - first + 2)
            centre, way, who = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size, np.int64)
        n = sources_on(
            edge_u[e], edge_v[e], np.int64(edge_mm[e]), packed, station_offset, station_leg, station_number, first,
            last, centre, way, who,
        )  # fmt: skip
        if a[k] == b[k]:
            i = nearest_source(n, centre, way, who, np.int64(a[k]))
            if i >= 0 and way[i] + abs(centre[i] - a[k]) + leg[k] <= limit:
                served[area[k], group[who[i]]] += people[k]
            continue
        for i in range(n):
            start, stop = part_served(i, n, centre, way, who, np.int64(limit), np.int64(a[k]), np.int64(b[k]))
            if stop > start:
                served[area[k], group[who[i]]] += (stop - start) / (b[k] - a[k]) * people[k]
    return served


@nb.njit(nogil=True, cache=True)
def sources_on(  # type: ignore[no-untyped-def]
    u, v, total, packed, station_offset, station_leg, station_number, first, last, centre, way, who
):  # fmt: skip
    """Where people on an edge are served from: its ends, and the stations first…last on it; how many there are.

    Fills ``centre`` (mm along the edge), ``way`` (mm from there on) and ``who`` (the station).
    """
    n = 0
    for end in range(2):
        there = packed[u if end == 0 else v]
        if (there >> 32) < UNREACHED:
            centre[n], way[n], who[n] = (np.int64(0) if end == 0 else total), there >> 32, there & 0xFFFF_FFFF
            n += 1
    for s in range(first, last):
        centre[n], way[n], who[n] = station_offset[s], station_leg[s], station_number[s]
        n += 1
    return n


@nb.njit(nogil=True, cache=True)
def nearest_source(n, centre, way, who, at):  # type: ignore[no-untyped-def]
    """The source nearest to a point of the edge, of equals the one of the lower station; -1 for none."""
    best = -1
    for i in range(n):
        mm = way[i] + abs(centre[i] - at)
        if best < 0 or (mm, who[i]) < (way[best] + abs(centre[best] - at), who[best]):
            best = i
    return best


@nb.njit(nogil=True, cache=True)
def part_served(i, n, centre, way, who, limit, a, b):  # type: ignore[no-untyped-def]
    """From, to in mm: the part of [a, b] that source i is nearest to and reaches within ``limit``; else to < from."""
    start = max(np.float64(a), np.float64(centre[i] - (limit - way[i])))
    stop = min(np.float64(b), np.float64(centre[i] + (limit - way[i])))
    for j in range(n):
        if j == i:
            continue
        gap = abs(centre[j] - centre[i])
        if way[j] + gap < way[i] or (way[j] + gap == way[i] and (who[j], j) < (who[i], i)):
            return 1.0, 0.0  # j is nearer everywhere
        if way[i] + gap < way[j] or (way[i] + gap == way[j] and (who[i], i) < (who[j], j)):
            continue
        if centre[j] > centre[i]:
            stop = min(stop, (way[j] - way[i] + centre[j] + centre[i]) / 2.0)
        else:
            start = max(start, (way[i] - way[j] + centre[j] + centre[i]) / 2.0)
    return start, stop
