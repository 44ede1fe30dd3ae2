"""How well outlines follow the streets that are reached, ours and others', at the same places and limits.

The peers are given what is reached (nodes, or street parts) and are timed for the shape alone; ours is timed for the
three bands together, areas left out, and its share of a band is given.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon

from app.errors import DomainError
from app.geo.arrays import FloatArray
from app.geo.geodesy import metres_per_degree
from app.geo.isochrone import ReachedStreets, reached_streets
from app.geo.network import WalkNetwork, limit_mm
from app.geo.outline import outlines
from app.geo.shape_quality import ShapeQuality, reached_lines, shape_quality
from app.geo.snapping import Places
from app.services.nearest import snap_position
from app.services.snapshot import Snapshot
from benchmarks.walking import SPEED_KMH, positions

POSITIONS = 30
MINUTES = (5, 10, 15)
CONCAVE_RATIO = 0.1
BUFFER_M = 50.0
Measured = tuple[ShapeQuality, float]


def run(snapshot: Snapshot) -> dict[str, Any]:
    """By shape and minutes: medians over places of the three measures, and of the time to draw one band."""
    limits = [limit_mm(minutes, SPEED_KMH) for minutes in MINUTES]
    figures: dict[str, dict[int, list[Measured]]] = {}
    for place in _places(snapshot):
        streets = reached_streets(snapshot.network, snapshot.searcher, place, limits[-1])
        started = time.perf_counter()
        ours = outlines(snapshot.network, snapshot.city.grid, streets, limits)
        each_ms = (time.perf_counter() - started) * 1e3 / len(limits)
        for minutes, limit, shape in zip(MINUTES, limits, ours, strict=True):
            made = {"ours": (shape, each_ms), **_peers(snapshot.network, streets, limit)}
            for name, (outline, ms) in made.items():
                measured = shape_quality(
                    snapshot.network, snapshot.city.grid, snapshot.city.frontage, streets, limit, outline
                )
                figures.setdefault(name, {}).setdefault(minutes, []).append((measured, ms))
    return {
        name: {f"{minutes}_min": _medians(values) for minutes, values in by_minutes.items()}
        for name, by_minutes in figures.items()
    }


def _places(snapshot: Snapshot) -> list[Places]:
    found = []
    for position in positions(snapshot, POSITIONS):
        try:
            found.append(snap_position(snapshot, position, step_free=False))
        except DomainError:
            continue  # beside no street
    return found


def _medians(values: list[Measured]) -> dict[str, float]:
    def median(one: Callable[[ShapeQuality], float]) -> float:
        known = [v for v in (one(quality) for quality, _ in values) if not np.isnan(v)]
        return round(statistics.median(known), 4) if known else float("nan")

    return {
        "reached_street_inside": median(lambda q: q.reached_share),
        "unreached_street_inside": median(lambda q: q.unreached_share),
        "people_inside_per_reached": median(lambda q: q.people_ratio),
        "median_ms": round(statistics.median(ms for _, ms in values), 3),
        "places": len(values),
    }


def _peers(
    network: WalkNetwork, streets: ReachedStreets, limit: int
) -> dict[str, tuple[Polygon | MultiPolygon, float]]:
    """Hulls of the nodes reached, and the reached street parts widened by BUFFER_M, with the time to make each."""
    ends = [
        (network.edge_u[streets.edge[streets.to_u <= limit]]),
        (network.edge_v[streets.edge[streets.to_v <= limit]]),
    ]
    nodes = np.unique(np.concatenate(ends))
    scale = np.array([float(k) for k in metres_per_degree(float(streets.origin.lat[0]))])
    points = shapely.multipoints(np.column_stack([network.node_lng[nodes], network.node_lat[nodes]]) * scale)
    lines = reached_lines(network, streets, limit) * scale
    actions: dict[str, Callable[[], shapely.Geometry]] = {
        "concave_hull_of_nodes": lambda: shapely.concave_hull(points, ratio=CONCAVE_RATIO),
        "convex_hull_of_nodes": lambda: shapely.convex_hull(points),
        "streets_widened_50_m": lambda: shapely.union_all(shapely.buffer(shapely.linestrings(lines), BUFFER_M)),
    }
    made = {}
    for name, action in actions.items():
        started = time.perf_counter()
        shape = action()
        made[name] = (_in_degrees(shape, scale), (time.perf_counter() - started) * 1e3)
    return made


def _in_degrees(shape: shapely.Geometry, scale: FloatArray) -> Polygon | MultiPolygon:
    """A flat shape in WGS84; what is only a line or a point has no inside."""
    turned = shapely.transform(shape, lambda xy: xy / scale)
    return turned if isinstance(turned, Polygon | MultiPolygon) else MultiPolygon()
