"""The drawing board: a flat metric plane over the city, used while generating and nowhere else.

An equidistant cylindrical map around 113.4 E, 23.2 N. Over the city (22.5–24.0 N) distances east–west are off by at
most 0.7 %: plenty for placing streets. What leaves the generator is WGS84, and every length that leaves it is
geodesic (app.geo.geodesy).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
GeometryArray = npt.NDArray[np.object_]

ORIGIN_LNG = 113.4
ORIGIN_LAT = 23.2
METRES_PER_DEGREE_LAT = 110_765.0  # at 23.2 N on the WGS84 ellipsoid
METRES_PER_DEGREE_LNG = 102_368.0
COORDINATE_DECIMALS = 7  # about a centimetre; what OSM stores


def to_plane(lng: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """WGS84 degrees to metres east and north of the origin."""
    x = (np.asarray(lng, dtype=np.float64) - ORIGIN_LNG) * METRES_PER_DEGREE_LNG
    y = (np.asarray(lat, dtype=np.float64) - ORIGIN_LAT) * METRES_PER_DEGREE_LAT
    return x, y


def to_lnglat(x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Metres on the plane to WGS84 degrees, rounded to COORDINATE_DECIMALS."""
    lng = np.asarray(x, dtype=np.float64) / METRES_PER_DEGREE_LNG + ORIGIN_LNG
    lat = np.asarray(y, dtype=np.float64) / METRES_PER_DEGREE_LAT + ORIGIN_LAT
    return np.round(lng, COORDINATE_DECIMALS), np.round(lat, COORDINATE_DECIMALS)


def geometry_to_plane(geometry: Any) -> Any:
    """A shapely geometry, or an array of them, from WGS84 to the plane."""
    return shapely.transform(geometry, lambda xy: np.column_stack(to_plane(xy[:, 0], xy[:, 1])))


def segments(x0: FloatArray, y0: FloatArray, x1: FloatArray, y1: FloatArray) -> GeometryArray:
    """Straight lines, one per row."""
    ends = np.stack([np.stack([x0, y0], -1), np.stack([x1, y1], -1)], axis=1)
    return np.asarray(shapely.linestrings(ends), dtype=np.object_)
