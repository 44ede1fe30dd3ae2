"""Contours of a raster as polygons that are valid by construction.

Marching squares (Lorensen & Cline 1987, in two dimensions) at level 0. Corners of the raster lie at whole steps of a
coordinate unit, and crossings are rounded to whole steps strictly between two corners: rings touch neither themselves
nor one another, and what is written with so many decimals is what was drawn. Where one raster is nowhere above another,
its polygons hold the other's: a crossing only moves outwards, and a saddle that is joined stays joined.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from app.geo.arrays import FloatArray, Int32Array, IntArray

# (from, to) by which corners are inside (1 south-west, 2 south-east, 4 north-east, 8 north-west); sides of a square are
# 0 south, 1 east, 2 north, 3 west; what is inside lies to the left. Rows 16 and 17 are the two saddles, joined.
_WAYS = np.array(
    [
        [-1, -1, -1, -1], [0, 3, -1, -1], [1, 0, -1, -1], [1, 3, -1, -1], [2, 1, -1, -1], [0, 3, 2, 1], [2, 0, -1, -1],
        [2, 3, -1, -1], [3, 2, -1, -1], [0, 2, -1, -1], [1, 0, 3, 2], [1, 2, -1, -1], [3, 1, -1, -1], [0, 1, -1, -1],
        [3, 0, -1, -1], [-1, -1, -1, -1], [0, 1, 2, 3], [3, 0, 1, 2],
    ],
    dtype=np.int8,
)  # fmt: skip


def contour_rings(
    z: FloatArray, step_x: int, step_y: int, scale_x: float, scale_y: float, tolerance: float
) -> tuple[IntArray, Int32Array, Int32Array]:
    """Rings around ``z <= 0``: points (n × 2, units from the corner of row 0, column 0), ring_ptr, polygon_ptr.

    Rows run from south to north; corners lie ``step_x`` and ``step_y`` (at least 2) units apart; the rim of ``z`` must
    be above 0. Ring k has the points ``ring_ptr[k]:ring_ptr[k + 1]``, closed; polygon p the rings
    ``polygon_ptr[p]:polygon_ptr[p + 1]``, the first around it (counter-clockwise), the others its holes (clockwise).

    With a ``tolerance`` above 0 points are left out that lie within it from the rest (Douglas & Peucker 1973), in the
    measure of ``scale_x`` and ``scale_y`` per unit. Rings so thinned may cross, seldom: test them, ask again with 0.
    """
    return _rings(z, step_x, step_y, scale_x, scale_y, tolerance)  # type: ignore[no-any-return]


@nb.njit(nogil=True, cache=True)
def _rings(z, step_x, step_y, scale_x, scale_y, tolerance):  # type: ignore[no-untyped-def]
    columns = z.shape[1]
    following, start, count = _link(z)
    ring_of = np.empty(2 * z.size, np.int32)
    points = np.empty((count + count // 3 + 1, 2), np.int64)  # a ring has at least four points, and one is repeated
    ptr = np.zeros(count // 3 + 2, np.int32)
    is_hole = np.zeros(count // 3 + 1, np.bool_)
    westmost = np.empty(count // 3 + 1, np.int64)
    rings = 0
    n = 0
    for k in range(count):
        side = start[k]
        if following[side] < 0:
            continue
        first = n
        most = np.int64(2 * z.size)
        column = columns
        while following[side] >= 0:
            points[n, 0], points[n, 1] = _crossing(z, side, step_x, step_y)
            n += 1
            ring_of[side] = rings
            if side & 1 == 0 and (side >> 1) % columns < column:
                column = (side >> 1) % columns
                most = side >> 1
            ahead = following[side]
            following[side] = -1
            side = ahead
        points[n] = points[first]
        n += 1
        area = 0.0
        for p in range(first, n - 1):
            area += points[p, 0] * points[p + 1, 1] - points[p + 1, 0] * points[p, 1]
        is_hole[rings] = area < 0
        westmost[rings] = most
        rings += 1
        ptr[rings] = n
    if tolerance > 0:
        points, ptr = _thinned(points, ptr, rings, scale_x, scale_y, tolerance)
    return _in_polygons(points, ptr, rings, is_hole, _owners(z, rings, ring_of, is_hole, westmost))


@nb.njit(nogil=True, cache=True)
def _link(z):  # type: ignore[no-untyped-def]
    """From crossed side to crossed side: side 2k runs east from corner k, side 2k + 1 north."""
    rows, columns = z.shape
    following = np.empty(2 * z.size, np.int32)
    start = np.empty(2 * z.size, np.int32)
    count = 0
    side = np.empty(4, np.int32)
    for j in range(rows - 1):
        case = (2 if z[j, 0] <= 0 else 0) + (4 if z[j + 1, 0] <= 0 else 0)
        for i in range(columns - 1):
            case = ((case & 2) >> 1) + ((case & 4) << 1)
            if z[j, i + 1] <= 0:
                case += 2
            if z[j + 1, i + 1] <= 0:
                case += 4
            if case == 0 or case == 15:
                continue
            way = case
            if (case == 5 or case == 10) and z[j, i] + z[j, i + 1] + z[j + 1, i] + z[j + 1, i + 1] <= 0:
                way = 16 if case == 5 else 17
            corner = j * columns + i
            side[0], side[1], side[2], side[3] = (
                2 * corner, 2 * corner + 3, 2 * (corner + columns), 2 * corner + 1
            )  # fmt: skip
            for k in range(0, 4, 2):
                if _WAYS[way, k] >= 0:
                    start[count] = side[_WAYS[way, k]]
                    following[start[count]] = side[_WAYS[way, k + 1]]
                    count += 1
    return following, start, count


@nb.njit(nogil=True, cache=True)
def _crossing(z, side, step_x, step_y):  # type: ignore[no-untyped-def]
    """Where a side is crossed, in whole units and strictly between its corners."""
    columns = z.shape[1]
    j, i = (side >> 1) // columns, (side >> 1) % columns
    here = z[j, i]
    if side & 1 == 0:
        share = here / (here - z[j, i + 1])
        return i * step_x + min(max(np.int64(np.rint(share * step_x)), 1), step_x - 1), j * step_y
    share = here / (here - z[j + 1, i])
    return i * step_x, j * step_y + min(max(np.int64(np.rint(share * step_y)), 1), step_y - 1)


@nb.njit(nogil=True, cache=True)
def _owners(z, rings, ring_of, is_hole, westmost):  # type: ignore[no-untyped-def]
    """The outer ring of every ring. West of a hole's westmost crossing all is inside up to the next ring's crossing:
    the outer ring itself, or another hole in it that reaches farther west.
    """
    columns = z.shape[1]
    owner = np.empty(rings, np.int64)
    for r in range(rings):
        at = r
        while is_hole[at]:
            corner = westmost[at] - 1
            while z[corner // columns, corner % columns] <= 0:
                corner -= 1
            at = ring_of[2 * corner]
        owner[r] = at
    return owner


@nb.njit(nogil=True, cache=True)
def _in_polygons(points, ptr, rings, is_hole, owner):  # type: ignore[no-untyped-def]
    """The rings sorted by polygon, each polygon's outer ring first."""
    order = np.empty(rings, np.int64)
    polygon_ptr = np.zeros(rings + 1, np.int32)
    polygons = 0
    done = 0
    for outer in range(rings):
        if is_hole[outer]:
            continue
        order[done] = outer
        done += 1
        for r in range(rings):
            if is_hole[r] and owner[r] == outer:
                order[done] = r
                done += 1
        polygons += 1
        polygon_ptr[polygons] = done
    sorted_points = np.empty((ptr[rings], 2), np.int64)
    sorted_ptr = np.zeros(rings + 1, np.int32)
    n = 0
    for k in range(rings):
        for p in range(ptr[order[k]], ptr[order[k] + 1]):
            sorted_points[n] = points[p]
            n += 1
        sorted_ptr[k + 1] = n
    return sorted_points, sorted_ptr, polygon_ptr[: polygons + 1]


@nb.njit(nogil=True, cache=True)
def _thinned(points, ptr, rings, scale_x, scale_y, tolerance):  # type: ignore[no-untyped-def]
    """The rings without the points that are not needed; those that would fall to a line stay as they are."""
    out = np.empty_like(points)
    out_ptr = np.zeros(rings + 1, np.int32)
    kept = np.zeros(len(points), np.bool_)
    waiting = np.empty((len(points), 2), np.int64)
    n = 0
    for r in range(rings):
        first, last = ptr[r], ptr[r + 1] - 1
        middle, far = first, -1.0
        for p in range(first + 1, last):
            d = np.hypot(
                (points[p, 0] - points[first, 0]) * scale_x, (points[p, 1] - points[first, 1]) * scale_y
            )  # fmt: skip
            if d > far:
                far, middle = d, p
        kept[first] = kept[last] = kept[middle] = True
        waiting[0, 0], waiting[0, 1], waiting[1, 0], waiting[1, 1] = first, middle, middle, last
        depth = 2
        while depth > 0:
            depth -= 1
            a, b = waiting[depth, 0], waiting[depth, 1]
            far, split = _farthest(points, a, b, scale_x, scale_y)
            if far > tolerance:
                kept[split] = True
                waiting[depth, 1] = split
                waiting[depth + 1, 0], waiting[depth + 1, 1] = split, b
                depth += 2
        needed = 0
        for p in range(first, last + 1):
            needed += kept[p]
        for p in range(first, last + 1):
            if kept[p] or needed < 4:
                out[n] = points[p]
                n += 1
        out_ptr[r + 1] = n
    return out, out_ptr


@nb.njit(nogil=True, cache=True)
def _farthest(points, a, b, scale_x, scale_y):  # type: ignore[no-untyped-def]
    """Of the points between a and b that farthest from the line from a to b: its distance, and which."""
    dx, dy = (points[b, 0] - points[a, 0]) * scale_x, (points[b, 1] - points[a, 1]) * scale_y
    square = dx * dx + dy * dy
    far, split = -1.0, a
    for p in range(a + 1, b):
        x, y = (points[p, 0] - points[a, 0]) * scale_x, (points[p, 1] - points[a, 1]) * scale_y
        t = min(1.0, max(0.0, (x * dx + y * dy) / square)) if square > 0 else 0.0
        d = (x - t * dx) ** 2 + (y - t * dy) ** 2
        if d > far:
            far, split = d, p
    return (np.sqrt(far) if far > 0 else far), split
