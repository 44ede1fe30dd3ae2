"""Water that cannot be walked across, and hills that few streets climb. Plane metres (app.demo.plane)."""

from __future__ import annotations

from functools import cache

import numpy as np
import shapely

from app.demo import facts
from app.demo.plane import BoolArray, FloatArray, GeometryArray, segments, to_plane

BANK_M = 2.0  # streets keep at least this far off, so that rounding coordinates cannot wet them


class Water:
    """The main channels: one capsule (a segment with its half width around it) per stretch of centre line."""

    def __init__(self, centre_lines: list[FloatArray], half_widths_m: FloatArray) -> None:
        self.channel = np.concatenate([np.full(len(line) - 1, i) for i, line in enumerate(centre_lines)])
        start = np.concatenate([line[:-1] for line in centre_lines])
        end = np.concatenate([line[1:] for line in centre_lines])
        self.start, self.end = start, end
        self.half_width_m = half_widths_m[self.channel]
        self.axes: GeometryArray = segments(start[:, 0], start[:, 1], end[:, 0], end[:, 1])
        self.stretches: GeometryArray = shapely.buffer(self.axes, self.half_width_m, quad_segs=8)
        self._axis_tree = shapely.STRtree(self.axes)
        self._trees = {0.0: shapely.STRtree(self.stretches)}

    def _tree(self, margin_m: float) -> shapely.STRtree:
        if margin_m not in self._trees:
            grown = shapely.buffer(self.axes, self.half_width_m + margin_m, quad_segs=8)
            self._trees[margin_m] = shapely.STRtree(grown)
        return self._trees[margin_m]

    def touches(self, lines: GeometryArray, margin_m: float = BANK_M) -> BoolArray:
        """For every plane geometry: does it come within ``margin_m`` of water?"""
        hit = np.zeros(len(lines), dtype=np.bool_)
        hit[self._tree(margin_m).query(lines, predicate="intersects")[0]] = True
        return hit

    def holds(self, x: FloatArray, y: FloatArray, margin_m: float = BANK_M) -> BoolArray:
        """For every plane point: is it in the water, or nearer to it than ``margin_m``?"""
        return self.touches(np.asarray(shapely.points(x, y), dtype=np.object_), margin_m)

    def nearest_axis(self, x: float, y: float) -> int:
        """The stretch whose axis is nearest to a plane point."""
        return int(self._axis_tree.nearest(shapely.Point(x, y)))


@cache
def water() -> Water:
    """The channels of data/guangzhou/rivers.csv."""
    rivers = facts.rivers()
    lines = [np.column_stack(to_plane([p[0] for p in r.line], [p[1] for p in r.line])) for r in rivers]
    return Water(lines, np.array([r.width_m / 2 for r in rivers]))


def hill_height(x: FloatArray, y: FloatArray) -> FloatArray:
    """Where a plane point stands on the hills: 0 outside every ellipse, rising to 1 at a summit."""
    height = np.zeros(np.shape(x))
    for hill in facts.hills():
        cx, cy = to_plane(hill.lng, hill.lat)
        off = np.hypot((x - cx) / (hill.radius_east_km * 1e3), (y - cy) / (hill.radius_north_km * 1e3))
        height = np.maximum(height, 1.0 - off)
    return height
