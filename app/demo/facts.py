"""The facts behind the demonstration city, read from data/guangzhou (see data/SOURCES.md for where each comes from)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.errors import FileUnreadable

DATA_FOLDER = Path(__file__).resolve().parents[2] / "data" / "guangzhou"
CITY_CODE = "4401"


@dataclass(frozen=True, slots=True)
class DistrictFact:
    """A district (or, with code 4401, the city). ``yearend2023_resident`` in persons is what the demonstration uses."""

    code: str
    name: str
    census2020_resident: int
    yearend2023_resident: int


@dataclass(frozen=True, slots=True)
class TownFact:
    """A town: real name, code and number of communities; a centre (WGS84) that is real or estimated."""

    code: str
    name: str
    kind: str  # 街道 or 镇
    district_code: str
    communities: int
    centre_lng: float
    centre_lat: float
    centre_kind: str  # geonames or estimated
    census2020_resident: int | None


@dataclass(frozen=True, slots=True)
class RiverFact:
    """A main channel: hand-drawn centre line (lng, lat in WGS84) and a mean width in metres."""

    name: str
    width_m: float
    line: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class BridgeFact:
    """A bridge that can be walked, near this point (WGS84) of the nearest channel."""

    name: str
    lng: float
    lat: float


@dataclass(frozen=True, slots=True)
class HillFact:
    """A hill or range as an upright ellipse around a point (WGS84), radii in kilometres."""

    name: str
    lng: float
    lat: float
    radius_east_km: float
    radius_north_km: float


def _rows(name: str) -> list[dict[str, str]]:
    path = DATA_FOLDER / name
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise FileUnreadable(
            f"演示城市的数据文件缺失:data/guangzhou/{name}。请完整检出项目后重试。",
            f"a file of the demonstration city is missing (data/guangzhou/{name}); check the project out completely",
        ) from error


@cache
def districts() -> tuple[DistrictFact, ...]:
    """The eleven districts by code, and the city (code 4401) last."""
    rows = [
        DistrictFact(r["code"], r["name"], int(r["census2020_resident"]), int(r["yearend2023_resident"]))
        for r in _rows("districts.csv")
    ]
    return tuple(sorted(rows, key=lambda d: (len(d.code) != 6, d.code)))


@cache
def towns() -> tuple[TownFact, ...]:
    """The 176 towns by code."""
    rows = [
        TownFact(
            code=r["code"],
            name=r["name"],
            kind=r["kind"],
            district_code=r["district_code"],
            communities=int(r["communities"]),
            centre_lng=float(r["centre_lng"]),
            centre_lat=float(r["centre_lat"]),
            centre_kind=r["centre_kind"],
            census2020_resident=int(r["census2020_resident"]) if r["census2020_resident"] else None,
        )
        for r in _rows("towns.csv")
    ]
    return tuple(sorted(rows, key=lambda t: t.code))


@cache
def rivers() -> tuple[RiverFact, ...]:
    """The main channels, in file order."""
    return tuple(
        RiverFact(
            r["name"],
            float(r["width_m"]),
            tuple((float(p.split()[0]), float(p.split()[1])) for p in r["line"].split(";")),
        )
        for r in _rows("rivers.csv")
    )


@cache
def bridges() -> tuple[BridgeFact, ...]:
    """The named bridges, in file order."""
    return tuple(BridgeFact(r["name"], float(r["lng"]), float(r["lat"])) for r in _rows("bridges.csv"))


@cache
def hills() -> tuple[HillFact, ...]:
    """The hills, in file order."""
    return tuple(
        HillFact(r["name"], float(r["lng"]), float(r["lat"]), float(r["radius_east_km"]), float(r["radius_north_km"]))
        for r in _rows("hills.csv")
    )
