"""How well an outline shows what is reached: street length and people inside it, against those truly within the limit.

Nothing is sampled: streets are cut where the walk ends and where they cross the outline. Any outline can be measured,
so that ours stands beside others'.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon

from app.geo.arrays import BoolArray, FloatArray, Int32Array, IntArray
from app.geo.frontage import Frontage
from app.geo.geodesy import metres_per_degree
from app.geo.isochrone import ReachedStreets, people_within
from app.geo.network import WalkNetwork
from app.geo.snapping import SegmentGrid


@dataclass(frozen=True)
class ShapeQuality:
    """Lengths in metres. Streets not reached are counted within the bounding box of the outline only.

    People are those along streets (a cell linked to a street lives beside none: no outline is meant to hold it).
    ``people_inside`` live along street parts inside, reached or not. None where no people are known.
    """

    reached_m: float
    reached_inside_m: float
    unreached_m: float
    unreached_inside_m: float
    people_reached: float | None
    people_inside: float | None

    @property
    def reached_share(self) -> float:
        """Share of the reached street that is inside: 1 is best; NaN where none is reached."""
        return self.reached_inside_m / self.reached_m if self.reached_m else float("nan")

    @property
    def unreached_share(self) -> float:
        """Share of the street that is not reached, and inside all the same: 0 is best; NaN where all is reached."""
        return self.unreached_inside_m / self.unreached_m if self.unreached_m else float("nan")

    @property
    def people_ratio(self) -> float:
        """People inside for each one reached: 1 is best; NaN where nobody is reached or no people are known."""
        if not self.people_reached or self.people_inside is None:
            return float("nan")
        return self.people_inside / self.people_reached


def shape_quality(
    network: WalkNetwork,
    grid: SegmentGrid,
    frontage: Frontage | None,
    streets: ReachedStreets,
    limit_mm: int,
    outline: Polygon | MultiPolygon,
) -> ShapeQuality:
    """Measure an outline (WGS84, valid) for a limit of at most that of ``streets``."""
    scale = np.array([float(k) for k in metres_per_degree(float(streets.origin.lat[0]))])
    flat = shapely.transform(outline, lambda xy: xy * scale)
    shapely.prepare(flat)
    segment = _segments(network, grid, streets, outline)
    at, a_mm, b_mm, is_reached = _walked(network, grid.edge_of_point[segment], segment, streets, limit_mm)
    lines = _lines(network, segment[at], a_mm, b_mm) * scale
    length, inside = _lengths(lines), _lengths_within(flat, lines)
    in_box = _lengths_within(shapely.box(*flat.bounds), lines) if not flat.is_empty else np.zeros(len(lines))
    reached_people = people_inside = None
    if frontage is not None:
        along = replace(frontage, people=np.where(frontage.b_mm > frontage.a_mm, frontage.people, 0.0))
        [reached_people] = people_within(network, along, streets, [limit_mm])
        at, piece, a_mm, b_mm = _on_pieces(network, grid.edge_of_point[segment], segment, frontage)
        lines = _lines(network, segment[at], a_mm, b_mm) * scale
        whole = _lengths(lines)
        share = (b_mm - a_mm) / (frontage.b_mm - frontage.a_mm)[piece]
        share *= np.divide(_lengths_within(flat, lines), whole, out=np.zeros(len(lines)), where=whole > 0)
        people_inside = float((frontage.people[piece] * share).sum())
    return ShapeQuality(
        reached_m=float(length[is_reached].sum()),
        reached_inside_m=float(inside[is_reached].sum()),
        unreached_m=float(in_box[~is_reached].sum()),
        unreached_inside_m=float(inside[~is_reached].sum()),
        people_reached=reached_people,
        people_inside=people_inside,
    )


def reached_lines(network: WalkNetwork, streets: ReachedStreets, limit_mm: int) -> FloatArray:
    """The straight street parts within a limit: n × 2 × 2 (ends; ``lng, lat``)."""
    edges = streets.edge.tolist()
    segment = np.concatenate([np.arange(network.geom_ptr[e], network.geom_ptr[e + 1] - 1) for e in edges])
    edge = np.repeat(streets.edge, np.diff(network.geom_ptr)[streets.edge] - 1).astype(np.int32)
    at, a_mm, b_mm, is_reached = _walked(network, edge, segment, streets, limit_mm)
    return _lines(network, segment[at], a_mm, b_mm)[is_reached]


def _segments(
    network: WalkNetwork, grid: SegmentGrid, streets: ReachedStreets, outline: Polygon | MultiPolygon
) -> IntArray:
    """The segments around an outline and those of the reached edges, each once."""
    found = [np.arange(network.geom_ptr[e], network.geom_ptr[e + 1] - 1) for e in streets.edge.tolist()]
    if not outline.is_empty:
        west, south, east, north = outline.bounds
        i0 = max(0, int((west - grid.west) / grid.cell_degrees))
        i1 = min(grid.columns - 1, int((east - grid.west) / grid.cell_degrees))
        j0 = max(0, int((south - grid.south) / grid.cell_degrees))
        j1 = min(grid.rows - 1, int((north - grid.south) / grid.cell_degrees))
        for row in range(j0 * grid.columns, (j1 + 1) * grid.columns, grid.columns):
            found.append(grid.segments[grid.ptr[row + i0] : grid.ptr[row + i1 + 1]])
    return np.unique(np.concatenate(found)).astype(np.int64)


def _walked(
    network: WalkNetwork, edge: Int32Array, segment: IntArray, streets: ReachedStreets, limit_mm: int
) -> tuple[IntArray, FloatArray, FloatArray, BoolArray]:
    """The segments cut where the walk ends: which segment, from, to along its edge in mm, and whether it is reached."""
    origin, total = streets.origin, network.edge_mm[edge].astype(np.float64)
    at = np.minimum(np.searchsorted(streets.edge, edge), len(streets.edge) - 1)
    known = streets.edge[at] == edge
    low = np.where(known, limit_mm - streets.to_u[at].astype(np.float64), -1.0)  # reached: [0, low], [high, total]
    high = np.where(known, total - (limit_mm - streets.to_v[at].astype(np.float64)), total + 1.0)
    room = float(limit_mm) - float(origin.leg_mm[0])
    own = (edge == origin.edge[0]) & (room >= 0)
    near = np.where(own, float(origin.offset_mm[0]) - room, -1.0)  # and [near, far]
    far = np.where(own, float(origin.offset_mm[0]) + room, -1.0)
    first, last = network.geom_mm[segment].astype(np.float64), network.geom_mm[segment + 1].astype(np.float64)
    cuts = np.sort(np.clip(np.column_stack([first, low, high, near, far, last]), first[:, None], last[:, None]), axis=1)
    a_mm, b_mm = cuts[:, :-1].ravel(), cuts[:, 1:].ravel()
    number = np.repeat(np.arange(len(segment)), cuts.shape[1] - 1)
    middle = (a_mm + b_mm) / 2
    within = (middle < low[number]) | (middle > high[number]) | ((middle > near[number]) & (middle < far[number]))
    kept = b_mm > a_mm
    return number[kept], a_mm[kept], b_mm[kept], within[kept]


def _on_pieces(
    network: WalkNetwork, edge: Int32Array, segment: IntArray, frontage: Frontage
) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Where segments carry pieces of frontage: which segment, which piece, from, to along the edge in mm."""
    start, stop = (np.searchsorted(frontage.edge, edge, side=side) for side in ("left", "right"))
    count = stop - start
    number = np.repeat(np.arange(len(segment)), count)
    piece = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count) + np.repeat(start, count)
    first, last = (network.geom_mm[segment + k][number].astype(np.float64) for k in (0, 1))
    from_mm, to_mm = frontage.a_mm[piece].astype(np.float64), frontage.b_mm[piece].astype(np.float64)
    a_mm, b_mm = np.maximum(first, from_mm), np.minimum(last, to_mm)
    kept = b_mm > a_mm
    return number[kept], piece[kept], a_mm[kept], b_mm[kept]


def _lines(network: WalkNetwork, segment: IntArray, a_mm: FloatArray, b_mm: FloatArray) -> FloatArray:
    """The ends (n × 2 × 2, degrees) of the parts of segments from ``a_mm`` to ``b_mm`` along their edges."""
    first, last = network.geom_mm[segment], network.geom_mm[segment + 1]
    ends = []
    for mm in (a_mm, b_mm):
        t = (mm - first) / np.maximum(last - first, 1)
        lng = network.geom_lng[segment] * (1 - t) + network.geom_lng[segment + 1] * t
        lat = network.geom_lat[segment] * (1 - t) + network.geom_lat[segment + 1] * t
        ends.append(np.column_stack([lng, lat]))
    return np.stack(ends, axis=1)


def _lengths(lines: FloatArray) -> FloatArray:
    lengths: FloatArray = np.hypot(*(lines[:, 1] - lines[:, 0]).T)
    return lengths


def _lengths_within(area: shapely.Geometry, lines: FloatArray) -> FloatArray:
    """The length of every line inside an area."""
    made = np.asarray(shapely.linestrings(lines), dtype=np.object_).reshape(len(lines))
    inside = np.where(shapely.covers(area, made), _lengths(lines), 0.0)
    cut = np.flatnonzero((inside == 0) & shapely.intersects(area, made))
    inside[cut] = shapely.length(shapely.intersection(made[cut], area))
    return inside
