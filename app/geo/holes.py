"""Polygons with holes as polygons without any, for maps that draw none."""

from __future__ import annotations

from collections.abc import Iterator

import shapely
from shapely import Polygon

SMALLEST = 1e-18  # of degrees squared: crumbs that cutting leaves behind


def without_holes(geometry: shapely.Geometry) -> list[Polygon]:
    """The parts of a polygon or multipolygon, those with holes cut up along meridians through them: the same area, the
    same outline, no part overlaps another, and none has a hole.

    Every cut goes through the middle one of the holes from west to east, so that the number of cuts which a vertex
    takes part in grows with the logarithm of the number of holes. Exact but for the rounding of the points where a cut
    meets an edge. Points and lines have no area and are left out.
    """
    return list(_cut(geometry))


def _cut(geometry: shapely.Geometry) -> Iterator[Polygon]:
    for part in shapely.get_parts(geometry):
        if isinstance(part, shapely.GeometryCollection | shapely.MultiPolygon):
            yield from _cut(part)
        if not isinstance(part, Polygon) or part.area <= SMALLEST:
            continue
        meridian = _through_a_hole(part)
        if meridian is None:
            yield Polygon(part.exterior) if part.interiors else part
            continue
        west, south, east, north = part.bounds
        for box in (shapely.box(west, south, meridian, north), shapely.box(meridian, south, east, north)):
            yield from _cut(shapely.intersection(part, box))


def _through_a_hole(part: Polygon) -> float | None:
    """The longitude through the middle of the middle hole; None where no hole has any width in floating point."""
    middles = []
    for ring in part.interiors:
        west, _, east, _ = ring.bounds
        middle = (west + east) / 2
        if west < middle < east:
            middles.append(middle)
    return sorted(middles)[len(middles) // 2] if middles else None
