"""Lengths and scales on the WGS84 ellipsoid."""

from __future__ import annotations

from functools import cache

import numba as nb
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Geod

from app.geo.arrays import FloatArray, IntArray

SEMI_MAJOR_M = 6_378_137.0
ECCENTRICITY_SQUARED = 0.006_694_379_990_141_317


@cache
def ellipsoid() -> Geod:
    return Geod(ellps="WGS84")


def metres_per_degree(lat: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Metres per degree of longitude and of latitude at a latitude (radii of curvature; exact in the limit).

    Used as a local flat map: over a kilometre the error is below one part in ten thousand.
    """
    phi = np.radians(np.asarray(lat, dtype=np.float64))
    w = 1.0 - ECCENTRICITY_SQUARED * np.sin(phi) ** 2
    east = np.cos(phi) * SEMI_MAJOR_M / np.sqrt(w)
    north = SEMI_MAJOR_M * (1.0 - ECCENTRICITY_SQUARED) / w**1.5
    return np.radians(1.0) * east, np.radians(1.0) * north


@nb.njit(cache=True)
def metres_per_degree_at(lat: float) -> tuple[float, float]:
    """The same for one latitude, for kernels and for questions about a single position."""
    phi = np.radians(lat)
    sine = np.sin(phi)
    w = 1.0 - ECCENTRICITY_SQUARED * (sine * sine)
    east = np.cos(phi) * SEMI_MAJOR_M / np.sqrt(w)
    north = SEMI_MAJOR_M * (1.0 - ECCENTRICITY_SQUARED) / (w * np.sqrt(w))
    return np.radians(1.0) * east, np.radians(1.0) * north


def distances_m(
    lng: npt.ArrayLike, lat: npt.ArrayLike, other_lng: npt.ArrayLike, other_lat: npt.ArrayLike
) -> FloatArray:
    """Geodesic distances in metres between points, pair by pair (broadcast)."""
    a, b, c, d = np.broadcast_arrays(lng, lat, other_lng, other_lat)
    return np.asarray(ellipsoid().inv(a, b, c, d)[2], dtype=np.float64)


def line_lengths_m(ptr: IntArray, lng: FloatArray, lat: FloatArray) -> FloatArray:
    """Geodesic length in metres of every line; line k has the points ``ptr[k]:ptr[k + 1]``, at least one."""
    lengths = np.zeros(len(ptr) - 1)
    if len(lng) < 2 or len(lengths) == 0:
        return lengths
    steps = distances_m(lng[:-1], lat[:-1], lng[1:], lat[1:])
    number = np.repeat(np.arange(len(lengths)), np.diff(ptr))
    inner = number[:-1] == number[1:]
    return np.bincount(number[:-1][inner], weights=steps[inner], minlength=len(lengths)).astype(np.float64)


def area_km2(geometry: shapely.Geometry) -> float:
    """Geodesic area of a polygon or multipolygon in WGS84 degrees, holes taken out."""
    total = 0.0
    for polygon in shapely.get_parts(geometry):
        total += abs(ellipsoid().geometry_area_perimeter(shapely.orient_polygons(polygon))[0])
    return total / 1e6
