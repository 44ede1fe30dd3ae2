"""What a change of a few stations does to coverage, in milliseconds.

Only the nodes that a station served, or will serve, get another length; only the streets at those nodes another share;
only the areas of those streets another sum. What comes out is what a computation of everything would give, to the last
bit: shares and sums are taken by the same kernels in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba as nb
import numpy as np

from app.geo.arrays import BoolArray, FloatArray, Int32Array, IntArray
from app.geo.coverage import OnEdge, piece_share, shares
from app.geo.frontage import Frontage
from app.geo.network import WalkNetwork
from app.geo.reach import ReachTable
from app.geo.search import LOW, NOTHING, Field, Searcher
from app.geo.snapping import Places


@dataclass(frozen=True)
class PieceIndex:
    """Pieces of frontage by edge, ``edge_ptr[e]:edge_ptr[e + 1]``, and by area.

    The pieces of area a are ``of_area[area_ptr[a]:area_ptr[a + 1]]``, ascending.
    """

    edge_ptr: IntArray
    area_ptr: IntArray
    of_area: Int32Array

    @classmethod
    def of(cls, frontage: Frontage, edge_count: int, area_count: int) -> PieceIndex:
        return cls(
            _pointers(frontage.edge, edge_count),
            _pointers(frontage.area, area_count),
            np.argsort(frontage.area, kind="stable").astype(np.int32),
        )


@dataclass(frozen=True)
class AreaCoverage:
    """Coverage within ``limit_mm``: field by node, share by piece, people by area (float, not rounded)."""

    limit_mm: int
    field: Field
    share: FloatArray
    by_area: FloatArray


@dataclass(frozen=True)
class Change:
    """Stations that close (numbers in the reach table) and places where new ones open.

    A new station's number is that of its place plus the number of origins in the table. A move is one of each.
    """

    closed: Sequence[int]
    added: Places


def area_coverage(
    network: WalkNetwork, frontage: Frontage, area_count: int, field: Field, stations: OnEdge, limit_mm: int
) -> AreaCoverage:
    """Everything, from a field of at least ``limit_mm``."""
    share = shares(
        frontage, network.edge_u, network.edge_v, network.edge_mm, field.length_mm, stations, limit_mm
    )  # fmt: skip
    by_area: FloatArray = np.bincount(frontage.area, weights=share * frontage.people, minlength=area_count).astype(
        np.float64
    )
    return AreaCoverage(limit_mm, field, share, by_area)


def changed(
    base: AreaCoverage,
    network: WalkNetwork,
    searcher: Searcher,
    frontage: Frontage,
    index: PieceIndex,
    table: ReachTable,
    places: Places,
    is_open: BoolArray,
    change: Change,
) -> AreaCoverage:
    """Coverage after a change; ``base``, which stays as it is, has the stations ``is_open`` of ``table``.

    ``places`` are the table's. Raises ValueError for a limit beyond the table's, whose rows would not be whole, and
    for closing what is not open.
    """
    if base.limit_mm > table.limit_mm:
        raise ValueError(f"the table knows no way beyond {table.limit_mm} mm")
    if not all(is_open[k] for k in change.closed):
        raise ValueError("a station that is not open cannot close")
    packed = base.field.packed.copy()
    stays = is_open.copy()
    stays[list(change.closed)] = False
    touched = [
        _withdraw(k, table.ptr, table.node, table.node_ptr, table.origin_at, table.mm_at, stays, base.limit_mm, packed)
        for k in change.closed
    ]
    for k in range(len(change.added)):
        nodes, mm = searcher.reach_of(change.added.take(np.array([k])), base.limit_mm)
        touched.append(_offer(table.origin_count + k, nodes, mm, packed))
    own = np.concatenate([places.edge[list(change.closed)], change.added.edge]).astype(np.int32)
    share, by_area = base.share.copy(), base.by_area.copy()
    stations = on_edge_after(places, stays, change.added)
    adjacency = searcher.adjacency
    dirty = _reshare(
        np.concatenate([*touched, np.zeros(0, dtype=np.int32)]), own[own >= 0], adjacency.indptr, adjacency.link_edge,
        index.edge_ptr, frontage.a_mm, frontage.b_mm, frontage.leg_mm, frontage.area, network.edge_u, network.edge_v,
        network.edge_mm, packed, stations.edge, stations.offset_mm, stations.leg_mm, base.limit_mm, share,
        len(index.area_ptr) - 1,
    )  # fmt: skip
    _sum_areas(np.flatnonzero(dirty), index.area_ptr, index.of_area, share, frontage.people, by_area)
    return AreaCoverage(base.limit_mm, Field(packed), share, by_area)


def on_edge_after(places: Places, stays: BoolArray, added: Places) -> OnEdge:
    """The stations that stay and those that are added, by the edge they stand on."""
    return OnEdge.of(places.followed_by(added), np.concatenate([stays, np.ones(len(added), dtype=np.bool_)]))


def _pointers(sorted_or_not: Int32Array, count: int) -> IntArray:
    pointers = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(sorted_or_not, minlength=count), out=pointers[1:])
    return pointers


@nb.njit(nogil=True, cache=True)
def _withdraw(origin, ptr, node, node_ptr, origin_at, mm_at, stays, limit, packed):  # type: ignore[no-untyped-def]
    """The nodes that an origin served, which get the nearest of those that stay."""
    touched = np.empty(ptr[origin + 1] - ptr[origin], np.int32)
    count = 0
    for k in range(ptr[origin], ptr[origin + 1]):
        v = node[k]
        if packed[v] & LOW != origin:
            continue
        packed[v] = NOTHING
        for at in range(node_ptr[v], node_ptr[v + 1]):
            if mm_at[at] > limit:
                break
            if stays[origin_at[at]]:
                packed[v] = (np.int64(mm_at[at]) << 32) | origin_at[at]
                break
        touched[count] = v
        count += 1
    return touched[:count]


@nb.njit(nogil=True, cache=True)
def _offer(origin, nodes, mm, packed):  # type: ignore[no-untyped-def]
    """The nodes that a new origin takes over."""
    touched = np.empty(len(nodes), np.int32)
    count = 0
    for k in range(len(nodes)):
        offered = (np.int64(mm[k]) << 32) | origin
        if offered < packed[nodes[k]]:
            packed[nodes[k]] = offered
            touched[count] = nodes[k]
            count += 1
    return touched[:count]


@nb.njit(nogil=True, cache=True)
def _reshare(  # type: ignore[no-untyped-def]
    touched, own, indptr, link_edge, edge_ptr, a, b, leg, area, edge_u, edge_v, edge_mm, packed, station_edge,
    station_offset, station_leg, limit, share, area_count,
):  # fmt: skip
    """New shares on the streets at the nodes touched and on the changed stations' own; which areas have any."""
    dirty = np.zeros(area_count, np.bool_)
    done = set()
    for t in range(len(touched) + 1):
        edges = own if t == len(touched) else link_edge[indptr[touched[t]] : indptr[touched[t] + 1]]
        for e in edges:
            if e in done:
                continue
            done.add(e)
            first = np.searchsorted(station_edge, e)
            last = np.searchsorted(station_edge, e, side="right")
            for k in range(edge_ptr[e], edge_ptr[e + 1]):
                dirty[area[k]] = True
                share[k] = piece_share(
                    np.int64(a[k]), np.int64(b[k]), np.int64(leg[k]), np.int64(edge_mm[e]), packed[edge_u[e]] >> 32,
                    packed[edge_v[e]] >> 32, np.int64(limit), station_offset, station_leg, first, last,
                )  # fmt: skip
    return dirty


@nb.njit(nogil=True, cache=True)
def _sum_areas(areas, area_ptr, of_area, share, people, by_area):  # type: ignore[no-untyped-def]
    """People of some areas, piece after piece as ``bincount`` adds them, so that the same pieces give the same sum."""
    for area in areas:
        total = 0.0
        for at in range(area_ptr[area], area_ptr[area + 1]):
            k = of_area[at]
            total += share[k] * people[k]
        by_area[area] = total
