"""Faults of outlines, one by one and between neighbours. Geometries are WGS84."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from app.geo.geodesy import area_km2
from app.ingest.vectors import polygonal

MAX_REPAIR_CHANGE = 0.001  # of the area: beyond that a repair would be a guess
TOLERANCE_KM2 = 0.001  # overlaps and holes below 1,000 m² are counted, not listed
SAME_SHARE = 0.999  # of the smaller area inside the other: one lies in the other

PLACE = re.compile(r"^(.*?)\s*\[(-?[\d.eE+-]+)\s+(-?[\d.eE+-]+)\]")


@dataclass(frozen=True)
class Repair:
    """An outline made valid, how its area changed, and the fault with its place."""

    geometry: shapely.MultiPolygon
    change: float
    reason: str
    lng: float
    lat: float


@dataclass(frozen=True)
class Overlap:
    """Two areas (by position in the list) that share ground; ``share`` of the smaller one."""

    first: int
    second: int
    km2: float
    share: float
    lng: float
    lat: float


@dataclass(frozen=True)
class Hole:
    """Ground enclosed by several areas that belongs to none."""

    km2: float
    lng: float
    lat: float


def repair(geometry: shapely.Geometry) -> Repair | None:
    """What makes an outline valid; None when it is valid already. The caller decides by ``change``."""
    if shapely.is_valid(geometry):
        return None
    said = str(shapely.is_valid_reason(geometry))
    found = PLACE.match(said)
    point = shapely.point_on_surface(shapely.envelope(geometry))
    reason, lng, lat = said, float(shapely.get_x(point)), float(shapely.get_y(point))
    if found:
        reason, lng, lat = found[1], float(found[2]), float(found[3])
    valid = polygonal(shapely.make_valid(geometry, method="structure", keep_collapsed=False))
    if not shapely.is_valid(valid):  # parts that touch along a line: one union dissolves it
        valid = polygonal(shapely.union_all([shapely.make_valid(part) for part in valid.geoms]))
    before, after = float(shapely.area(geometry)), float(shapely.area(valid))
    largest = max(before, after)
    usable = largest > 0 and bool(shapely.is_valid(valid))
    return Repair(valid, abs(after - before) / largest if usable else 1.0, reason, lng, lat)


def overlaps(areas: npt.NDArray[np.object_]) -> list[Overlap]:
    """All pairs that share ground, largest first."""
    first, second = shapely.STRtree(areas).query(areas, predicate="intersects")
    first, second = first[first < second], second[first < second]
    shared = shapely.intersection(areas[first], areas[second])
    found = []
    for a, b, common in zip(first.tolist(), second.tolist(), shared, strict=True):
        ground = polygonal(common)
        if ground.is_empty:
            continue
        km2 = area_km2(ground)
        lng, lat = _place(ground)
        found.append(Overlap(a, b, km2, km2 / max(min(area_km2(areas[a]), area_km2(areas[b])), 1e-12), lng, lat))
    return sorted(found, key=lambda overlap: (-overlap.km2, overlap.first, overlap.second))


def holes(areas: npt.NDArray[np.object_]) -> list[Hole]:
    """Ground that two or more areas enclose and none holds, largest first."""
    tree = shapely.STRtree(areas)
    found = []
    for part in shapely.get_parts(shapely.union_all(areas)):
        for ring in part.interiors if isinstance(part, shapely.Polygon) else ():
            hole = shapely.Polygon(ring)
            if len(tree.query(hole, predicate="intersects")) > 1:
                found.append(Hole(area_km2(hole), *_place(hole)))
    return sorted(found, key=lambda hole: (-hole.km2, hole.lng, hole.lat))


def _place(geometry: shapely.Geometry) -> tuple[float, float]:
    point = shapely.point_on_surface(geometry)
    return round(float(shapely.get_x(point)), 6), round(float(shapely.get_y(point)), 6)
