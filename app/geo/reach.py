"""The reach table that every answer is read from, and what is read from it without another search.

Lengths are int32 millimetres, as in ``app.geo.search``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba as nb
import numpy as np

from app.geo.arrays import BoolArray, Int32Array, IntArray
from app.geo.search import NOTHING, Field, Searcher
from app.geo.snapping import Places

BLOCK_NODES = 1 << 13


@dataclass(frozen=True)
class ReachTable:
    """For every origin the nodes within ``limit_mm`` (ascending) and the lengths; and the same by node.

    ``node[ptr[k]:ptr[k + 1]]``, ``mm[…]`` belong to origin k. ``origin_at[node_ptr[n]:node_ptr[n + 1]]``, ``mm_at[…]``
    are the origins that reach node n, nearest first, of equals the lower number first. ``limit_mm`` counts from the
    origin's own position, its way to the street included.
    """

    limit_mm: int
    ptr: IntArray
    node: Int32Array
    mm: Int32Array
    node_ptr: IntArray
    origin_at: Int32Array
    mm_at: Int32Array

    @property
    def origin_count(self) -> int:
        return len(self.ptr) - 1

    def row(self, k: int) -> tuple[Int32Array, Int32Array]:
        """The nodes that origin k reaches and the lengths."""
        part = slice(self.ptr[k], self.ptr[k + 1])
        return self.node[part], self.mm[part]


def reach_table(searcher: Searcher, places: Places, limit_mm: int, *, threads: int | None = None) -> ReachTable:
    """The reach table of all places; places without a street reach nothing."""
    count = len(places)
    rows: list[tuple[Int32Array, Int32Array]]
    with ThreadPoolExecutor(max_workers=threads or os.cpu_count() or 1) as pool:
        rows = list(pool.map(lambda k: searcher.reach_of(places.take(np.array([k])), limit_mm), range(count)))
    return table_of_rows(rows, limit_mm, searcher.node_count)


def table_of_rows(rows: Sequence[tuple[Int32Array, Int32Array]], limit_mm: int, node_count: int) -> ReachTable:
    """The table, and its transpose, of rows that are known."""
    ptr, node, mm = join_rows(rows)
    node_ptr, origin_at, mm_at = transpose(ptr, node, mm, node_count)
    return ReachTable(limit_mm, ptr, node, mm, node_ptr, origin_at, mm_at)


def join_rows(rows: Sequence[tuple[Int32Array, Int32Array]]) -> tuple[IntArray, Int32Array, Int32Array]:
    """Rows one after the other: pointers (int64), nodes and lengths (int32)."""
    ptr = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum([len(nodes) for nodes, _ in rows], out=ptr[1:])
    empty = [np.zeros(0, dtype=np.int32)]
    return (
        ptr,
        np.concatenate([nodes for nodes, _ in rows] or empty),
        np.concatenate([lengths for _, lengths in rows] or empty),
    )


def masked_field(table: ReachTable, mask: BoolArray, node_count: int, limit_mm: int) -> Field:
    """Every node's nearest origin among those of the mask, within ``limit_mm``: no search, a minimum over rows."""
    return Field(_masked_minimum(table.ptr, table.node, table.mm, mask, node_count, min(limit_mm, table.limit_mm)))


def on_edge_mm(places: Places, k: int, offset_mm: int) -> int:
    """The way from place k to a point of its own edge, along that edge alone."""
    return int(places.leg_mm[k]) + abs(int(places.offset_mm[k]) - offset_mm)


@nb.njit(nogil=True, cache=True)
def transpose(ptr, node, mm, node_count):  # type: ignore[no-untyped-def]
    """The same by node: pointers, origins and lengths, nearest first, of equals the lower number first.

    Rows ascend by node, so all are gone through together, a block of nodes at a time: what is written meanwhile stays
    in the cache, however large the network.
    """
    start = np.zeros(node_count + 1, np.int64)
    fill = np.empty(BLOCK_NODES, np.int64)
    origin = np.empty(len(node), np.int32)
    length = np.empty(len(node), np.int32)
    begun = ptr[:-1].copy()
    for first in range(0, node_count, BLOCK_NODES):
        last = min(first + BLOCK_NODES, node_count)
        ended = begun.copy()
        for o in range(len(begun)):
            k = begun[o]
            while k < ptr[o + 1] and node[k] < last:
                start[node[k] + 1] += 1
                k += 1
            ended[o] = k
        for n in range(first, last):
            start[n + 1] += start[n]
            fill[n - first] = start[n]
        for o in range(len(begun)):
            for k in range(begun[o], ended[o]):
                n = node[k]
                # insertion keeps a node's list sorted; origins come in ascending order, so equals stay in order
                at = fill[n - first]
                while at > start[n] and length[at - 1] > mm[k]:
                    length[at] = length[at - 1]
                    origin[at] = origin[at - 1]
                    at -= 1
                length[at] = mm[k]
                origin[at] = o
                fill[n - first] += 1
        begun = ended
    return start, origin, length


@nb.njit(nogil=True, cache=True)
def _masked_minimum(ptr, node, mm, mask, node_count, limit):  # type: ignore[no-untyped-def]
    packed = np.full(node_count, NOTHING, np.int64)
    for o in range(len(ptr) - 1):
        if not mask[o]:
            continue
        for k in range(ptr[o], ptr[o + 1]):
            if mm[k] <= limit:
                offered = (np.int64(mm[k]) << 32) | o
                if offered < packed[node[k]]:
                    packed[node[k]] = offered
    return packed
