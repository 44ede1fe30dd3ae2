"""The coordinate systems of Chinese maps: WGS84, CGCS2000, GCJ-02 and BD-09, in degrees, ``lng, lat``.

GCJ-02 moves a WGS84 position by some 100–700 m (590–640 m in Guangzhou); BD-09 moves a GCJ-02 position by about another
kilometre. Both are defined by their forward formula, in public use since 2010; it has no closed inverse, so the inverse
here is iterated until it is exact to better than 1e-9 degrees (0.1 mm).

CGCS2000 and WGS84 differ by less than a metre (two realisations of the ITRS at different epochs), less than the
accuracy of any position that this project meets: they are treated as one.

GCJ-02 is defined for a box around mainland China; outside of it the shift is zero. So within a shift (under 0.01
degrees) of the box's edge the system is ambiguous: a GCJ-02 position there can come from a point inside, moved, or
from one outside, left alone. ``to_wgs84`` takes the one inside, which keeps the round trip of every point of the box
exact. All four edges lie in the sea or far abroad. BD-09 applies its own displacement everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import numba as nb
import numpy as np
import numpy.typing as npt
from numba.extending import register_jitable

from app.geo.arrays import BoolArray, FloatArray

Contains = Callable[[FloatArray, FloatArray], BoolArray]

GCJ_SEMI_MAJOR_M = 6_378_245.0  # Krasovsky 1940, as the formula has it
GCJ_ECCENTRICITY_SQUARED = 0.006_693_421_622_965_943_23
GCJ_BOX = (72.004, 0.8293, 137.8347, 55.8271)  # west, south, east, north; WGS84, edges included
BD_TURNS = np.pi * 3000.0 / 180.0
BD_OFFSET_LNG, BD_OFFSET_LAT = 0.0065, 0.006
ROUNDS = 12  # each gains a factor of 50 or more: 12 go beyond the last bit from any start


class Crs(StrEnum):
    """A coordinate system by the name that it has in requests and options."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"
    BD09 = "bd09"
    CGCS2000 = "cgcs2000"

    @property
    def title_zh(self) -> str:
        return TITLES[self][0]

    @property
    def title_en(self) -> str:
        return TITLES[self][1]


TITLES = {
    Crs.WGS84: ("WGS84(GPS 坐标)", "WGS84 (GPS)"),
    Crs.GCJ02: ("GCJ-02(高德、腾讯、微信地图)", "GCJ-02 (Amap, Tencent, WeChat)"),
    Crs.BD09: ("BD-09(百度地图)", "BD-09 (Baidu)"),
    Crs.CGCS2000: ("CGCS2000(国家大地坐标系,天地图)", "CGCS2000 (national geodetic system, Tianditu)"),
}


def to_wgs84(lng: npt.ArrayLike, lat: npt.ArrayLike, crs: Crs) -> tuple[FloatArray, FloatArray]:
    """WGS84 ``lng, lat`` in degrees of positions given in ``crs``; arrays of any shape, or numbers. NaN stays NaN."""
    x, y = _pair(lng, lat)
    if crs is Crs.BD09:
        x, y = _undone(x, y, _gcj_to_bd)
    if crs in (Crs.BD09, Crs.GCJ02):
        inner_x, inner_y = _undone(x, y, _shifted)
        moved = _in_box(inner_x, inner_y, slack=1e-10)  # rounding must not push a point of the edge out
        x, y = np.where(moved, inner_x, x), np.where(moved, inner_y, y)
    return np.asarray(x), np.asarray(y)


def from_wgs84(lng: npt.ArrayLike, lat: npt.ArrayLike, crs: Crs) -> tuple[FloatArray, FloatArray]:
    """Positions in ``crs``, in degrees, of WGS84 ``lng, lat``; arrays of any shape, or numbers. NaN stays NaN."""
    x, y = _pair(lng, lat)
    if crs in (Crs.BD09, Crs.GCJ02):
        moved = _in_box(x, y)
        shifted_x, shifted_y = _shifted(x, y)
        x, y = np.where(moved, shifted_x, x), np.where(moved, shifted_y, y)
    if crs is Crs.BD09:
        x, y = _gcj_to_bd(x, y)
    return np.asarray(x), np.asarray(y)


def point_to_wgs84(lng: float, lat: float, crs: Crs) -> tuple[float, float]:
    """``to_wgs84`` of one position: a microsecond instead of a hundred, and the same to within 1e-12 degrees."""
    if crs in (Crs.WGS84, Crs.CGCS2000):
        return lng, lat
    x, y = _point_undone(lng, lat, crs is Crs.BD09)
    return float(x), float(y)


def point_from_wgs84(lng: float, lat: float, crs: Crs) -> tuple[float, float]:
    """``from_wgs84`` of one position, likewise."""
    if crs in (Crs.WGS84, Crs.CGCS2000):
        return lng, lat
    x, y = _point_moved(lng, lat, crs is Crs.BD09)
    return float(x), float(y)


def suspect_crs(lng: npt.ArrayLike, lat: npt.ArrayLike, contains: Contains) -> Crs | None:
    """The system that positions given as WGS84 are probably in, judged by where they should lie.

    ``contains`` says which WGS84 positions are in the right place. Among the positions that are not, the answer is
    the system, GCJ-02 or BD-09, which brings all of them inside when it is undone (GCJ-02 when both do); None when
    nothing is outside, or neither helps. It is evidence for a message, never a reason to move anything.
    """
    x, y = (np.atleast_1d(values) for values in _pair(lng, lat))
    outside = ~contains(x, y)
    if not outside.any():
        return None
    for crs in (Crs.GCJ02, Crs.BD09):
        if contains(*to_wgs84(x[outside], y[outside], crs)).all():
            return crs
    return None


def _pair(lng: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, y = np.broadcast_arrays(np.asarray(lng, dtype=np.float64), np.asarray(lat, dtype=np.float64))
    return x.copy(), y.copy()


@register_jitable
def _in_box(lng: FloatArray, lat: FloatArray, slack: float = 0.0) -> BoolArray:
    west, south, east, north = GCJ_BOX
    beside, above = (lng >= west - slack) & (lng <= east + slack), (lat >= south - slack) & (lat <= north + slack)
    return np.asarray(beside & above)


@register_jitable
def _shifted(lng: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The GCJ-02 formula, without regard to the box."""
    x, y = lng - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    common = 20.0 * (np.sin(6.0 * np.pi * x) + np.sin(2.0 * np.pi * x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (common + _waves(y) + 160.0 * np.sin(y * np.pi / 12.0) + 320.0 * np.sin(y * np.pi / 30.0)) / 1.5
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (common + _waves(x) + 150.0 * np.sin(x * np.pi / 12.0) + 300.0 * np.sin(x * np.pi / 30.0)) / 1.5
    phi = np.radians(lat)
    w = 1.0 - GCJ_ECCENTRICITY_SQUARED * np.sin(phi) ** 2
    meridian_m = GCJ_SEMI_MAJOR_M * (1.0 - GCJ_ECCENTRICITY_SQUARED) / (w * np.sqrt(w))
    parallel_m = GCJ_SEMI_MAJOR_M / np.sqrt(w) * np.cos(phi)
    return lng + np.degrees(east / parallel_m), lat + np.degrees(north / meridian_m)


@register_jitable
def _waves(value: FloatArray) -> FloatArray:
    return 20.0 * np.sin(np.pi * value) + 40.0 * np.sin(np.pi * value / 3.0)


@register_jitable
def _gcj_to_bd(lng: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    radius = np.hypot(lng, lat) + 0.00002 * np.sin(lat * BD_TURNS)
    angle = np.arctan2(lat, lng) + 0.000003 * np.cos(lng * BD_TURNS)
    return radius * np.cos(angle) + BD_OFFSET_LNG, radius * np.sin(angle) + BD_OFFSET_LAT


def _undone(
    lng: FloatArray, lat: FloatArray, forward: Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
) -> tuple[FloatArray, FloatArray]:
    """The position that ``forward`` takes to this one: what is missing is added again and again."""
    x, y = lng, lat
    for _ in range(ROUNDS):
        at_x, at_y = forward(x, y)
        x, y = x + (lng - at_x), y + (lat - at_y)
    return x, y


@nb.njit(nogil=True, cache=True)
def _point_undone(lng, lat, is_bd):  # type: ignore[no-untyped-def]
    x, y = lng, lat
    if is_bd:
        for _ in range(ROUNDS):
            at_x, at_y = _gcj_to_bd(x, y)
            x, y = x + (lng - at_x), y + (lat - at_y)
    outer_x, outer_y = x, y
    for _ in range(ROUNDS):
        at_x, at_y = _shifted(x, y)
        x, y = x + (outer_x - at_x), y + (outer_y - at_y)
    return (x, y) if _in_box(x, y, 1e-10) else (outer_x, outer_y)


@nb.njit(nogil=True, cache=True)
def _point_moved(lng, lat, is_bd):  # type: ignore[no-untyped-def]
    x, y = _shifted(lng, lat) if _in_box(lng, lat, 0.0) else (lng, lat)
    return _gcj_to_bd(x, y) if is_bd else (x, y)
