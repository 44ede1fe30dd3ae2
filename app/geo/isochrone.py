"""What can be reached from one place: street parts, outlines of bands, hexagons.

The outline is drawn, the figures are not: people inside a band come from the frontage of the reached street parts.

Drawing: on a raster around the reached streets every point takes the walking length of the nearest street point plus
the way to it, if a street lies within HALO_M; a point whose nearest street is not reached is not inside. Contours of
that raster at the band limits are the outlines, so bands are nested, holes stay holes, and nothing jumps a river that
is wider than the halo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import contourpy
import numba as nb
import numpy as np
import shapely
from shapely import MultiPolygon, Polygon

from app.geo.arrays import FloatArray, Int32Array, IntArray
from app.geo.coverage import OnEdge, covered_by_cell
from app.geo.frontage import Frontage
from app.geo.geodesy import metres_per_degree
from app.geo.hexgrid import cells_of
from app.geo.network import Adjacency, WalkNetwork
from app.geo.search import UNREACHED, Searcher
from app.geo.snapping import Places, SegmentGrid

HALO_M = 50.0  # how far from a street its outline may lie: a plot's depth
PIXEL_M = 15.0
MAX_PIXELS = 400.0  # along the longer side; longer walks get a coarser raster
HEX_SAMPLE_M = 15.0
DECIMALS = 1e-6  # degrees that an outline's points are rounded to


@dataclass(frozen=True)
class ReachedStreets:
    """Edges (ascending) with the length in mm to each end, UNREACHED where an end lies beyond the limit.

    ``origin`` is the one place walked from; its own edge is always among the edges.
    """

    edge: IntArray
    to_u: Int32Array
    to_v: Int32Array
    origin: Places
    limit_mm: int


def reached_streets(network: WalkNetwork, searcher: Searcher, origin: Places, limit_mm: int) -> ReachedStreets:
    """Every edge that a walk of at most ``limit_mm`` from a place sets foot on."""
    nodes, lengths = searcher.reach_of(origin, limit_mm)
    edge = np.unique(np.append(_edges_at(searcher.adjacency, nodes), origin.edge[0])).astype(np.int64)
    to_u = _lookup(nodes, lengths, network.edge_u[edge])
    to_v = _lookup(nodes, lengths, network.edge_v[edge])
    return ReachedStreets(edge, to_u, to_v, origin, limit_mm)


def _edges_at(adjacency: Adjacency, nodes: Int32Array) -> Int32Array:
    start, stop = adjacency.indptr[nodes], adjacency.indptr[nodes + 1]
    count = stop - start
    at = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count) + np.repeat(start, count)
    found: Int32Array = adjacency.link_edge[at]
    return found


def _lookup(nodes: Int32Array, lengths: Int32Array, wanted: Int32Array) -> Int32Array:
    if len(nodes) == 0:
        return np.full(len(wanted), UNREACHED, dtype=np.int32)
    at = np.minimum(np.searchsorted(nodes, wanted), len(nodes) - 1)
    return np.where(nodes[at] == wanted, lengths[at], UNREACHED).astype(np.int32)


def people_within(
    network: WalkNetwork, frontage: Frontage, streets: ReachedStreets, limits_mm: Sequence[int]
) -> list[float]:
    """People who live within each limit of the origin, along the reached street parts."""
    local = _local_frontage(frontage, streets)
    n = len(streets.edge)
    at_origin = OnEdge.of(streets.origin, np.ones(1, dtype=np.bool_))
    origin = OnEdge(
        np.searchsorted(streets.edge, at_origin.edge).astype(np.int32),
        at_origin.offset_mm,
        at_origin.leg_mm,
        at_origin.number,
    )
    ends = np.arange(n, dtype=np.int32)
    lengths = np.concatenate([streets.to_u, streets.to_v])
    edge_mm = network.edge_mm[streets.edge]
    return [
        float(covered_by_cell(local, ends, ends + np.int32(n), edge_mm, lengths, origin, limit).sum())
        for limit in limits_mm
    ]


def _local_frontage(frontage: Frontage, streets: ReachedStreets) -> Frontage:
    """The pieces on the reached edges, with ``edge`` numbered among those."""
    first = np.searchsorted(frontage.edge, streets.edge, side="left")
    count = np.searchsorted(frontage.edge, streets.edge, side="right") - first
    at = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    nowhere = np.zeros(len(at), dtype=np.int32)
    return Frontage(
        edge=np.repeat(np.arange(len(streets.edge), dtype=np.int32), count),
        a_mm=frontage.a_mm[at],
        b_mm=frontage.b_mm[at],
        leg_mm=frontage.leg_mm[at],
        people=frontage.people[at],
        cell=nowhere,
        area=nowhere,
        cells=frontage.cells[:1],
        cell_people=frontage.cell_people[:1],
        cell_off_network=frontage.cell_off_network[:1],
        cell_area=frontage.cell_area[:1],
    )


def outlines(
    network: WalkNetwork, grid: SegmentGrid, streets: ReachedStreets, limits_mm: Sequence[int]
) -> list[MultiPolygon]:
    """The outline (WGS84) of what lies within each limit; all limits at most that of the reached streets."""
    west, south, width, height, kx, ky = _box_of(network, streets)
    pixel = max(PIXEL_M, max(width, height) / MAX_PIXELS)
    shape = (int(height / pixel) + 2, int(width / pixel) + 2)
    halo = max(HALO_M, 2.0 * pixel)
    segments = _segments_in(grid, west, south, west + width / kx, south + height / ky)
    beyond = float(streets.limit_mm + 1000.0 * 2.0 * halo)
    values = _paint(
        shape, pixel, halo, beyond, west, south, kx, ky, network.geom_lng, network.geom_lat, network.geom_mm,
        network.edge_mm, grid.edge_of_point, segments, streets.edge, streets.to_u, streets.to_v,
        int(streets.origin.edge[0]), int(streets.origin.offset_mm[0]), int(streets.origin.leg_mm[0]),
    )  # fmt: skip
    generator = contourpy.contour_generator(z=values, fill_type=contourpy.FillType.OuterOffset)
    made = []
    for limit in limits_mm:
        rings, offsets = cast(tuple[list[Any], list[Any]], generator.filled(-1.0, float(limit)))
        polygons = []
        for ring, offset in zip(rings, offsets, strict=True):
            xy = np.column_stack([west + ring[:, 0] * pixel / kx, south + ring[:, 1] * pixel / ky])
            parts = [xy[offset[k] : offset[k + 1]] for k in range(len(offset) - 1)]
            polygons.append(Polygon(parts[0], parts[1:]))
        made.append(_tidy(MultiPolygon([p for p in polygons if not p.is_empty]), pixel / ky))
    return made


def _box_of(network: WalkNetwork, streets: ReachedStreets) -> tuple[float, float, float, float, float, float]:
    """West, south (degrees), width, height (m) of what may be drawn, and the metres of a degree of lng and of lat.

    Of streets that lead far away only as much as a straight walk reaches, so that one long road does not coarsen all.
    """
    points = _points_of(network, streets.edge)
    home_lng, home_lat = float(streets.origin.lng[0]), float(streets.origin.lat[0])
    kx, ky = (float(k) for k in metres_per_degree(home_lat))
    far = streets.limit_mm / 1e3
    x = np.clip((np.append(network.geom_lng[points], home_lng) - home_lng) * kx, -far, far)
    y = np.clip((np.append(network.geom_lat[points], home_lat) - home_lat) * ky, -far, far)
    west, south = home_lng + (float(x.min()) - 2 * HALO_M) / kx, home_lat + (float(y.min()) - 2 * HALO_M) / ky
    return west, south, float(np.ptp(x)) + 4 * HALO_M, float(np.ptp(y)) + 4 * HALO_M, kx, ky


def _tidy(outline: MultiPolygon, pixel_degrees: float) -> MultiPolygon:
    """Fewer points, rounded coordinates, valid."""
    slim = shapely.simplify(outline, pixel_degrees / 4)
    rounded = shapely.set_precision(slim, DECIMALS)
    parts = [p for p in shapely.get_parts(rounded) if p.geom_type == "Polygon" and not p.is_empty]
    return MultiPolygon(parts)


def _points_of(network: WalkNetwork, edges: IntArray) -> IntArray:
    first, count = network.geom_ptr[edges], network.geom_ptr[edges + 1] - network.geom_ptr[edges]
    found: IntArray = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    return found


def _segments_in(grid: SegmentGrid, west: float, south: float, east: float, north: float) -> Int32Array:
    """All segments whose squares meet a box, each once."""
    i0 = max(0, int((west - grid.west) / grid.cell_degrees))
    i1 = min(grid.columns - 1, int((east - grid.west) / grid.cell_degrees))
    j0 = max(0, int((south - grid.south) / grid.cell_degrees))
    j1 = min(grid.rows - 1, int((north - grid.south) / grid.cell_degrees))
    parts = [
        grid.segments[grid.ptr[j * grid.columns + i0] : grid.ptr[j * grid.columns + i1 + 1]] for j in range(j0, j1 + 1)
    ]
    return np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int32)


@nb.njit(nogil=True, cache=True)
def _paint(  # type: ignore[no-untyped-def]
    shape, pixel, halo, beyond, west, south, kx, ky, geom_lng, geom_lat, geom_mm, edge_mm, edge_of_point, segments,
    reached, to_u, to_v, origin_edge, origin_offset, origin_leg,
):  # fmt: skip
    """The raster: rows from south to north; value in mm, ``beyond`` where no reached street is nearest."""
    rows, columns = shape
    gap = np.full((rows, columns), halo)
    value = np.full((rows, columns), beyond)
    for s in segments:
        e = edge_of_point[s]
        ax = (geom_lng[s] - west) * kx
        ay = (geom_lat[s] - south) * ky
        bx = (geom_lng[s + 1] - west) * kx
        by = (geom_lat[s + 1] - south) * ky
        i0 = max(0, int(np.ceil((min(ax, bx) - halo) / pixel)))
        i1 = min(columns - 1, int(np.floor((max(ax, bx) + halo) / pixel)))
        j0 = max(0, int(np.ceil((min(ay, by) - halo) / pixel)))
        j1 = min(rows - 1, int(np.floor((max(ay, by) + halo) / pixel)))
        if i0 > i1 or j0 > j1:
            continue
        at = np.searchsorted(reached, e)
        is_reached = at < len(reached) and reached[at] == e
        dx, dy = bx - ax, by - ay
        square = dx * dx + dy * dy
        for j in range(j0, j1 + 1):
            for i in range(i0, i1 + 1):
                px, py = i * pixel - ax, j * pixel - ay
                t = 0.0
                if square > 0.0:
                    t = min(1.0, max(0.0, (px * dx + py * dy) / square))
                d = np.hypot(px - t * dx, py - t * dy)
                if d >= gap[j, i]:
                    continue
                gap[j, i] = d
                way = beyond
                if is_reached:
                    along = geom_mm[s] + t * (geom_mm[s + 1] - geom_mm[s])
                    way = min(to_u[at] + along, to_v[at] + edge_mm[e] - along)
                    if e == origin_edge:
                        way = min(way, origin_leg + abs(along - origin_offset))
                # half a pixel is free: no point of the raster lies on a street, and ways would end too early
                value[j, i] = min(beyond, way + 1000.0 * max(0.0, d - pixel / 2))
    return value


def hexagons(
    network: WalkNetwork, streets: ReachedStreets, resolution: int
) -> tuple[IntArray, FloatArray]:  # fmt: skip
    """The H3 cells (ascending) that reached street parts run through, and the shortest way in mm to each."""
    points = _points_of(network, streets.edge)
    number = np.repeat(np.arange(len(streets.edge)), np.diff(network.geom_ptr)[streets.edge])
    inner = np.flatnonzero(number[:-1] == number[1:])
    a, b, local = points[inner], points[inner + 1], number[inner]
    run = network.geom_mm[b] - network.geom_mm[a]
    count = np.maximum(1, np.ceil(run / (HEX_SAMPLE_M * 1e3)).astype(np.int64)) + 1
    of = np.repeat(np.arange(len(a)), count)
    t = (np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)) / (count[of] - 1)
    along = network.geom_mm[a[of]] + t * run[of]
    edge = streets.edge[local[of]]
    way = np.minimum(
        streets.to_u[local[of]].astype(np.float64) + along,
        streets.to_v[local[of]].astype(np.float64) + network.edge_mm[edge] - along,
    )
    own = edge == streets.origin.edge[0]
    way[own] = np.minimum(way[own], streets.origin.leg_mm[0] + np.abs(along[own] - streets.origin.offset_mm[0]))
    near = way <= streets.limit_mm
    lng = network.geom_lng[a[of]] * (1 - t) + network.geom_lng[b[of]] * t
    lat = network.geom_lat[a[of]] * (1 - t) + network.geom_lat[b[of]] * t
    cells, at = np.unique(cells_of(lng[near], lat[near], resolution), return_inverse=True)
    least = np.full(len(cells), np.inf)
    np.minimum.at(least, at, way[near])
    return cells, least
