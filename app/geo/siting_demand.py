"""Siting: the frontage that no open station covers, and which of it each candidate place would reach."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba as nb
import numpy as np

from app.geo.arrays import FloatArray, Int32Array, IntArray
from app.geo.coverage import OnEdge, standing_on
from app.geo.frontage import Frontage
from app.geo.network import WalkNetwork
from app.geo.search import NOTHING, UNREACHED, Field, Searcher, plant, spread
from app.geo.snapping import Places

CHUNKS_PER_THREAD = 4  # candidates differ in how much they reach


@dataclass(frozen=True)
class Demand:
    """Stretches of frontage that no open station covers, by edge: ``edge_ptr[e]:edge_ptr[e + 1]``.

    From ``low_mm`` to ``high_mm`` along the edge; a linked cell has both the same and ``leg_mm`` to walk. ``people``
    are spread evenly; ``weight`` is what they count; ``group`` is the group of areas they live in.
    """

    edge_ptr: IntArray
    low_mm: IntArray
    high_mm: IntArray
    leg_mm: IntArray
    people: FloatArray
    weight: FloatArray
    group: Int32Array


@dataclass(frozen=True)
class Reached:
    """What each candidate reaches of the demand.

    Candidate j reaches stretches ``whole[whole_ptr[j]:whole_ptr[j + 1]]`` from end to end, and of stretch ``part[k]``
    (k in ``part_ptr[j]:part_ptr[j + 1]``) what lies from ``start_mm[k]`` to ``stop_mm[k]`` along the edge.
    """

    whole_ptr: IntArray
    whole: Int32Array
    part_ptr: IntArray
    part: Int32Array
    start_mm: IntArray
    stop_mm: IntArray


def uncovered_demand(
    network: WalkNetwork, frontage: Frontage, field: Field, stations: OnEdge, limit_mm: int,
    group_of_area: Int32Array, weight_of_area: FloatArray,
) -> Demand:  # fmt: skip
    """What the stations of ``field`` (of at least ``limit_mm``) and ``stations`` leave uncovered.

    ``group_of_area`` and ``weight_of_area`` are by leaf area. What counts for nothing (weight 0) stays, as people.
    """
    piece, low, high, share = _uncovered(
        frontage.edge, frontage.a_mm, frontage.b_mm, frontage.leg_mm, frontage.people, network.edge_u, network.edge_v,
        network.edge_mm, field.length_mm, stations.edge, stations.offset_mm, stations.leg_mm, limit_mm,
    )  # fmt: skip
    people, area = share * frontage.people[piece], frontage.area[piece]
    edge_ptr = np.zeros(network.edge_count + 1, dtype=np.int64)
    np.cumsum(np.bincount(frontage.edge[piece], minlength=network.edge_count), out=edge_ptr[1:])
    return Demand(
        edge_ptr, low, high, frontage.leg_mm[piece].astype(np.int64), people, people * weight_of_area[area],
        group_of_area[area].astype(np.int32),
    )  # fmt: skip


def reached_by(
    searcher: Searcher, demand: Demand, places: Places, limit_mm: int, *, threads: int | None = None
) -> Reached:
    """One search for each of the places; one without a street reaches nothing."""
    workers = threads or os.cpu_count() or 1
    chunks = np.array_split(np.arange(len(places)), workers * CHUNKS_PER_THREAD)

    def one(chunk: IntArray) -> tuple[IntArray, Int32Array, IntArray, Int32Array, IntArray, IntArray]:
        some = places.take(chunk)
        node, packed = searcher.seeds(some, np.zeros(len(some), dtype=np.int32))
        workspace = searcher.workspace()
        workspace.make_room(max(searcher.longest_mm, int(packed.max(initial=0)) >> 32), 2)
        adjacency = searcher.adjacency
        found: tuple[IntArray, Int32Array, IntArray, Int32Array, IntArray, IntArray] = _reach(
            adjacency.indptr, searcher.links, adjacency.link_edge, searcher.edge_u, searcher.edge_v, searcher.edge_mm,
            demand.edge_ptr, demand.low_mm, demand.high_mm, demand.leg_mm, node, packed, some.edge, some.offset_mm,
            some.leg_mm, limit_mm, workspace.packed, workspace.touched, workspace.buckets, workspace.pool,
        )  # fmt: skip
        searcher.put_back(workspace)
        return found

    with ThreadPoolExecutor(max_workers=workers) as pool:
        parts = list(pool.map(one, chunks))

    def pointers(which: int) -> IntArray:
        lengths = np.concatenate([np.diff(part[which]) for part in parts])
        return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)

    full, part_of, start, stop = (np.concatenate([part[k] for part in parts]) for k in (1, 3, 4, 5))
    return Reached(pointers(0), full, pointers(2), part_of, start, stop)


@nb.njit(nogil=True, cache=True)
def _uncovered(  # type: ignore[no-untyped-def]
    edge, a, b, leg, people, edge_u, edge_v, edge_mm, length, station_edge, station_offset, station_leg, limit
):  # fmt: skip
    """Stretches of pieces beyond ``limit``: piece, from, to and the share of the piece."""
    size = 0
    first, last = 0, 0
    for k in range(len(edge)):
        first, last = standing_on(station_edge, edge[k], first)
        size += last - first + 1
    piece, low, high = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size, np.int64)
    share = np.empty(size)
    count = 0
    first = 0
    for k in range(len(edge)):
        e = edge[k]
        first, last = standing_on(station_edge, e, first)
        if people[k] <= 0.0:
            continue
        total = np.int64(edge_mm[e])
        to_u, to_v = np.int64(length[edge_u[e]]), np.int64(length[edge_v[e]])
        pa, pb = np.int64(a[k]), np.int64(b[k])
        if pa == pb:
            nearest = min(to_u + pa, to_v + total - pa)
            for s in range(first, last):
                nearest = min(nearest, np.int64(station_leg[s]) + abs(np.int64(station_offset[s]) - pa))
            if nearest + leg[k] > limit:
                piece[count], low[count], high[count], share[count] = k, pa, pb, 1.0
                count += 1
            continue
        here = max(pa, limit - to_u)  # [0, limit - to_u] is reached from u
        end = min(pb, total - (limit - to_v))
        while here < end:
            until, covered = end, True  # the parts around stations may overlap in any order
            while covered:
                covered = False
                for s in range(first, last):
                    r = limit - np.int64(station_leg[s])
                    if r >= 0 and station_offset[s] - r <= here < station_offset[s] + r:
                        here = station_offset[s] + r
                        covered = True
            if here >= end:
                break
            for s in range(first, last):
                r = limit - np.int64(station_leg[s])
                if r >= 0 and here < station_offset[s] - r < until:
                    until = station_offset[s] - r
            piece[count], low[count], high[count], share[count] = k, here, until, (until - here) / (pb - pa)
            count += 1
            here = until
    return piece[:count], low[:count], high[:count], share[:count]


@nb.njit(nogil=True, cache=True)
def grown(array):  # type: ignore[no-untyped-def]
    larger = np.empty(2 * len(array), array.dtype)
    larger[: len(array)] = array
    return larger


@nb.njit(nogil=True, cache=True)
def room_for(array, size):  # type: ignore[no-untyped-def]
    """The array, doubled until it has room."""
    while size > len(array):
        array = grown(array)
    return array


@nb.njit(nogil=True, cache=True)
def _reach(  # type: ignore[no-untyped-def]
    indptr, links, link_edge, edge_u, edge_v, edge_mm, edge_ptr, low, high, leg, seed_node, seed_packed, own_edge,
    own_offset, own_leg, limit, packed, touched, buckets, pool,
):  # fmt: skip
    """One search a candidate; ``seed_*`` have first the ways to u of those with a street, then those to v."""
    count = len(own_edge)
    seeded = len(seed_node) // 2
    full_ptr, part_ptr = np.zeros(count + 1, np.int64), np.zeros(count + 1, np.int64)
    full = np.empty(1024, np.int32)
    part, start, stop = np.empty(1024, np.int32), np.empty(1024, np.int64), np.empty(1024, np.int64)
    fulls, parts, seed = 0, 0, 0
    for p in range(count):
        own = own_edge[p]
        if own >= 0:
            both = slice(seed, seed + seeded + 1, seeded)
            seed += 1
            state = plant(seed_node[both], seed_packed[both], limit, packed, touched, buckets, pool)
            while not spread(indptr, links, limit, packed, touched, buckets, pool, state):
                pool = grown(pool)
            most = edge_ptr[own + 1] - edge_ptr[own]
            full, part = room_for(full, fulls + most), room_for(part, parts + 3 * most)
            start, stop = room_for(start, len(part)), room_for(stop, len(part))
            fulls, parts = _own_street(
                np.int64(edge_mm[own]), packed[edge_u[own]] >> 32, packed[edge_v[own]] >> 32, limit,
                np.int64(own_offset[p]), np.int64(own_leg[p]), edge_ptr[own], edge_ptr[own + 1], low, high, leg, full,
                fulls, part, start, stop, parts,
            )  # fmt: skip
            for t in range(state[3]):
                v = touched[t]
                for k in range(indptr[v], indptr[v + 1]):
                    e = link_edge[k]
                    first, last, to_u = edge_ptr[e], edge_ptr[e + 1], packed[edge_u[e]] >> 32
                    if first == last or e == own or (v != edge_u[e] and to_u < UNREACHED):  # taken at its first end
                        continue
                    to_v, total = packed[edge_v[e]] >> 32, np.int64(edge_mm[e])
                    x, y = limit - to_u, total - (limit - to_v)  # [0, x] and [y, total] are reached
                    if fulls + last - first > len(full) or parts + 2 * (last - first) > len(part):
                        full, part = room_for(full, fulls + last - first), room_for(part, parts + 2 * (last - first))
                        start, stop = room_for(start, len(part)), room_for(stop, len(part))
                    for s in range(first, last):
                        if low[s] == high[s]:
                            if min(to_u + low[s], to_v + total - low[s]) + leg[s] <= limit:
                                full[fulls] = s
                                fulls += 1
                        elif x >= y or x >= high[s] or y <= low[s]:
                            full[fulls] = s
                            fulls += 1
                        else:
                            if x > low[s]:
                                part[parts], start[parts], stop[parts] = s, low[s], x
                                parts += 1
                            if y < high[s]:
                                part[parts], start[parts], stop[parts] = s, y, high[s]
                                parts += 1
            for t in range(state[3]):
                packed[touched[t]] = NOTHING
        full_ptr[p + 1], part_ptr[p + 1] = fulls, parts
    return full_ptr, full[:fulls], part_ptr, part[:parts], start[:parts], stop[:parts]


@nb.njit(nogil=True, cache=True)
def _own_street(  # type: ignore[no-untyped-def]
    total, to_u, to_v, limit, offset, own_leg, first, last, low, high, leg, full, fulls, part, start, stop, parts
):  # fmt: skip
    """Of stretches first…last of the street that a candidate stands on, those reached, written on; the new counts."""
    below, above = np.empty(3, np.int64), np.empty(3, np.int64)
    n = _intervals(total, to_u, to_v, limit, offset, own_leg, below, above)
    for s in range(first, last):
        if low[s] == high[s]:
            way = min(to_u + low[s], to_v + total - low[s], own_leg + abs(offset - low[s]))
            if way + leg[s] <= limit:
                full[fulls] = s
                fulls += 1
            continue
        for i in range(n):
            x, y = max(low[s], below[i]), min(high[s], above[i])
            if x == low[s] and y == high[s]:
                full[fulls] = s
                fulls += 1
            elif x < y:
                part[parts], start[parts], stop[parts] = s, x, y
                parts += 1
    return fulls, parts


@nb.njit(nogil=True, cache=True)
def _intervals(total, to_u, to_v, limit, offset, leg, below, above):  # type: ignore[no-untyped-def]
    """The parts of an edge within ``limit`` as disjoint intervals, ascending: how many; ``leg`` from a place on it."""
    n = 0
    x, y = limit - to_u, total - (limit - to_v)
    if x >= y:
        below[0], above[0] = 0, total
        return 1
    if x >= 0:
        below[n], above[n] = 0, x
        n += 1
    r = limit - leg
    if r >= 0:
        near, far = max(np.int64(0), offset - r), min(total, offset + r)
        if n == 1 and near <= above[0]:
            above[0] = max(above[0], far)
        else:
            below[n], above[n] = near, far
            n += 1
    if y <= total:
        if n > 0 and y <= above[n - 1]:
            above[n - 1] = total
        else:
            below[n], above[n] = y, total
            n += 1
    return n
