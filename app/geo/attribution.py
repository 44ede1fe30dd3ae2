"""Because of which station people came to be covered, or ceased to be, between two states of the same streets.

Every metre of street that is within the walk after a change and was not before is credited to the station nearest to it
after; every metre that no longer is, to the station that was nearest to it before. A station that stayed as it was is
credited with nothing: whom it reaches now it reached before. So the figures do not depend on the order of the changes,
overlaps are counted once, and all of them add up to the difference of the two coverages.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba as nb
import numpy as np

from app.geo.allocation import nearest_source, part_served, sources_on
from app.geo.arrays import FloatArray
from app.geo.coverage import OnEdge, standing_on
from app.geo.frontage import Frontage
from app.geo.network import WalkNetwork
from app.geo.search import Field


@dataclass(frozen=True)
class Served:
    """One state: every node's nearest station, the stations by edge, and how many origins they are numbered among."""

    field: Field
    stations: OnEdge
    origin_count: int


def credited(
    network: WalkNetwork, frontage: Frontage, area_count: int, before: Served, after: Served, limit_mm: int
) -> tuple[FloatArray, FloatArray]:
    """People gained (areas × origins after) and lost (areas × origins before) within ``limit_mm``.

    Both are by area where people live and by the station that they are credited to. Gained less lost, over all
    stations, is the difference of the covered people of an area. The origins of the two states may be numbered apart.
    """
    gained = np.zeros((area_count, max(after.origin_count, 1)))
    lost = np.zeros((area_count, max(before.origin_count, 1)))
    was, now = before.stations, after.stations
    _credit(
        frontage.edge, frontage.a_mm, frontage.b_mm, frontage.leg_mm, frontage.people, frontage.area, network.edge_u,
        network.edge_v, network.edge_mm, before.field.packed, was.edge, was.offset_mm, was.leg_mm, was.number,
        after.field.packed, now.edge, now.offset_mm, now.leg_mm, now.number, np.int64(limit_mm), gained, lost,
    )  # fmt: skip
    return gained, lost


@nb.njit(nogil=True, cache=True)
def _credit(  # type: ignore[no-untyped-def]
    edge, a, b, leg, people, area, edge_u, edge_v, edge_mm, was_packed, was_edge, was_offset, was_leg, was_number,
    now_packed, now_edge, now_offset, now_leg, now_number, limit, gained, lost,
):  # fmt: skip
    most = 2 + max(len(was_edge), len(now_edge))
    was_centre, was_way, was_who = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    now_centre, now_way, now_who = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    was_parts, now_parts = np.empty((most, 2)), np.empty((most, 2))
    was_last, now_last, here, is_same = 0, 0, -1, True
    was_count, now_count = 0, 0
    for k in range(len(edge)):
        e = edge[k]
        if e != here:  # an edge's pieces follow one another
            here, u, v, total = e, edge_u[e], edge_v[e], np.int64(edge_mm[e])
            was_first, was_last = standing_on(was_edge, e, was_last)
            now_first, now_last = standing_on(now_edge, e, now_last)
            is_same = (
                was_first == was_last and now_first == now_last and was_packed[u] >> 32 == now_packed[u] >> 32
                and was_packed[v] >> 32 == now_packed[v] >> 32
            )  # fmt: skip
            if not is_same:
                was_count = sources_on(
                    u, v, total, was_packed, was_offset, was_leg, was_number, was_first, was_last, was_centre, was_way,
                    was_who,
                )  # fmt: skip
                now_count = sources_on(
                    u, v, total, now_packed, now_offset, now_leg, now_number, now_first, now_last, now_centre, now_way,
                    now_who,
                )  # fmt: skip
        if is_same:
            continue
        pa, pb = np.int64(a[k]), np.int64(b[k])
        if pa == pb:
            was = _serving(was_count, was_centre, was_way, was_who, pa, limit - leg[k])
            now = _serving(now_count, now_centre, now_way, now_who, pa, limit - leg[k])
            if was < 0 <= now:
                gained[area[k], now] += people[k]
            elif now < 0 <= was:
                lost[area[k], was] += people[k]
            continue
        for i in range(was_count):
            was_parts[i] = part_served(i, was_count, was_centre, was_way, was_who, limit, pa, pb)
        for i in range(now_count):
            now_parts[i] = part_served(i, now_count, now_centre, now_way, now_who, limit, pa, pb)
        each = people[k] / (pb - pa)
        for i in range(now_count):
            gained[area[k], now_who[i]] += each * _alone(now_parts[i], was_parts[:was_count])
        for i in range(was_count):
            lost[area[k], was_who[i]] += each * _alone(was_parts[i], now_parts[:now_count])


@nb.njit(nogil=True, cache=True)
def _serving(count, centre, way, who, at, limit):  # type: ignore[no-untyped-def]
    """The station nearest to a point of an edge, -1 where none is within ``limit``."""
    i = nearest_source(count, centre, way, who, at)
    return who[i] if i >= 0 and way[i] + abs(centre[i] - at) <= limit else -1


@nb.njit(nogil=True, cache=True)
def _alone(part, others):  # type: ignore[no-untyped-def]
    """The length in mm of one part that lies in none of others, which do not overlap one another."""
    length = max(0.0, part[1] - part[0])
    if length > 0.0:
        for k in range(len(others)):
            length -= max(0.0, min(part[1], others[k, 1]) - max(part[0], others[k, 0]))
    return max(0.0, length)
