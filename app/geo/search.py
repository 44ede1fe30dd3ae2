"""Shortest walking ways: the kernel that does all searches.

One kernel does all searches: a bucket queue (Dial 1969) over integer lengths. Buckets are ``1 << BUCKET_BITS`` mm wide;
a node whose length falls again inside the bucket being emptied is simply scanned again, so the result is exact for
any edge length. Between searches the work arrays are put back by visiting only what was touched: a search costs what
it reaches, not what the network has.

Lengths are int32 millimetres. With a limit of at most ``MAX_LIMIT_MM`` and edges of at most as much, no sum leaves
int32.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numba as nb
import numpy as np

from app.geo.arrays import Int32Array
from app.geo.network import Adjacency, WalkNetwork
from app.geo.snapping import Places

BUCKET_BITS = 12  # 4.1 m
MAX_LIMIT_MM = 1 << 30  # 1,073 km
UNREACHED = np.iinfo(np.int32).max
NO_ORIGIN = -1


@dataclass
class Workspace:
    """Arrays that one thread searches with; between searches ``length_mm`` is UNREACHED everywhere."""

    length_mm: Int32Array
    label: Int32Array
    touched: Int32Array
    buckets: Int32Array
    item: Int32Array
    following: Int32Array

    @classmethod
    def for_nodes(cls, node_count: int, longest_edge_mm: int) -> Workspace:
        """``longest_edge_mm`` bounds how far ahead of the front an entry can lie."""
        bucket_count = 1 << int(np.ceil(np.log2((longest_edge_mm >> BUCKET_BITS) + 3)))
        return cls(
            length_mm=np.full(node_count, UNREACHED, dtype=np.int32),
            label=np.full(node_count, NO_ORIGIN, dtype=np.int32),
            touched=np.empty(max(node_count, 1), dtype=np.int32),
            buckets=np.full(bucket_count, -1, dtype=np.int32),
            item=np.empty(4096, dtype=np.int32),
            following=np.empty(4096, dtype=np.int32),
        )


@dataclass(frozen=True)
class Field:
    """For every node the length to the nearest origin and which origin that is; UNREACHED and NO_ORIGIN beyond."""

    length_mm: Int32Array
    origin: Int32Array


@dataclass
class Searcher:
    """A network variant with work arrays that are handed out to one search at a time."""

    adjacency: Adjacency
    edge_u: Int32Array
    edge_v: Int32Array
    edge_mm: Int32Array
    _idle: list[Workspace] = field(default_factory=list)

    @classmethod
    def of(cls, network: WalkNetwork, *, step_free: bool) -> Searcher:
        return cls(network.adjacency(step_free=step_free), network.edge_u, network.edge_v, network.edge_mm)

    @property
    def node_count(self) -> int:
        return len(self.adjacency.indptr) - 1

    def workspace(self) -> Workspace:
        """Take one; give it back with ``put_back``. List operations are atomic, so threads may share a searcher."""
        try:
            return self._idle.pop()
        except IndexError:
            longest = int(self.edge_mm.max()) if len(self.edge_mm) else 1
            return Workspace.for_nodes(self.node_count, longest)

    def put_back(self, workspace: Workspace) -> None:
        self._idle.append(workspace)

    def field_of(self, places: Places, limit_mm: int, numbers: Int32Array | None = None) -> Field:
        """Every node's nearest place within ``limit_mm``; ``numbers`` are the origins' numbers (default: position)."""
        node, mm, label = _seeds(self, places, numbers)
        workspace = self.workspace()
        touched = _run(self.adjacency, workspace, node, mm, label, min(limit_mm, MAX_LIMIT_MM))
        length = np.full(self.node_count, UNREACHED, dtype=np.int32)
        origin = np.full(self.node_count, NO_ORIGIN, dtype=np.int32)
        _harvest(workspace.touched, touched, workspace.length_mm, workspace.label, length, origin)
        self.put_back(workspace)
        return Field(length, origin)

    def reach_of(self, places: Places, limit_mm: int) -> tuple[Int32Array, Int32Array]:
        """The nodes (ascending) within ``limit_mm`` of the nearest of the places, and the lengths in mm."""
        node, mm, label = _seeds(self, places, None)
        workspace = self.workspace()
        touched = _run(self.adjacency, workspace, node, mm, label, min(limit_mm, MAX_LIMIT_MM))
        nodes, lengths = _collect(workspace.touched, touched, workspace.length_mm)
        self.put_back(workspace)
        return nodes, lengths


def _seeds(searcher: Searcher, places: Places, numbers: Int32Array | None) -> tuple[Int32Array, Int32Array, Int32Array]:
    """Both ends of every place's edge with the way to them."""
    label = np.arange(len(places), dtype=np.int32) if numbers is None else numbers.astype(np.int32)
    found = np.flatnonzero(places.edge >= 0)
    edge, offset, leg = places.edge[found], places.offset_mm[found], places.leg_mm[found]
    node = np.concatenate([searcher.edge_u[edge], searcher.edge_v[edge]])
    mm = np.concatenate([leg + offset, leg + searcher.edge_mm[edge] - offset])
    return node.astype(np.int32), mm.astype(np.int32), np.concatenate([label[found], label[found]])


def _run(
    adjacency: Adjacency,
    workspace: Workspace,
    node: Int32Array,
    mm: Int32Array,
    label: Int32Array,
    limit_mm: int,
) -> int:
    """Search; the number of nodes touched. The pool of queue entries may have grown: it is kept."""
    touched, workspace.item, workspace.following = _spread(
        adjacency.indptr, adjacency.links, node, mm, label, np.int64(limit_mm), workspace.length_mm, workspace.label,
        workspace.touched, workspace.buckets, workspace.item, workspace.following,
    )  # fmt: skip
    return int(touched)


@nb.njit(nogil=True, cache=True)
def _spread(  # type: ignore[no-untyped-def]
    indptr, links, seed_node, seed_mm, seed_label, limit, length, label, touched, buckets, item, following
):  # fmt: skip
    """The bucket queue. Entries live in a pool (``item``, ``following``) that grows when it is full."""
    mask = len(buckets) - 1
    free = -1
    used = 0
    waiting = 0
    count = 0
    # seeds may lie farther ahead than the ring of buckets holds: they join when the front comes near
    order = np.argsort(seed_mm)
    next_seed = 0
    current = np.int64(0)
    while waiting > 0 or next_seed < len(order):
        if waiting == 0:
            ahead = np.int64(seed_mm[order[next_seed]]) >> BUCKET_BITS
            current = max(current, ahead)
        while next_seed < len(order):
            s = order[next_seed]
            d = np.int64(seed_mm[s])
            if d > limit:
                next_seed = len(order)
                break
            if (d >> BUCKET_BITS) > current + 1:
                break
            next_seed += 1
            v = seed_node[s]
            if d < length[v] or (d == length[v] and seed_label[s] < label[v]):
                if length[v] == UNREACHED:
                    touched[count] = v
                    count += 1
                length[v] = d
                label[v] = seed_label[s]
                if free >= 0:
                    slot = free
                    free = following[slot]
                else:
                    if used == len(item):
                        item, following = _grown(item, following)
                    slot = used
                    used += 1
                b = (d >> BUCKET_BITS) & mask
                item[slot] = v
                following[slot] = buckets[b]
                buckets[b] = slot
                waiting += 1
        here = current & mask
        while buckets[here] >= 0:
            slot = buckets[here]
            buckets[here] = following[slot]
            following[slot] = free
            free = slot
            waiting -= 1
            v = item[slot]
            d = np.int64(length[v])
            if (d >> BUCKET_BITS) != current:
                continue
            lab = label[v]
            for k in range(indptr[v], indptr[v + 1]):
                w = links[k, 0]
                nd = d + links[k, 1]
                if nd > limit:
                    continue
                old = length[w]
                if nd < old or (nd == old and lab < label[w]):
                    if old == UNREACHED:
                        touched[count] = w
                        count += 1
                    length[w] = nd
                    label[w] = lab
                    if free >= 0:
                        slot = free
                        free = following[slot]
                    else:
                        if used == len(item):
                            item, following = _grown(item, following)
                        slot = used
                        used += 1
                    b = (nd >> BUCKET_BITS) & mask
                    item[slot] = w
                    following[slot] = buckets[b]
                    buckets[b] = slot
                    waiting += 1
        current += 1
    return count, item, following


@nb.njit(nogil=True, cache=True)
def _grown(item, following):  # type: ignore[no-untyped-def]
    size = len(item)
    larger_item = np.empty(2 * size, np.int32)
    larger_following = np.empty(2 * size, np.int32)
    larger_item[:size] = item
    larger_following[:size] = following
    return larger_item, larger_following


@nb.njit(nogil=True, cache=True)
def _harvest(touched, count, length, label, out_length, out_label):  # type: ignore[no-untyped-def]
    """Copy what was found and put the work arrays back."""
    for k in range(count):
        v = touched[k]
        out_length[v] = length[v]
        out_label[v] = label[v]
        length[v] = UNREACHED
        label[v] = NO_ORIGIN


@nb.njit(nogil=True, cache=True)
def _collect(touched, count, length):  # type: ignore[no-untyped-def]
    """The nodes touched, ascending, and their lengths; the work arrays are put back."""
    nodes = np.sort(touched[:count])
    lengths = np.empty(count, np.int32)
    for k in range(count):
        lengths[k] = length[nodes[k]]
        length[nodes[k]] = UNREACHED
    return nodes, lengths
