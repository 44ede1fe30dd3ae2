"""Values in filters: numbers, texts, days, shapes; and what is said of those that are none."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
import orjson
import shapely
from shapely.geometry.base import BaseGeometry

from app.errors import ErrorItem, InvalidInput
from app.geo.arrays import FloatArray
from app.geo.opening_hours import TIME_ZONE

MOST_POINTS = 2_000
SHAPES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


class FilterFault(Exception):
    """What is wrong with an expression."""

    def __init__(self, message_zh: str, message_en: str) -> None:
        super().__init__(message_en)
        self.message_zh, self.message_en = message_zh, message_en


def refused(fault: FilterFault, text: str, field: str = "filter") -> InvalidInput:
    """The error that tells a fault."""
    item = ErrorItem(
        field, fault.message_zh, fault.message_en, value=text,
        remedy_zh="可用的属性见此集合的 queryables,写法如 population > 1000 AND name LIKE '天河%'",
        remedy_en="properties are at the collection's queryables; write as in population > 1000 AND name LIKE '天河%'",
    )  # fmt: skip
    return InvalidInput("筛选条件有误。", "The filter is wrong.", errors=[item])


def text_of(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise FilterFault("要与文字比较,写在单引号里", "is to be compared with a text in single quotes")


def number_of(value: Any) -> float:
    """A finite number, or the number that a text is."""
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,18}(\.\d{1,18})?", value, re.ASCII):
        return float(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise FilterFault("要与有限的数比较", "is to be compared with a finite number")


def day_of(value: Any) -> str:
    """A day as it is written in ISO 8601, of a date, a moment (its day in Guangzhou), or a text that is one."""
    written = value
    if isinstance(value, Mapping):
        written = value.get("date", value.get("timestamp"))
    if isinstance(written, str):
        try:
            if DAY.fullmatch(written):
                return date.fromisoformat(written).isoformat()
            if MOMENT.fullmatch(written):
                return datetime.fromisoformat(written.upper()).astimezone(TIME_ZONE).date().isoformat()
        except (ValueError, OverflowError):
            pass
    raise FilterFault("要与日期比较,如 DATE('2025-06-30')", "is to be compared with a day, such as DATE('2025-06-30')")


def read_shape(value: Any, *, flipped: bool) -> BaseGeometry:
    """A shape in WGS84, ``lng, lat``, of GeoJSON or of ``{"bbox": […]}``; ``flipped`` if it is written ``lat, lng``.

    Raises FilterFault.
    """
    if isinstance(value, Mapping) and "bbox" in value:
        corners = value["bbox"]
        if not isinstance(corners, Sequence) or isinstance(corners, str) or len(corners) != 4:
            raise FilterFault("BBOX 要四个数", "BBOX needs four numbers")
        a, b, c, d = (number_of(corner) for corner in corners)
        west, south, east, north = (b, a, d, c) if flipped else (a, b, c, d)
        if west > east or south > north:
            raise FilterFault("BBOX 的下限大于上限", "the lower corner of BBOX is above the upper one")
        return shapely.box(west, south, east, north)
    if not isinstance(value, Mapping) or value.get("type") not in SHAPES:
        raise FilterFault("要写几何,如 POINT(113.26 23.13)", "needs a shape, such as POINT(113.26 23.13)")
    try:
        made = shapely.from_geojson(orjson.dumps(dict(value)))
        points = shapely.get_coordinates(made)
    except (shapely.GEOSException, TypeError, ValueError, RecursionError):
        raise FilterFault("几何无法读取", "the shape cannot be read") from None
    if made is None or len(points) > MOST_POINTS or not np.isfinite(points).all():
        raise FilterFault(f"几何至多 {MOST_POINTS} 点", f"a shape has at most {MOST_POINTS} points")
    if flipped:

        def turned(positions: FloatArray) -> FloatArray:
            return positions[:, ::-1]

        made = shapely.transform(made, turned)
    shape: BaseGeometry = shapely.force_2d(made)
    if not shape.is_valid:
        raise FilterFault("几何自相交", "the shape crosses itself")
    return shape
