"""``format=wx``: what the ``<map>`` of a WeChat mini-program takes as it is.

Coordinates are GCJ-02, latitude and longitude by name. Marker ids are numbers of at most nine digits, the same for a
station in every answer. Polygons have no holes. An answer stays below MOST_BYTES, since ``setData`` takes 256 KB: what
has to be left out for that is said.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import shapely

from app.api.answers import encode
from app.api.language import Language
from app.errors import ErrorItem, InvalidInput
from app.geo.crs import Crs, from_wgs84
from app.geo.holes import without_holes

MOST_BYTES = 200_000
DECIMALS = 6
MOST_ID = 999_999_999
TOLERANCES_M = (0.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0)
METRES_PER_DEGREE = 111_320.0
FILLS = ("#2b8a3e55", "#66a80f55", "#f08c0055", "#e8590c55", "#c92a2a55", "#86298055")
LINE_COLOUR, START_COLOUR = "#1c7ed6", "#495057"
CALLOUT = {
    "display": "BYCLICK", "padding": 8, "borderRadius": 6, "fontSize": 16, "bgColor": "#ffffff", "color": "#212529",
    "textAlign": "left",
}  # fmt: skip
START_ID = MOST_ID  # the reader's own position; no station has it


def marker_ids(codes: Iterable[str]) -> dict[str, int]:
    """A number for every code of all stations, from 1 on: that of its spelling, the next free one where two agree."""
    taken: dict[str, int] = {}
    used: set[int] = {START_ID}
    for code in sorted(codes):
        number = zlib.crc32(code.encode()) % MOST_ID + 1
        while number in used:
            number = number % MOST_ID + 1
        used.add(number)
        taken[code] = number
    return taken


def points(lng: Sequence[float], lat: Sequence[float]) -> list[dict[str, float]]:
    """WGS84 positions as the map takes them."""
    if len(lng) == 0:
        return []
    x, y = from_wgs84(lng, lat, Crs.GCJ02)
    return [
        {"latitude": b, "longitude": a}
        for a, b in zip(x.round(DECIMALS).tolist(), y.round(DECIMALS).tolist(), strict=True)
    ]


def marker(number: int, code: str | None, name: str, place: Mapping[str, float], said: str) -> dict[str, Any]:
    """One marker; ``said`` stands in the callout below the name."""
    return {
        "id": number, **place, "title": name, "code": code, "width": 28, "height": 36,
        "callout": {**CALLOUT, "content": f"{name}\n{said}" if said else name},
    }  # fmt: skip


def polygons(
    bands: Sequence[tuple[float, shapely.Geometry]], spare_bytes: int = 20_000
) -> tuple[list[dict[str, Any]], float]:
    """Polygons of bands (minutes, outline in WGS84), the largest below; and to how many metres they were simplified."""
    made: list[dict[str, Any]] = []
    for tolerance_m in TOLERANCES_M:
        made = [one for k, band in enumerate(bands) for one in _band(k, len(bands), band, tolerance_m)]
        if len(orjson.dumps(made)) <= MOST_BYTES - spare_bytes:
            return made, tolerance_m
    # the smallest pieces go: what is left is what can be seen
    made.sort(key=lambda one: len(one["points"]), reverse=True)
    while len(orjson.dumps(made)) > MOST_BYTES - spare_bytes:
        made.pop()
    return made, TOLERANCES_M[-1]


def _band(
    number: int, count: int, band: tuple[float, shapely.Geometry], tolerance_m: float
) -> list[dict[str, Any]]:  # fmt: skip
    minutes, outline = band
    if tolerance_m > 0:
        degrees = tolerance_m / METRES_PER_DEGREE
        outline = shapely.simplify(outline, degrees, preserve_topology=True)
        outline = shapely.multipolygons(_without_crumbs(outline, degrees * degrees))
    found = []
    for piece in without_holes(outline):
        ring = np.asarray(piece.exterior.coords)
        found.append(
            {
                "points": points(ring[:, 0].tolist(), ring[:, 1].tolist()), "minutes": minutes, "strokeWidth": 1,
                "strokeColor": FILLS[number % len(FILLS)][:7], "fillColor": FILLS[number % len(FILLS)],
                "zIndex": count - number,
            }
        )  # fmt: skip
    return found


def _without_crumbs(outline: shapely.Geometry, smallest: float) -> list[shapely.Polygon]:
    """Parts and holes that are not smaller than an area in degrees squared."""
    kept = []
    for part in shapely.get_parts(outline):
        if isinstance(part, shapely.Polygon) and part.area >= smallest:
            holes = [ring for ring in part.interiors if shapely.Polygon(ring).area >= smallest]
            kept.append(shapely.Polygon(part.exterior, holes))
    return kept


def polyline(lng: Sequence[float], lat: Sequence[float]) -> dict[str, Any]:
    """A walking way."""
    return {"points": points(lng, lat), "color": LINE_COLOUR, "width": 6, "arrowLine": True, "dottedLine": False}


def cut_to_size(body: dict[str, Any], name: str) -> dict[str, Any]:
    """The body with as many of the list ``name`` as fit; ``shown`` says how many."""
    while len(encode(body)) > MOST_BYTES and body[name]:
        body = {**body, name: body[name][: len(body[name]) * 3 // 4]}
    return {**body, "shown": len(body[name])}


def minutes_text(minutes: float, language: Language) -> str:
    """What a callout says of a walk."""
    return language.pick(f"步行约 {max(1, round(minutes))} 分钟", f"About {max(1, round(minutes))} min on foot")


def check_crs(field: str, crs: Crs | None) -> None:
    """Raises InvalidInput for another system than the map's."""
    if crs in (None, Crs.GCJ02):
        return
    item = ErrorItem(
        field, "format=wx 只有 GCJ-02", "format=wx is GCJ-02 only", value=str(crs),
        remedy_zh=f"去掉 {field},或写 {field}=gcj02", remedy_en=f"leave {field} out, or write {field}=gcj02",
    )  # fmt: skip
    raise InvalidInput("小程序的 map 只用 GCJ-02。", "The map of a mini-program takes GCJ-02 only.", errors=[item])
