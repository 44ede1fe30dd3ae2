"""A clean partition of the city into districts and towns.

How: all district outlines and, inside each district, the Voronoi edges between its town centres are put into one
bundle of lines, which is noded on a grid of 1e-7 degree (a centimetre) and polygonised. Every face then belongs to
the district that holds a point inside it, and to that district's nearest town centre. Towns are unions of faces,
districts of towns, the city of districts: they share borders to the last vertex, so areas and people add up at every
level whatever slivers the outlines of a source may have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import shapely
from scipy.spatial import cKDTree
from shapely import MultiPolygon

from app.demo import districts, facts
from app.demo.plane import GeometryArray, to_lnglat, to_plane

NODING_GRID_DEG = 1e-7


@dataclass(frozen=True)
class Partition:
    """Outlines in WGS84. ``towns`` follows ``facts.towns()``; ``district_codes`` and ``districts`` run in parallel."""

    towns: tuple[MultiPolygon, ...]
    district_codes: tuple[str, ...]
    districts: tuple[MultiPolygon, ...]
    city: MultiPolygon


def _multipolygon(geometry: shapely.Geometry) -> MultiPolygon:
    return MultiPolygon([p for p in shapely.get_parts(geometry) if p.geom_type == "Polygon"])


def _voronoi_edges(members: Sequence[facts.TownFact], outline: shapely.Geometry) -> Any:
    """Edges between the town centres of one district (equidistant on the ground, not in degrees), within it."""
    x, y = to_plane([t.centre_lng for t in members], [t.centre_lat for t in members])
    box = shapely.box(*shapely.bounds(outline))
    plane_box = shapely.box(x.min() - 2e5, y.min() - 2e5, x.max() + 2e5, y.max() + 2e5)
    edges = shapely.voronoi_polygons(shapely.multipoints(np.column_stack([x, y])), extend_to=plane_box, only_edges=True)
    in_degrees = shapely.transform(edges, lambda xy: np.column_stack(to_lnglat(xy[:, 0], xy[:, 1])))
    return shapely.intersection(shapely.intersection(in_degrees, box), outline)


def _faces(lines: list[shapely.Geometry]) -> GeometryArray:
    noded = shapely.unary_union(np.array(lines, dtype=object), grid_size=NODING_GRID_DEG)
    faces: GeometryArray = shapely.get_parts(shapely.polygonize([noded]))
    return faces


@cache
def partition() -> Partition:
    """The city, its eleven districts and 176 towns as a clean partition (WGS84); same result on every call."""
    towns = facts.towns()
    outlines = districts.outlines()
    lines: list[shapely.Geometry] = []
    for code, outline in outlines.items():
        members = [t for t in towns if t.district_code == code]
        lines.append(outline.boundary)
        if len(members) > 1:
            lines.append(_voronoi_edges(members, outline))
    faces = _faces(lines)
    inside = shapely.point_on_surface(faces)
    px, py = to_plane(shapely.get_x(inside), shapely.get_y(inside))
    town_of_face = np.full(len(faces), -1)
    for code, outline in outlines.items():
        held = np.flatnonzero((town_of_face < 0) & shapely.contains(outline, inside))
        numbers = np.array([i for i, t in enumerate(towns) if t.district_code == code])
        cx, cy = to_plane([towns[i].centre_lng for i in numbers], [towns[i].centre_lat for i in numbers])
        nearest = cKDTree(np.column_stack([cx, cy])).query(np.column_stack([px[held], py[held]]))[1]
        town_of_face[held] = numbers[nearest]
    pieces = [_multipolygon(shapely.union_all(faces[town_of_face == i])) for i in range(len(towns))]
    codes = tuple(outlines)
    joined = tuple(
        _multipolygon(shapely.union_all([pieces[i] for i, t in enumerate(towns) if t.district_code == code]))
        for code in codes
    )
    return Partition(tuple(pieces), codes, joined, _multipolygon(shapely.union_all(joined)))
