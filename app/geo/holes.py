"""Polygons with holes as polygons without any, for maps that draw none."""

from __future__ import annotations

from collections.abc import Iterator

import shapely
from shapely import Polygon

SMALLEST = 1e-18  # of degrees squared: crumbs that cutting leaves behind


def without_holes(geometry: shapely.Geometry) -> list[Polygon]:
    """The parts of a polygon or multipolygon, those with holes cut up along meridians through them: the same area, the
    same outline, no part overlaps another, and none has a hole.
    """
    return [piece for part in shapely.get_parts(geometry) for piece in _cut(part)]


def _cut(geometry: shapely.Geometry) -> Iterator[Polygon]:
    for part in shapely.get_parts(geometry):
        if not isinstance(part, Polygon) or part.area <= SMALLEST:
            continue
        if not part.interiors:
            yield part
            continue
        west, south, east, north = part.bounds
        left, _, right, _ = part.interiors[0].bounds
        middle = (left + right) / 2
        for box in (shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)):
            yield from _cut(shapely.intersection(part, box))
