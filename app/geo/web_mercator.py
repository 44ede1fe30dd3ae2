"""The square map of web tiles (EPSG:3857): the world as a unit square, cut into 2^z × 2^z tiles at zoom z.

``x`` runs from 0 at 180° W to 1 at 180° E, ``y`` from 0 at 85.05° N down to 1 at 85.05° S. Tile (z, x, y) of the usual
numbering has its north-west corner at (x / 2^z, y / 2^z).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from app.geo.arrays import FloatArray

MAX_LAT = 85.0511287798066  # where the map ends: it is as high as it is wide


def to_world(lng: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """WGS84 degrees as ``x, y`` of the unit square; latitudes beyond the map's end are put there."""
    east = np.asarray(lng, dtype=np.float64)
    north = np.radians(np.clip(np.asarray(lat, dtype=np.float64), -MAX_LAT, MAX_LAT))
    return east / 360.0 + 0.5, 0.5 - np.arctanh(np.sin(north)) / (2.0 * np.pi)


def from_world(x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """``lng, lat`` in WGS84 degrees of places in the unit square."""
    east, south = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    return (east - 0.5) * 360.0, np.degrees(np.arcsin(np.tanh((0.5 - south) * (2.0 * np.pi))))


def tile_box(z: int, x: int, y: int, margin: float = 0.0) -> tuple[float, float, float, float]:
    """West, south, east, north of a tile in WGS84 degrees, wider on every side by a share of the tile's width."""
    side = 2.0**-z
    edges_x = np.array([x - margin, x + 1 + margin]) * side
    edges_y = np.array([y + 1 + margin, y - margin]) * side
    (west, east), (south, north) = from_world(edges_x, edges_y)
    return float(west), float(south), float(east), float(north)
