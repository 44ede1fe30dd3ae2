"""Shortest walking ways: the kernel that does all searches.

A bucket queue (Dial, Algorithm 360, CACM 1969) over integer lengths. Buckets are ``1 << BUCKET_BITS`` mm wide; a node
whose length falls again inside the bucket being emptied is simply scanned again, so the result is exact for any edge
length. Between searches the work arrays are put back by visiting only what was touched: a search costs what it reaches,
not what the network has.

Lengths are int32 millimetres. With a limit of at most ``MAX_LIMIT_MM`` and edges of at most as much, no sum leaves
int32. A node's length and its origin travel as one int64, ``length << 32 | origin``: the smaller of two is the nearer,
and of equally near origins the one with the lower number, in one comparison and one access to memory.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numba as nb
import numpy as np

from app.geo.arrays import Int32Array, IntArray
from app.geo.network import Adjacency, WalkNetwork
from app.geo.snapping import Places

BUCKET_BITS = 12  # 4.1 m; from 1 to 16 m it makes no difference that can be measured
MAX_LIMIT_MM = 1 << 30  # 1,073 km
UNREACHED = np.iinfo(np.int32).max
NO_ORIGIN = -1
NOTHING = np.iinfo(np.int64).max  # UNREACHED and NO_ORIGIN, packed
LOW, HIGH = np.int64(0xFFFF_FFFF), np.int64(-1) << np.int64(32)  # halves of a packed number
HALVED_FROM = 128  # seeds, two a place
HALVED_TO_MM = 10_000_000
_second_half = ThreadPoolExecutor(max_workers=2, thread_name_prefix="search")  # its threads start when first needed
DIGIT_BITS = 11
DIGIT = (1 << DIGIT_BITS) - 1
RADIX_FROM = 400  # fewer numbers are sorted faster by comparing
_LENGTH, _ORIGIN = (1, 0) if sys.byteorder == "little" else (0, 1)


@dataclass(frozen=True)
class Field:
    """For every node the length to the nearest origin and which origin that is; UNREACHED and NO_ORIGIN beyond.

    ``packed`` (int64 by node) holds both; ``length_mm`` and ``origin`` are views of its halves, not copies.
    """

    packed: IntArray

    @property
    def length_mm(self) -> Int32Array:
        return self._halves[:, _LENGTH]

    @property
    def origin(self) -> Int32Array:
        return self._halves[:, _ORIGIN]

    def at(self, node: int) -> tuple[int, int]:
        """Length in mm and origin of one node."""
        packed = self.packed.item(node)
        return (packed >> 32, packed & 0xFFFF_FFFF) if packed != NOTHING else (UNREACHED, NO_ORIGIN)

    @property
    def _halves(self) -> Int32Array:
        halves: Int32Array = self.packed.view(np.int32).reshape(-1, 2)
        return halves


@dataclass
class Workspace:
    """Arrays that one thread searches with; between searches ``packed`` is NOTHING everywhere.

    ``buckets`` is a ring of heads of lists; their entries, ``next << 32 | node``, live in ``pool``, which grows when it
    is full.
    """

    packed: IntArray
    touched: Int32Array
    buckets: Int32Array
    pool: IntArray

    @classmethod
    def for_nodes(cls, node_count: int) -> Workspace:
        return cls(
            packed=np.full(node_count, NOTHING, dtype=np.int64),
            touched=np.empty(max(node_count, 1), dtype=np.int32),
            buckets=np.full(2, -1, dtype=np.int32),
            pool=np.empty(4096, dtype=np.int64),
        )

    def make_room(self, farthest_mm: int, seeds: int) -> None:
        """A ring long enough for entries that lie as far as ``farthest_mm`` ahead of the front; a pool for seeds."""
        needed = (farthest_mm >> BUCKET_BITS) + 2
        if len(self.buckets) < needed:
            self.buckets = np.full(1 << (needed - 1).bit_length(), -1, dtype=np.int32)
        while len(self.pool) < seeds:
            self.grow_pool()

    def grow_pool(self) -> None:
        """Twice the entries, those of the present search kept."""
        self.pool = np.concatenate([self.pool, np.empty_like(self.pool)])


@dataclass
class Searcher:
    """A network variant with work arrays that are handed out to one search at a time.

    ``links`` are the adjacency's as one int64 each, ``length_mm << 32 | neighbour``.
    """

    adjacency: Adjacency
    links: IntArray
    edge_u: Int32Array
    edge_v: Int32Array
    edge_mm: Int32Array
    longest_mm: int
    _idle: list[Workspace] = field(default_factory=list)

    @classmethod
    def of(cls, network: WalkNetwork, *, step_free: bool) -> Searcher:
        longest = int(network.edge_mm.max()) if network.edge_count else 1
        adjacency = network.adjacency(step_free=step_free)
        links = _packed_links(adjacency.links)
        return cls(adjacency, links, network.edge_u, network.edge_v, network.edge_mm, longest)

    @property
    def node_count(self) -> int:
        return len(self.adjacency.indptr) - 1

    def workspace(self) -> Workspace:
        """Take one; give it back with ``put_back``. List operations are atomic, so threads may share a searcher."""
        try:
            return self._idle.pop()
        except IndexError:
            return Workspace.for_nodes(self.node_count)

    def put_back(self, workspace: Workspace) -> None:
        self._idle.append(workspace)

    def field_of(self, places: Places, limit_mm: int, numbers: Int32Array | None = None) -> Field:
        """Every node's nearest place within ``limit_mm``; ``numbers`` are the origins' numbers (default: position).

        Many places are searched from in two halves at once, west and east of each other in Morton order, unless the
        limit is so long that both halves would go over the same ground.
        """
        node, packed = self.seeds(places, numbers)
        found = np.full(self.node_count, NOTHING, dtype=np.int64)
        if len(node) < HALVED_FROM or limit_mm > HALVED_TO_MM:
            self._search_into(found, node, packed, limit_mm)
            return Field(found)
        order = np.argsort(node, kind="stable")
        first, second = order[: len(order) // 2], order[len(order) // 2 :]
        workspace = self.workspace()
        other = _second_half.submit(self.spread, workspace, node[second], packed[second], limit_mm)
        self._search_into(found, node[first], packed[first], limit_mm)
        _merge(workspace.touched, other.result(), workspace.packed, found)
        self.put_back(workspace)
        return Field(found)

    def _search_into(self, found: IntArray, node: Int32Array, packed: IntArray, limit_mm: int) -> None:
        workspace = self.workspace()
        own, workspace.packed = workspace.packed, found
        self.spread(workspace, node, packed, limit_mm)
        workspace.packed = own
        self.put_back(workspace)

    def reach_of(self, places: Places, limit_mm: int) -> tuple[Int32Array, Int32Array]:
        """The nodes (ascending) within ``limit_mm`` of the nearest of the places, and the lengths in mm."""
        node, packed = self.seeds(places)
        workspace = self.workspace()
        count = self.spread(workspace, node, packed, limit_mm)
        nodes, lengths = collect(workspace.touched, count, workspace.packed)
        self.put_back(workspace)
        return nodes, lengths

    def seeds(self, places: Places, numbers: Int32Array | None = None) -> tuple[Int32Array, IntArray]:
        """Both ends of every place's edge with the way to them, packed with the place's number."""
        number = np.arange(len(places)) if numbers is None else numbers
        return _seeds(  # type: ignore[no-any-return]
            places.edge, places.offset_mm, places.snap_m, number, self.edge_u, self.edge_v, self.edge_mm
        )

    def spread(self, workspace: Workspace, node: Int32Array, packed: IntArray, limit_mm: int) -> int:
        """Search from seeds; the number of nodes in ``workspace.touched``, whose results stand in its ``packed``."""
        limit = int(min(limit_mm, MAX_LIMIT_MM))
        farthest = int(min(packed.max() >> 32, limit)) if len(packed) else 0
        workspace.make_room(max(self.longest_mm, farthest), len(node))
        state = plant(
            node, packed, limit, workspace.packed, workspace.touched, workspace.buckets, workspace.pool
        )  # fmt: skip
        while not spread(
            self.adjacency.indptr, self.links, limit, workspace.packed, workspace.touched,
            workspace.buckets, workspace.pool, state,
        ):  # fmt: skip
            workspace.grow_pool()
        return int(state[3])


def _packed_links(links: Int32Array) -> IntArray:
    """Pairs of int32 as int64: the same memory where the machine stores numbers that way round, else a copy."""
    if sys.byteorder == "little":
        return links.view(np.int64).reshape(-1)
    return (links[:, 1].astype(np.int64) << 32) | links[:, 0]


@nb.njit(nogil=True, cache=True)
def _seeds(edge, offset_mm, snap_m, number, edge_u, edge_v, edge_mm):  # type: ignore[no-untyped-def]
    """First all places' ways to u, then those to v; places without a street have none."""
    count = 0
    for e in edge:
        count += e >= 0
    node, packed = np.empty(2 * count, np.int32), np.empty(2 * count, np.int64)
    at = 0
    for k in range(len(edge)):
        e = edge[k]
        if e < 0:
            continue
        leg = np.int64(np.rint(snap_m[k] * 1e3))
        node[at], node[count + at] = edge_u[e], edge_v[e]
        packed[at] = ((leg + offset_mm[k]) << 32) | np.int64(number[k])
        packed[count + at] = ((leg + edge_mm[e] - offset_mm[k]) << 32) | np.int64(number[k])
        at += 1
    return node, packed


@nb.njit(nogil=True, cache=True)
def plant(seed_node, seed_packed, limit, packed, touched, buckets, pool):  # type: ignore[no-untyped-def]
    """Queue the seeds in a workspace at rest; the state of the search, as ``spread`` goes on from it."""
    mask = len(buckets) - 1
    used, count = np.int64(0), np.int64(0)
    for s in range(len(seed_node)):
        node, offered = seed_node[s], seed_packed[s]
        if offered >= packed[node] or (offered >> 32) > limit:
            continue
        if packed[node] == NOTHING:
            touched[count] = node
            count += 1
        packed[node] = offered
        bucket = (offered >> (32 + BUCKET_BITS)) & mask
        pool[used] = (np.int64(buckets[bucket]) << 32) | np.int64(node)
        buckets[bucket] = used
        used += 1
    return np.array([-1, used, used, count, 0])


@nb.njit(nogil=True, cache=True)
def spread(indptr, links, limit, packed, touched, buckets, pool, state):  # type: ignore[no-untyped-def]
    """The bucket queue. False when the pool is full: to be called again with a larger one.

    ``state`` is (first free slot, slots used, entries waiting, nodes touched, current bucket). What is hot here was
    measured: one function (arrays handed to another for each link, even an inlined one, double the time), one load for
    a link's node and length, and unsigned numbers of nodes, which spare the test for negative ones (a third).
    """
    mask = len(buckets) - 1
    beyond = (limit + 1) << 32
    free, used, waiting, count, current = state[0], state[1], state[2], state[3], state[4]
    has_room = True
    while waiting > 0 and has_room:
        here = np.uint64(current & mask)
        slot = np.int64(buckets[here])
        while slot >= 0:
            entry = pool[np.uint64(slot)]
            v = np.uint64(entry & LOW)
            first, last = np.uint64(indptr[v]), np.uint64(indptr[v + np.uint64(1)])
            if used + np.int64(last - first) > len(pool):
                has_room = False
                break
            buckets[here] = entry >> 32
            pool[np.uint64(slot)] = free
            free = slot
            waiting -= 1
            reached = packed[v]
            if (reached >> (32 + BUCKET_BITS)) == current:  # else it was scanned from a nearer bucket
                for k in range(first, last):
                    link = links[k]
                    offered = reached + (link & HIGH)
                    w = np.uint64(link & LOW)
                    had = packed[w]
                    if offered < had and offered < beyond:
                        if had == NOTHING:
                            touched[np.uint64(count)] = w
                            count += 1
                        packed[w] = offered
                        if free >= 0:
                            slot = free
                            free = pool[np.uint64(slot)]
                        else:
                            slot = used
                            used += 1
                        b = np.uint64((offered >> (32 + BUCKET_BITS)) & mask)
                        pool[np.uint64(slot)] = (np.int64(buckets[b]) << 32) | np.int64(w)
                        buckets[b] = slot
                        waiting += 1
            slot = np.int64(buckets[here])
        if has_room:
            current += 1
    state[0], state[1], state[2], state[3], state[4] = free, used, waiting, count, current
    return has_room


@nb.njit(nogil=True, cache=True)
def _merge(touched, count, packed, into):  # type: ignore[no-untyped-def]
    """The nearer of two halves' results, node by node; the work arrays of the one are put back."""
    for k in range(count):
        v = touched[k]
        into[v] = min(into[v], packed[v])
        packed[v] = NOTHING


@nb.njit(nogil=True, cache=True)
def collect(touched, count, packed):  # type: ignore[no-untyped-def]
    """The nodes touched, ascending, and their lengths; the work arrays are put back."""
    nodes = np.sort(touched[:count]) if count < RADIX_FROM else _radix_sorted(touched[:count], len(packed))
    lengths = np.empty(count, np.int32)
    for k in range(count):
        lengths[k] = packed[nodes[k]] >> 32
        packed[nodes[k]] = NOTHING
    return nodes, lengths


@nb.njit(nogil=True, cache=True)
def _radix_sorted(numbers, bound):  # type: ignore[no-untyped-def]
    """Numbers below ``bound``, ascending: sorted by their low digit, then by the next, each time keeping the order."""
    given, made = numbers.copy(), np.empty_like(numbers)
    shift = 0
    while (bound - 1) >> shift > 0:
        start = np.zeros((1 << DIGIT_BITS) + 1, np.int64)
        for number in given:
            start[((number >> shift) & DIGIT) + 1] += 1
        for d in range(DIGIT):
            start[d + 1] += start[d]
        for number in given:
            d = (number >> shift) & DIGIT
            made[start[d]] = number
            start[d] += 1
        given, made = made, given
        shift += DIGIT_BITS
    return given
