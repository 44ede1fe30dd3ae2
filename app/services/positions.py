"""Positions as people send them: a longitude, a latitude and, always, the name of their coordinate system."""

from __future__ import annotations

import math
from typing import NamedTuple

from app.errors import CoordinateInvalid, CrsRequired, ErrorItem
from app.geo.crs import Crs, point_to_wgs84

MAX_LNG, MAX_LAT = 180.0, 90.0


class Position(NamedTuple):  # made for every lookup: a frozen dataclass takes three times as long
    """``lng, lat`` in WGS84 degrees; ``given_lng, given_lat`` as they came, in ``crs``."""

    lng: float
    lat: float
    crs: Crs
    given_lng: float
    given_lat: float


def read_position(lng: float, lat: float, crs: str | None) -> Position:
    """The position in WGS84.

    Raises CrsRequired without ``crs``; CoordinateInvalid for an unknown system, a value that is not a number or out of
    range, and for longitude and latitude in each other's place.
    """
    return position_in(lng, lat, read_crs(crs))


def position_in(lng: float, lat: float, system: Crs) -> Position:
    """The same in a system that is known. Raises CoordinateInvalid."""
    check_degrees(lng, lat)
    return Position(*point_to_wgs84(lng, lat, system), system, lng, lat)


def read_crs(crs: str | None) -> Crs:
    """The coordinate system of that name. Raises CrsRequired when there is none, CoordinateInvalid when unknown."""
    if crs is None or not crs.strip():
        raise CrsRequired(
            "坐标没有注明坐标系(crs)。同一组数字在 WGS84 与 GCJ-02 之间,在广州相差 590 至 640 米,"
            "约为步行 15 分钟的一半,因此不作猜测。",
            "The coordinates came without their system (crs). In Guangzhou the same numbers read as WGS84 or as GCJ-02 "
            "are 590 to 640 m apart, half of a 15-minute walk, so it is never guessed.",
            errors=[
                ErrorItem(
                    "crs", "缺少坐标系", "the coordinate system is missing",
                    remedy_zh=f"加上 crs 参数:{_choices_zh()};微信小程序 wx.getLocation 的 type 写什么,这里就写什么",
                    remedy_en=f"add the parameter crs: {_choices_en()}; "
                    "in a WeChat mini-program, name the type that was asked of wx.getLocation",
                )
            ],
        )  # fmt: skip
    try:
        return Crs(crs)
    except ValueError:
        raise CoordinateInvalid(
            "坐标系不在支持之列。",
            "The coordinate system is not one of those supported.",
            errors=[
                ErrorItem(
                    "crs", "未知的坐标系", "unknown coordinate system", value=crs[:40],
                    remedy_zh=f"四者之一(小写):{_choices_zh()}",
                    remedy_en=f"one of these four, in lower case: {_choices_en()}",
                )
            ],
        ) from None  # fmt: skip


def check_degrees(lng: float, lat: float) -> None:
    """Raises CoordinateInvalid unless both are numbers of degrees within range, and not obviously swapped."""
    if -MAX_LNG <= lng <= MAX_LNG and -MAX_LAT <= lat <= MAX_LAT:
        return
    for field, value in (("lng", lng), ("lat", lat)):
        if not math.isfinite(value):
            raise _invalid(
                ErrorItem(
                    field, "不是有限的数", "is not a finite number", value=str(value),
                    remedy_zh="写十进制的度数,如 113.264385", remedy_en="write decimal degrees, such as 113.264385",
                )
            )  # fmt: skip
    if abs(lat) > MAX_LAT and abs(lng) <= MAX_LAT:
        raise _invalid(
            ErrorItem(
                "lat", "经度与纬度似乎写反了", "longitude and latitude seem to be in each other's place",
                value=str(lat),
                remedy_zh=f"应为 lng={lat}、lat={lng}", remedy_en=f"write lng={lat} and lat={lng}",
            )
        )  # fmt: skip
    for field, value, most in (("lng", lng, MAX_LNG), ("lat", lat, MAX_LAT)):
        if abs(value) > most:
            raise _invalid(
                ErrorItem(
                    field, f"超出范围 −{most:.0f} 至 {most:.0f}", f"is outside of −{most:.0f} to {most:.0f}",
                    value=str(value), remedy_zh="写以度为单位的经纬度(不是米制投影坐标,也不是乘以一百万后的整数)",
                    remedy_en="give degrees (neither projected metres nor degrees multiplied by a million)",
                )
            )  # fmt: skip


def _invalid(item: ErrorItem) -> CoordinateInvalid:
    return CoordinateInvalid("坐标无法使用。", "The coordinates cannot be used.", errors=[item])


def _choices_zh() -> str:
    return "、".join(f"{crs.value} = {crs.title_zh}" for crs in Crs)


def _choices_en() -> str:
    return ", ".join(f"{crs.value} = {crs.title_en}" for crs in Crs)
