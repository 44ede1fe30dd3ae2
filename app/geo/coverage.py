"""Reach × frontage: who is covered, in closed form along every edge.

From the ends of an edge of length L at d_u and d_v, the part within T is [0, T − d_u] and [L − (T − d_v), L]; a station
on the edge itself adds an interval around it. The share of a piece of frontage is the length of the union inside the
piece. Nothing is sampled, so a figure does not depend on the size of the reporting hexagons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba as nb
import numpy as np

from app.geo.arrays import BoolArray, FloatArray, Int32Array, IntArray
from app.geo.frontage import Frontage
from app.geo.search import UNREACHED
from app.geo.snapping import Places

METHOD_VERSION = "1"  # raise when the same inputs would give other figures


@dataclass(frozen=True)
class OnEdge:
    """Stations by the edge they stand on: ``edge`` ascending, with offset along it and way to it in mm.

    ``number`` is each station's number as an origin.
    """

    edge: Int32Array
    offset_mm: Int32Array
    leg_mm: Int32Array
    number: Int32Array

    @classmethod
    def of(cls, places: Places, mask: BoolArray) -> OnEdge:
        chosen = np.flatnonzero(mask & (places.edge >= 0))
        order = chosen[np.lexsort((places.offset_mm[chosen], places.edge[chosen]))]
        return cls(places.edge[order], places.offset_mm[order], places.leg_mm[order], order.astype(np.int32))


def shares(
    frontage: Frontage, edge_u: Int32Array, edge_v: Int32Array, edge_mm: Int32Array, length_mm: Int32Array,
    stations: OnEdge, limit_mm: int,
) -> FloatArray:  # fmt: skip
    """Share of every piece within ``limit_mm`` of a station, 0 to 1; ``length_mm`` is the field by node."""
    share: FloatArray = _shares(
        frontage.edge, frontage.a_mm, frontage.b_mm, frontage.leg_mm, edge_u, edge_v, edge_mm, length_mm,
        stations.edge, stations.offset_mm, stations.leg_mm, limit_mm,
    )  # fmt: skip
    return share


def covered_by_cell(
    frontage: Frontage, edge_u: Int32Array, edge_v: Int32Array, edge_mm: Int32Array, length_mm: Int32Array,
    stations: OnEdge, limit_mm: int,
) -> FloatArray:  # fmt: skip
    """People of every cell within ``limit_mm`` of a station; ``length_mm`` is the field by node."""
    share = shares(frontage, edge_u, edge_v, edge_mm, length_mm, stations, limit_mm)
    covered = np.bincount(frontage.cell, weights=share * frontage.people, minlength=len(frontage.cells))
    return covered.astype(np.float64)


def curve_by_area(
    frontage: Frontage, area_count: int, edge_u: Int32Array, edge_v: Int32Array, edge_mm: Int32Array,
    length_mm: Int32Array, stations: OnEdge, limits_mm: IntArray,
) -> FloatArray:  # fmt: skip
    """People of every leaf area within each of the ascending limits: (areas × limits), one pass over the frontage."""
    gained = _gains(
        frontage.edge, frontage.a_mm, frontage.b_mm, frontage.leg_mm, frontage.people, frontage.area, area_count,
        edge_u, edge_v, edge_mm, length_mm, stations.edge, stations.offset_mm, stations.leg_mm, limits_mm,
    )  # fmt: skip
    return np.cumsum(gained, axis=1)


def nearest_by_cell(
    frontage: Frontage, edge_u: Int32Array, edge_v: Int32Array, edge_mm: Int32Array, length_mm: Int32Array,
    origin: Int32Array, stations: OnEdge,
) -> tuple[Int32Array, IntArray]:  # fmt: skip
    """The station nearest to any frontage of every cell (its number, -1 for none), and the walk to it in mm.

    Of equally near stations the lower number is taken.
    """
    station, mm = _nearest_by_cell(
        frontage.edge, frontage.a_mm, frontage.b_mm, frontage.leg_mm, frontage.cell, len(frontage.cells), edge_u,
        edge_v, edge_mm, length_mm, origin, stations.edge, stations.offset_mm, stations.leg_mm, stations.number,
    )  # fmt: skip
    return station, mm


def median_of_curve(covered: FloatArray, limits: FloatArray, population: FloatArray) -> FloatArray:
    """By area, the limit within which half of ``population`` is reached, linear between limits; NaN where it is not.

    ``covered`` (areas × limits) is cumulative; nobody is reached at limit 0 or below.
    """
    half = population / 2
    found = np.full(len(covered), np.nan)
    for k, row in enumerate(covered):
        if population[k] <= 0 or row[-1] < half[k]:
            continue
        at = int(np.searchsorted(row, half[k]))
        below, start = (row[at - 1], limits[at - 1]) if at else (0.0, 0.0)
        share = (half[k] - below) / (row[at] - below) if row[at] > below else 1.0
        found[k] = start + share * (limits[at] - start)
    return found


@nb.njit(nogil=True, cache=True)
def standing_on(station_edge, e, first):  # type: ignore[no-untyped-def]
    """The stations that stand on edge ``e``: from, to; ``first`` is where an earlier edge's ended."""
    while first < len(station_edge) and station_edge[first] < e:
        first += 1
    last = first
    while last < len(station_edge) and station_edge[last] == e:
        last += 1
    return first, last


@nb.njit(nogil=True, cache=True)
def _reached(a, b, total, to_u, to_v, limit, offset, leg, first, last):  # type: ignore[no-untyped-def]
    """Length in mm of the part of [a, b] of an edge that is within ``limit``; stations first…last stand on it."""
    x = limit - to_u  # [0, x]
    y = total - (limit - to_v)  # [y, total]
    if x >= y:
        return np.float64(b - a)
    low = np.empty(last - first + 2, np.int64)
    high = np.empty(last - first + 2, np.int64)
    n = 0
    if x >= 0:
        low[n], high[n] = 0, x
        n += 1
    for s in range(first, last):
        r = limit - leg[s]
        if r >= 0:
            low[n], high[n] = offset[s] - r, offset[s] + r
            n += 1
    if y <= total:
        low[n], high[n] = y, total
        n += 1
    # few intervals: sorted by insertion, then swept
    for i in range(1, n):
        j = i
        while j > 0 and low[j] < low[j - 1]:
            low[j], low[j - 1] = low[j - 1], low[j]
            high[j], high[j - 1] = high[j - 1], high[j]
            j -= 1
    part = np.int64(0)
    done = np.int64(a)
    for i in range(n):
        start = max(low[i], done)
        stop = min(high[i], b)
        if stop > start:
            part += stop - start
            done = stop
    return np.float64(part)


@nb.njit(nogil=True, cache=True)
def _nearest_point(a, b, leg, total, to_u, to_v, offset, station_leg, first, last):  # type: ignore[no-untyped-def]
    """Shortest way to any point of [a, b], the people's own leg included; UNREACHED where there is none."""
    best = np.int64(UNREACHED)
    if to_u < UNREACHED:
        best = min(best, to_u + a)
    if to_v < UNREACHED:
        best = min(best, to_v + total - b)
    for s in range(first, last):
        gap = max(np.int64(0), a - offset[s], offset[s] - b)
        best = min(best, np.int64(station_leg[s]) + gap)
    return best + leg if best < UNREACHED else best


@nb.njit(nogil=True, cache=True)
def plain_share(a, b, leg, total, to_u, to_v, limit):  # type: ignore[no-untyped-def]
    """Share within ``limit`` of one piece of an edge on which no station stands, 0 to 1.

    A linked cell (a == b) is in or out. Numbers only: a function that takes arrays as well costs more than it does.
    """
    if a == b:
        return 1.0 if min(to_u + a, to_v + total - a) + leg <= limit else 0.0
    x = limit - to_u  # [0, x] is reached from u
    y = total - (limit - to_v)  # [y, total] from v
    if x >= y:
        return 1.0
    part = np.int64(0)
    if x > a:
        part += min(x, b) - a
    if y < b:
        part += b - max(y, a)
    return part / (b - a)


@nb.njit(nogil=True, cache=True)
def piece_share(a, b, leg, total, to_u, to_v, limit, offset, station_leg, first, last):  # type: ignore[no-untyped-def]
    """Share of one piece within ``limit``, 0 to 1; stations first…last stand on its edge."""
    if first == last:
        return plain_share(a, b, leg, total, to_u, to_v, limit)
    if a == b:
        nearest = _nearest_point(a, b, leg, total, to_u, to_v, offset, station_leg, first, last)
        return 1.0 if nearest <= limit else 0.0
    return _reached(a, b, total, to_u, to_v, limit, offset, station_leg, first, last) / (b - a)


@nb.njit(nogil=True, cache=True)
def _shares(  # type: ignore[no-untyped-def]
    edge, a, b, leg, edge_u, edge_v, edge_mm, length, station_edge, station_offset, station_leg, limit
):  # fmt: skip
    """Share of every piece within ``limit``. Pieces and stations are sorted by edge."""
    share = np.zeros(len(edge))
    first, last = 0, 0
    here = -1
    total, to_u, to_v = np.int64(0), np.int64(0), np.int64(0)
    for k in range(len(edge)):
        e = edge[k]
        if e != here:  # an edge's pieces follow one another
            here = e
            first, last = standing_on(station_edge, e, last)
            total, to_u, to_v = np.int64(edge_mm[e]), np.int64(length[edge_u[e]]), np.int64(length[edge_v[e]])
        pa, pb = np.int64(a[k]), np.int64(b[k])
        if first == last:
            if to_u <= limit or to_v <= limit:
                share[k] = plain_share(pa, pb, np.int64(leg[k]), total, to_u, to_v, limit)
        else:
            share[k] = piece_share(
                pa, pb, np.int64(leg[k]), total, to_u, to_v, limit, station_offset, station_leg, first, last
            )  # fmt: skip
    return share


@nb.njit(nogil=True, cache=True)
def _gains(  # type: ignore[no-untyped-def]
    edge, a, b, leg, people, area, area_count, edge_u, edge_v, edge_mm, length, station_edge, station_offset,
    station_leg, limits,
):  # fmt: skip
    """People gained by each area from limit to limit (areas × limits)."""
    gained = np.zeros((area_count, len(limits)))
    first, last = 0, 0
    here = -1
    total, to_u, to_v = np.int64(0), np.int64(0), np.int64(0)
    for k in range(len(edge)):
        e = edge[k]
        if e != here:
            here = e
            first, last = standing_on(station_edge, e, last)
            total, to_u, to_v = np.int64(edge_mm[e]), np.int64(length[edge_u[e]]), np.int64(length[edge_v[e]])
        pa, pb, own = np.int64(a[k]), np.int64(b[k]), np.int64(leg[k])
        if first == last:
            nearest = min(to_u + pa, to_v + total - pb) + own
        else:
            nearest = _nearest_point(pa, pb, own, total, to_u, to_v, station_offset, station_leg, first, last)
        at = np.searchsorted(limits, nearest)
        before = 0.0
        while at < len(limits) and before < 1.0:
            if first == last:
                now = plain_share(pa, pb, own, total, to_u, to_v, limits[at])
            else:
                now = piece_share(
                    pa, pb, own, total, to_u, to_v, limits[at], station_offset, station_leg, first, last
                )  # fmt: skip
            gained[area[k], at] += (now - before) * people[k]
            before = now
            at += 1
    return gained


@nb.njit(nogil=True, cache=True)
def _nearest_by_cell(  # type: ignore[no-untyped-def]
    edge, a, b, leg, cell, cell_count, edge_u, edge_v, edge_mm, length, origin, station_edge, station_offset,
    station_leg, station_number,
):  # fmt: skip
    """Station and length of the shortest way from any piece of each cell."""
    nearest = np.full(cell_count, -1, np.int32)
    shortest = np.full(cell_count, UNREACHED, np.int64)
    first = 0
    for k in range(len(edge)):
        e = edge[k]
        first, last = standing_on(station_edge, e, first)
        best = np.int64(UNREACHED)
        who = np.int32(-1)
        pa, pb = np.int64(a[k]), np.int64(b[k])
        for end in range(2):
            node = edge_u[e] if end == 0 else edge_v[e]
            if length[node] == UNREACHED:
                continue
            way = np.int64(length[node]) + (pa if end == 0 else np.int64(edge_mm[e]) - pb)
            if way < best or (way == best and origin[node] < who):
                best, who = way, origin[node]
        for s in range(first, last):
            gap = max(np.int64(0), pa - station_offset[s], station_offset[s] - pb)
            way = np.int64(station_leg[s]) + gap
            if way < best or (way == best and station_number[s] < who):
                best, who = way, station_number[s]
        if who < 0:
            continue
        best += leg[k]
        c = cell[k]
        if best < shortest[c] or (best == shortest[c] and who < nearest[c]):
            shortest[c], nearest[c] = best, who
    return nearest, shortest
