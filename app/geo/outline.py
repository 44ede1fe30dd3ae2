"""Outlines of what can be walked to. A picture: the figures come from the streets, never from it.

On a raster around the reached streets every point takes the walking length of the nearest street point plus the way to
it, and how far off it lies. Inside is what is within the limit and within HALO_M of its street; a point whose nearest
street is not reached is not inside, so nothing jumps a river that is wider than the halo, and holes stay holes. The
contours are valid and nested by construction (see contour.py); thinning their points moves them by a quarter of a pixel
at most, so that bands are nested to half a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba as nb
import numpy as np
import shapely
from shapely import GeometryType, MultiPolygon

from app.geo.arrays import Int32Array, IntArray
from app.geo.contour import contour_rings
from app.geo.geodesy import ECCENTRICITY_SQUARED, SEMI_MAJOR_M, metres_per_degree
from app.geo.isochrone import ReachedStreets
from app.geo.network import WalkNetwork
from app.geo.snapping import SegmentGrid

HALO_M = 50.0  # how far from a street its outline may lie: a plot's depth
PIXEL_M = 12.0
MAX_PIXELS = 400.0  # along the longer side; longer walks get a coarser raster
UNIT = 1_000_000  # a degree in the unit of an outline's points: a tenth of a metre
BLOCK = 3  # unreached streets are drawn only near squares of 2**BLOCK pixels that a reached street comes near to
FAR_MM = 1e12


def outlines(
    network: WalkNetwork, grid: SegmentGrid, streets: ReachedStreets, limits_mm: Sequence[int]
) -> list[MultiPolygon]:
    """The outline (WGS84) of what lies within each limit; all limits at most that of the reached streets.

    Valid, exterior rings counter-clockwise, coordinates rounded to a millionth of a degree.
    """
    lng, lat = float(streets.origin.lng[0]), float(streets.origin.lat[0])
    kx, ky = (float(k) for k in metres_per_degree(lat))
    box = _box(network.geom_ptr, network.geom_lng, network.geom_lat, streets.edge, lng, lat, kx, ky, streets.limit_mm)
    pixel = max(PIXEL_M, max(box[2] - box[0], box[3] - box[1]) / MAX_PIXELS)
    halo = max(HALO_M, 2.0 * pixel)
    step_x, step_y = max(2, round(pixel / kx * UNIT)), max(2, round(pixel / ky * UNIT))
    margin = halo + 2.0 * pixel
    west, south = round((lng + (box[0] - margin) / kx) * UNIT), round((lat + (box[1] - margin) / ky) * UNIT)
    shape = int((box[3] - box[1] + 2 * margin) / pixel) + 2, int((box[2] - box[0] + 2 * margin) / pixel) + 2
    gap, way = _paint(
        shape, west / UNIT, south / UNIT, step_x / UNIT * kx, step_y / UNIT * ky, kx, ky, halo + pixel,
        network.geom_ptr, network.geom_lng, network.geom_lat, network.geom_mm, network.edge_mm,
        grid.west, grid.south, grid.cell_degrees, grid.columns, grid.rows, grid.ptr, grid.segments, grid.edge_of_point,
        streets.edge, streets.to_u, streets.to_v,
        int(streets.origin.edge[0]), int(streets.origin.offset_mm[0]), int(streets.origin.leg_mm[0]),
    )  # fmt: skip
    made = []
    for limit in limits_mm:
        z = _depth(gap, way, float(limit), halo, pixel)
        for tolerance in (pixel / 4, 0.0):
            rings = contour_rings(z, step_x, step_y, kx / UNIT, ky / UNIT, tolerance)
            outline = _polygons(west, south, rings)
            if shapely.is_valid(outline):  # thinned rings may cross; whole ones never do
                break
        made.append(outline)
    return made


def _polygons(west: int, south: int, rings: tuple[IntArray, Int32Array, Int32Array]) -> MultiPolygon:
    """The rings of ``contour_rings`` in degrees."""
    points, ring_ptr, polygon_ptr = rings
    # division, not multiplication: the quotient is the double nearest to its decimals
    degrees = (points + np.array([west, south])) / UNIT
    shape_ptr = np.array([0, len(polygon_ptr) - 1])
    made: MultiPolygon = shapely.from_ragged_array(
        GeometryType.MULTIPOLYGON, degrees, (ring_ptr, polygon_ptr, shape_ptr)
    )[0]
    return made


@nb.njit(nogil=True, cache=True)
def _box(geom_ptr, geom_lng, geom_lat, edges, lng, lat, kx, ky, limit_mm):  # type: ignore[no-untyped-def]
    """West, south, east, north of the streets in metres from a place.

    Of streets that lead far away only as much as a straight walk reaches, so that one long road does not coarsen all.
    """
    far = limit_mm / 1e3
    west = south = east = north = 0.0
    for e in edges:
        for p in range(geom_ptr[e], geom_ptr[e + 1]):
            x, y = (geom_lng[p] - lng) * kx, (geom_lat[p] - lat) * ky
            west, east = min(west, x), max(east, x)
            south, north = min(south, y), max(north, y)
    return max(west, -far), max(south, -far), min(east, far), min(north, far)


@nb.njit(nogil=True, cache=True)
def _span(a, b, reach, step, count):  # type: ignore[no-untyped-def]
    """First and last row (or column) of the raster within ``reach`` of what lies between a and b."""
    first, last = np.ceil((min(a, b) - reach) / step), np.floor((max(a, b) + reach) / step)
    return max(np.int64(0), np.int64(first)), min(np.int64(count - 1), np.int64(last))


@nb.njit(nogil=True, cache=True)
def _paint(  # type: ignore[no-untyped-def]
    shape, west, south, step_x, step_y, kx, ky, reach, geom_ptr, geom_lng, geom_lat, geom_mm, edge_mm, grid_west,
    grid_south, cell, grid_columns, grid_rows, grid_ptr, segments, edge_of_point, edges, to_u, to_v, origin_edge,
    origin_offset, origin_leg,
):  # fmt: skip
    """The raster, rows from south to north: square of the distance to the nearest street in metres, ``reach`` squared
    beyond that, and length of the way to that street's nearest point in mm, FAR_MM where it is not reached.
    """
    rows, columns = shape
    gap = np.full((rows, columns), reach * reach)
    way = np.full((rows, columns), FAR_MM)
    near = np.zeros(((rows >> BLOCK) + 1, (columns >> BLOCK) + 1), np.bool_)
    first = edges[0]
    taken = np.zeros(((edges[-1] - first) >> 3) + 1, np.uint8)
    for k in range(len(edges)):
        e = edges[k]
        taken[(e - first) >> 3] |= np.uint8(1 << ((e - first) & 7))
        start, stop = np.float64(to_u[k]), np.float64(to_v[k]) + edge_mm[e]
        offset = np.float64(origin_offset) if e == origin_edge else FAR_MM
        for s in range(geom_ptr[e], geom_ptr[e + 1] - 1):
            ax, ay = (geom_lng[s] - west) * kx, (geom_lat[s] - south) * ky
            bx, by = (geom_lng[s + 1] - west) * kx, (geom_lat[s + 1] - south) * ky
            i0, i1 = _span(ax, bx, reach, step_x, columns)
            j0, j1 = _span(ay, by, reach, step_y, rows)
            if i0 > i1 or j0 > j1:
                continue
            near[j0 >> BLOCK : (j1 >> BLOCK) + 1, i0 >> BLOCK : (i1 >> BLOCK) + 1] = True
            dx, dy = bx - ax, by - ay
            square = dx * dx + dy * dy
            per = 1.0 / square if square > 0.0 else 0.0
            run, base = geom_mm[s + 1] - geom_mm[s], geom_mm[s]
            for j in range(j0, j1 + 1):
                py = j * step_y - ay
                # without branches, so that the compiler works on several points at once
                gap_row, way_row = gap[j, i0 : i1 + 1], way[j, i0 : i1 + 1]
                for i in range(len(gap_row)):
                    px = (i0 + i) * step_x - ax
                    t = min(1.0, max(0.0, (px * dx + py * dy) * per))
                    ox, oy = px - t * dx, py - t * dy
                    d = ox * ox + oy * oy
                    along = base + t * run
                    length = min(start + along, stop - along, origin_leg + abs(along - offset))
                    is_nearer = d < gap_row[i]
                    gap_row[i] = d if is_nearer else gap_row[i]
                    way_row[i] = length if is_nearer else way_row[i]
    _rub_out(
        gap, way, near, taken, first, edges[-1], west, south, step_x, step_y, kx, ky, reach, geom_lng, geom_lat,
        grid_west, grid_south, cell, grid_columns, grid_rows, grid_ptr, segments, edge_of_point,
    )  # fmt: skip
    return gap, way


@nb.njit(nogil=True, cache=True)
def _rub_out(  # type: ignore[no-untyped-def]
    gap, way, near, taken, first, last, west, south, step_x, step_y, kx, ky, reach, geom_lng, geom_lat, grid_west,
    grid_south, cell, grid_columns, grid_rows, grid_ptr, segments, edge_of_point,
):  # fmt: skip
    """Take away what lies nearer to a street that is not reached."""
    rows, columns = gap.shape
    west_square = max(0, int((west - grid_west) / cell))
    east_square = min(grid_columns - 1, int((west + columns * step_x / kx - grid_west) / cell))
    south_square = max(0, int((south - grid_south) / cell))
    north_square = min(grid_rows - 1, int((south + rows * step_y / ky - grid_south) / cell))
    for square_j in range(south_square, north_square + 1):
        for square_i in range(west_square, east_square + 1):
            at = square_j * grid_columns + square_i
            for k in range(grid_ptr[at], grid_ptr[at + 1]):
                s = segments[k]
                e = edge_of_point[s]
                if first <= e <= last and taken[(e - first) >> 3] >> ((e - first) & 7) & 1:
                    continue
                # each segment once: in the first of its squares
                home_i = int((min(geom_lng[s], geom_lng[s + 1]) - grid_west) / cell)
                home_j = int((min(geom_lat[s], geom_lat[s + 1]) - grid_south) / cell)
                if max(home_i, west_square) != square_i or max(home_j, south_square) != square_j:
                    continue
                ax, ay = (geom_lng[s] - west) * kx, (geom_lat[s] - south) * ky
                bx, by = (geom_lng[s + 1] - west) * kx, (geom_lat[s + 1] - south) * ky
                i0, i1 = _span(ax, bx, reach, step_x, columns)
                j0, j1 = _span(ay, by, reach, step_y, rows)
                if i0 > i1 or j0 > j1:
                    continue
                if not near[j0 >> BLOCK : (j1 >> BLOCK) + 1, i0 >> BLOCK : (i1 >> BLOCK) + 1].any():
                    continue
                dx, dy = bx - ax, by - ay
                square = dx * dx + dy * dy
                per = 1.0 / square if square > 0.0 else 0.0
                for j in range(j0, j1 + 1):
                    py = j * step_y - ay
                    gap_row, way_row = gap[j, i0 : i1 + 1], way[j, i0 : i1 + 1]
                    for i in range(len(gap_row)):
                        px = (i0 + i) * step_x - ax
                        t = min(1.0, max(0.0, (px * dx + py * dy) * per))
                        ox, oy = px - t * dx, py - t * dy
                        d = ox * ox + oy * oy
                        is_nearer = d < gap_row[i]
                        gap_row[i] = d if is_nearer else gap_row[i]
                        way_row[i] = FAR_MM if is_nearer else way_row[i]


@nb.njit(nogil=True, cache=True)
def _depth(gap, way, limit, halo, pixel):  # type: ignore[no-untyped-def]
    """Metres beyond the limit or the halo, whichever is more; below 0 inside. Never more than a pixel either way, so
    that between a street that is reached and one that is not the contour runs in the middle.
    """
    rows, columns = gap.shape
    z = np.full((rows, columns), pixel)
    for j in range(1, rows - 1):
        for i in range(1, columns - 1):
            if way[j, i] >= FAR_MM:
                continue
            d = np.sqrt(gap[j, i])
            # half a pixel is free: no point of the raster lies on a street, and ways would end too early
            over = (way[j, i] - limit) * 1e-3 + max(0.0, d - pixel / 2)
            z[j, i] = max(min(pixel, max(-pixel, over)), min(pixel, d - halo))
    return z


def areas_km2(shapes: Sequence[MultiPolygon]) -> list[float]:
    """Areas on the ellipsoid of outlines that are oriented as ``outlines`` makes them.

    A sum over their points in an equal-area cylinder projection of the ellipsoid (Snyder 1987, 14-1 and 3-12); that its
    straight lines are not quite geodesics is nothing at these lengths.
    """
    _, points, (ring_ptr, polygon_ptr, shape_ptr) = shapely.to_ragged_array(shapes)
    if len(points) == 0:
        return [0.0] * len(shapes)
    e, sine = np.sqrt(ECCENTRICITY_SQUARED), np.sin(np.radians(points[:, 1]))
    q = (1 - e * e) * (sine / (1 - (e * sine) ** 2) + np.arctanh(e * sine) / e)
    strip = np.zeros(len(points))  # of the line from each point to the next; a ring's last point has none
    strip[:-1] = np.radians(points[:-1, 0] - points[1:, 0]) * (q[:-1] + q[1:]) / 2
    strip[ring_ptr[1:] - 1] = 0.0
    total = np.concatenate([[0.0], np.cumsum(strip)])[ring_ptr[polygon_ptr[shape_ptr]]]
    areas: list[float] = (np.diff(total) * SEMI_MAJOR_M**2 / 2 / 1e6).tolist()
    return areas
