"""``format=wx``: what the ``<map>`` of a WeChat mini-program takes as it is.

Coordinates are GCJ-02, latitude and longitude by name. Marker ids are numbers of at most nine digits, the same for a
station in every answer. Polygons have no holes. An answer stays below MOST_BYTES, since ``setData`` takes 256 KB: what
has to be left out for that is said.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import orjson
import shapely

from app.api.answers import encode
from app.api.language import Language
from app.errors import ErrorItem, InvalidInput
from app.geo.arrays import FloatArray
from app.geo.crs import Crs, from_wgs84
from app.geo.holes import without_holes

Values = Sequence[float] | FloatArray

MOST_BYTES = 200_000
MOST_LINE_BYTES = 150_000  # of lines: markers, words and steps come on top
MOST_POLYGON_BYTES = 190_000  # a marker, the people and a notice come on top
POINT_BYTES = len('{"latitude":23.128,"longitude":113.32612},')  # a little less than they mostly are
LEAST_PART_BYTES = 4 * len('{"latitude":23.1,"longitude":113.3},')  # a triangle
CRUMB_SIDES = 5.0  # tolerances to the side of the smallest part or hole
DECIMALS = 6
MOST_ID = 999_999_999
TOLERANCES_M = (0.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 60.0, 80.0, 120.0, 160.0)
METRES_PER_DEGREE = 111_320.0
FILLS = ("#2b8a3e55", "#66a80f55", "#f08c0055", "#e8590c55", "#c92a2a55", "#86298055")
LINE_COLOUR = "#1c7ed6"
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


def points(lng: Values, lat: Values) -> list[dict[str, float]]:
    """WGS84 positions as the map takes them."""
    if len(lng) == 0:
        return []
    x, y = from_wgs84(lng, lat, Crs.GCJ02)
    return [
        {"latitude": north, "longitude": east}
        for east, north in zip(x.round(DECIMALS).tolist(), y.round(DECIMALS).tolist(), strict=True)
    ]


def marker(number: int, code: str | None, name: str, place: Mapping[str, float], said: str) -> dict[str, Any]:
    """One marker; ``said`` stands in the callout below the name."""
    return {
        "id": number, **place, "title": name, "code": code, "width": 28, "height": 36,
        "callout": {**CALLOUT, "content": f"{name}\n{said}" if said else name},
    }  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """What the map is to draw: simplified by at most so many metres, without what is smaller than so many square
    metres; parts that are too many even so are left out.
    """

    parts: list[dict[str, Any]]
    simplified_m: float = 0.0
    smallest_m2: float = 0.0
    left_out: int = 0


def polygons(bands: Sequence[tuple[float, shapely.Geometry]], most_bytes: int = MOST_POLYGON_BYTES) -> Drawn:
    """Polygons of bands (minutes, outline in WGS84), from the smallest on, which lies on top.

    Where they are too large, parts and holes smaller than a block go, and of the rest no vertex that is left out lies
    farther than a tolerance from what is drawn. Where even that is too large, the smallest parts go.
    """
    for tolerance_m in TOLERANCES_M:
        smallest_m2 = (CRUMB_SIDES * tolerance_m) ** 2
        parts = [_simplified(outline, tolerance_m, smallest_m2) for _, outline in bands]
        is_last = tolerance_m == TOLERANCES_M[-1]
        if not is_last and sum(map(_vertices, parts)) * POINT_BYTES > most_bytes:  # cutting only adds to them
            continue
        found = [p for k, (minutes, _) in enumerate(bands) for p in _pieces(k, minutes, parts[k])]
        if not is_last and sum(len(piece.ring) for piece in found) * POINT_BYTES > most_bytes:
            continue
        made = [piece.drawn(len(bands)) for piece in found[: most_bytes // LEAST_PART_BYTES]]
        if len(made) == len(found) and len(orjson.dumps(made)) <= most_bytes:
            return Drawn(made, tolerance_m, smallest_m2)
    order = sorted(range(len(found)), key=lambda k: -found[k].area)[: most_bytes // LEAST_PART_BYTES]
    largest = [found[k].drawn(len(bands)) for k in order]
    fitting = how_many_fit(largest, most_bytes)
    made = [part for _, part in sorted(zip(order[:fitting], largest, strict=False), key=itemgetter(0))]
    return Drawn(made, tolerance_m, smallest_m2, len(found) - fitting)


class _Piece(NamedTuple):
    """A polygon without holes: a part of a band, or cut from one."""

    ring: FloatArray  # (n, 2), WGS84
    area: float  # degrees squared
    band: int  # 0 is the smallest
    minutes: float
    is_cut: bool

    def drawn(self, bands: int) -> dict[str, Any]:
        fill = FILLS[self.band % len(FILLS)]
        return {
            "points": points(self.ring[:, 0], self.ring[:, 1]),
            "minutes": self.minutes,
            "strokeWidth": 0 if self.is_cut else 1,  # a stroke would draw the cuts as well
            "strokeColor": fill[:7],
            "fillColor": fill,
            "zIndex": bands - self.band,
        }


def _simplified(outline: shapely.Geometry, tolerance_m: float, smallest_m2: float) -> Sequence[shapely.Geometry]:
    parts: Sequence[shapely.Geometry] = shapely.get_parts(outline).tolist()
    if tolerance_m == 0:
        return parts
    degrees = tolerance_m / METRES_PER_DEGREE  # of latitude: one of longitude is shorter
    _, south, _, north = shapely.bounds(outline)
    square_m = METRES_PER_DEGREE**2 * math.cos(math.radians((south + north) / 2))
    # half of it: where a ring begins is simplified by itself, and what is off there adds up. Part by part, since the
    # time for all at once grows with the square of their number
    kept = _without_crumbs(parts, smallest_m2 / square_m)
    return shapely.simplify(kept, degrees / 2, preserve_topology=True).tolist()  # type: ignore[no-any-return]


def _vertices(parts: Sequence[shapely.Geometry]) -> int:
    return int(shapely.get_num_coordinates(parts).sum())


def _pieces(number: int, minutes: float, parts: Sequence[shapely.Geometry]) -> Iterator[_Piece]:
    for whole in parts:
        pieces = without_holes(whole)
        for piece in pieces:
            ring = np.asarray(piece.exterior.coords)[:, :2]
            yield _Piece(ring, piece.area, number, minutes, is_cut=len(pieces) > 1)


def _without_crumbs(parts: Iterable[shapely.Geometry], smallest: float) -> list[shapely.Polygon]:
    """Parts and holes that are not smaller than an area in degrees squared."""
    kept = []
    for part in parts:
        if isinstance(part, shapely.Polygon) and part.area >= smallest:
            holes = [ring for ring in part.interiors if shapely.Polygon(ring).area >= smallest]
            kept.append(shapely.Polygon(part.exterior, holes))
    return kept


def polyline(lng: Values, lat: Values, most_bytes: int = MOST_LINE_BYTES) -> Drawn:
    """A walking way as the one line of the map; simplified, ends kept, where it has too many points."""
    line = shapely.linestrings(lng, lat)
    for tolerance_m in TOLERANCES_M:
        thinned = shapely.simplify(line, tolerance_m / METRES_PER_DEGREE, preserve_topology=False)
        x, y = shapely.get_coordinates(thinned if tolerance_m > 0 else line).T
        way = {"points": points(x, y), "color": LINE_COLOUR, "width": 6, "arrowLine": True, "dottedLine": False}
        if len(orjson.dumps(way)) <= most_bytes:
            break
    return Drawn([way], tolerance_m)


def cut_to_size(body: dict[str, Any], name: str, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """The body with as many of the list ``name`` as fit, from the first on."""
    left = most_bytes - len(encode({**body, name: []}))
    return {**body, name: body[name][: how_many_fit(body[name], left)]}


def how_many_fit(parts: Sequence[dict[str, Any]], most_bytes: int) -> int:
    """How many of the first parts a list of so many bytes of JSON holds."""
    sizes = np.cumsum([len(encode(part)) + 1 for part in parts])
    return int(np.searchsorted(sizes, most_bytes, side="right"))


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
