"""People within a walk of each of many places: catchments, one at a time and whole.

Catchments overlap: each place is looked at alone, as if there were no other (for siting, and to rank candidates).
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numba as nb
import numpy as np

from app.geo.arrays import FloatArray, IntArray
from app.geo.coverage import piece_share, plain_share
from app.geo.frontage import Frontage
from app.geo.search import NOTHING, UNREACHED, Searcher, plant, spread
from app.geo.snapping import Places

CHUNKS_PER_THREAD = 4  # places differ in how much they reach: small shares keep all threads busy to the end


def people_in_catchments(
    searcher: Searcher,
    frontage: Frontage,
    edge_ptr: IntArray,
    people: FloatArray,
    places: Places,
    limit_mm: int,
    *,
    threads: int | None = None,
) -> FloatArray:
    """``people`` (by piece: all residents, or only the uncovered) within ``limit_mm`` of every place, along streets.

    ``edge_ptr`` are the pieces by edge (see ``PieceIndex``). A place without a street has nobody.
    """
    found = np.zeros(len(places))
    chosen = np.flatnonzero(places.edge >= 0)
    workers = threads or os.cpu_count() or 1
    chunks = [c for c in np.array_split(chosen, workers * CHUNKS_PER_THREAD) if len(c)]

    def one(chunk: IntArray) -> FloatArray:
        some = places.take(chunk)
        node, packed = searcher.seeds(some, np.zeros(len(some), dtype=np.int32))
        workspace = searcher.workspace()
        workspace.make_room(max(searcher.longest_mm, int(packed.max()) >> 32), 2)
        adjacency = searcher.adjacency
        sums: FloatArray = _sums(
            adjacency.indptr, searcher.links, adjacency.link_edge, searcher.edge_u, searcher.edge_v, searcher.edge_mm,
            edge_ptr, frontage.a_mm, frontage.b_mm, frontage.leg_mm, people, node, packed, some.edge, some.offset_mm,
            some.leg_mm, limit_mm, workspace.packed, workspace.touched, workspace.buckets, workspace.pool,
        )  # fmt: skip
        searcher.put_back(workspace)
        return sums

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for chunk, sums in zip(chunks, pool.map(one, chunks), strict=True):
            found[chunk] = sums
    return found


@nb.njit(nogil=True, cache=True)
def _sums(  # type: ignore[no-untyped-def]
    indptr, links, link_edge, edge_u, edge_v, edge_mm, edge_ptr, a, b, leg, people, seed_node, seed_packed, own_edge,
    own_offset, own_leg, limit, packed, touched, buckets, pool,
):  # fmt: skip
    """One search a place; ``seed_*`` have first the places' ways to u, then those to v."""
    count = len(own_edge)
    sums = np.zeros(count)
    ends, ways = np.empty(2, np.int32), np.empty(2, np.int64)
    for p in range(count):
        ends[0], ends[1] = seed_node[p], seed_node[count + p]
        ways[0], ways[1] = seed_packed[p], seed_packed[count + p]
        state = plant(ends, ways, limit, packed, touched, buckets, pool)
        while not spread(indptr, links, limit, packed, touched, buckets, pool, state):
            larger = np.empty(2 * len(pool), np.int64)
            larger[: len(pool)] = pool
            pool = larger
        total = 0.0
        e = own_edge[p]
        to_u, to_v = packed[edge_u[e]] >> 32, packed[edge_v[e]] >> 32
        for j in range(edge_ptr[e], edge_ptr[e + 1]):
            total += people[j] * piece_share(
                np.int64(a[j]), np.int64(b[j]), np.int64(leg[j]), np.int64(edge_mm[e]), to_u, to_v, limit,
                own_offset[p : p + 1], own_leg[p : p + 1], 0, 1,
            )  # fmt: skip
        for t in range(state[3]):
            v = touched[t]
            for k in range(indptr[v], indptr[v + 1]):
                e = link_edge[k]
                to_u = packed[edge_u[e]] >> 32
                # a street with both ends reached is taken at its first; nobody is found where nobody lives
                if e == own_edge[p] or edge_ptr[e] == edge_ptr[e + 1] or (v != edge_u[e] and to_u < UNREACHED):
                    continue
                to_v = packed[edge_v[e]] >> 32
                for j in range(edge_ptr[e], edge_ptr[e + 1]):
                    total += people[j] * plain_share(
                        np.int64(a[j]), np.int64(b[j]), np.int64(leg[j]), np.int64(edge_mm[e]), to_u, to_v, limit
                    )  # fmt: skip
        sums[p] = total
        for t in range(state[3]):
            packed[touched[t]] = NOTHING
    return sums
