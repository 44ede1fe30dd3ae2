"""What calls of OGC API – Features bring: coordinate systems by their address, boxes, the collection."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated

from fastapi import Path, Query
from starlette.requests import Request

from app.api.parameters import PLAIN_TEXT, refuse_unknown_but
from app.errors import ErrorItem, InvalidInput
from app.services.cell_grid import Box
from app.services.feature_tables import COLLECTIONS, collection_named

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
SYSTEMS = {  # whether the latitude comes first. CGCS2000 (4490) and WGS84 are treated as one: see docs/method.md
    CRS84: False, f"{EPSG}4326": True, f"{EPSG}4490": True,
}  # fmt: skip
MOST_ITEMS = 10_000


class FilterLanguage(StrEnum):
    TEXT = "cql2-text"
    JSON = "cql2-json"


CollectionInPath = Annotated[
    str,
    Path(
        min_length=1, max_length=40, pattern=PLAIN_TEXT, examples=["stations"],
        description=f"集合:{'、'.join(COLLECTIONS)} · Collection: one of these",
    ),
]  # fmt: skip
FeatureInPath = Annotated[
    str,
    Path(
        min_length=1, max_length=64, pattern=PLAIN_TEXT, examples=["YC440106-001"],
        description="要素编号 · Feature id",
    ),
]  # fmt: skip
CrsQuery = Annotated[
    str,
    Query(
        alias="crs", max_length=100, examples=[CRS84],
        description="回答的坐标系:CRS84(经度在前)、EPSG 4326 或 4490(纬度在前)· "
        "Of the answer: CRS84 (longitude first), EPSG 4326 or 4490 (latitude first)",
    ),
]  # fmt: skip
BoxCrsQuery = Annotated[
    str, Query(alias="bbox-crs", max_length=100, examples=[CRS84], description="bbox 的坐标系 · Of the bbox")
]
FilterCrsQuery = Annotated[
    str,
    Query(
        alias="filter-crs", max_length=100, examples=[CRS84], description="filter 中几何的坐标系 · Of shapes in filter"
    ),
]  # fmt: skip
BoxQuery = Annotated[
    str | None,
    Query(
        max_length=200, examples=["113.2,23.0,113.4,23.2"],
        description="四个数,按 bbox-crs 的次序;六个数则忽略高程 · "
        "Four numbers in the order of bbox-crs; of six, heights are ignored",
    ),
]  # fmt: skip
LimitQuery = Annotated[
    int, Query(ge=1, examples=[10], description=f"每页至多;超过 {MOST_ITEMS} 按 {MOST_ITEMS} · At most so many a page")
]
TimeQuery = Annotated[
    str | None,
    Query(
        alias="datetime", min_length=1, max_length=100, examples=["2026-01-01T00:00:00Z/.."],
        description="时刻或时段(RFC 3339),仅站点:那时在运营 · An instant or interval; stations alone: in service then",
    ),
]  # fmt: skip
FilterQuery = Annotated[
    str | None,
    Query(
        alias="filter", min_length=1, max_length=10_000, examples=["name LIKE '%天河%'"],
        description="CQL2 筛选,属性见 queryables · A filter in CQL2; properties are at queryables",
    ),
]  # fmt: skip
FilterLanguageQuery = Annotated[
    FilterLanguage, Query(alias="filter-lang", examples=["cql2-text"], description="筛选的写法 · How it is written")
]


async def refuse_unknown_of_collection(request: Request) -> None:
    """Dependency of the items: a property of the collection is a parameter, too."""
    name = request.path_params["collection_id"]
    known = dict.fromkeys(COLLECTIONS[name].by_name, False) if name in COLLECTIONS else {}
    refuse_unknown_but(request, known)


def equals_of(request: Request, collection_id: str) -> dict[str, str]:
    """What the query says of the collection's properties."""
    known = collection_named(collection_id).by_name
    return {name: value for name, value in request.query_params.items() if name in known}


def is_flipped(address: str, field: str = "crs") -> bool:
    """Does the latitude come first? Raises InvalidInput for a system that there is not."""
    if address in SYSTEMS:
        return SYSTEMS[address]
    item = ErrorItem(
        field, "不支持此坐标系", "this coordinate system is not supported", value=address,
        remedy_zh=f"可用:{'、'.join(SYSTEMS)}", remedy_en=f"one of {', '.join(SYSTEMS)}",
    )  # fmt: skip
    raise InvalidInput("坐标系有误。", "The coordinate system is wrong.", errors=[item])


def read_ogc_box(text: str, *, flipped: bool) -> Box:
    """West, south, east, north in WGS84 degrees; a west that is east of the east goes around the globe's back.

    Raises InvalidInput.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise _bad_box(text, "不是以逗号分隔的数", "is not numbers with commas between") from None
    if len(numbers) == 6:
        del numbers[5], numbers[2]
    if len(numbers) != 4:
        raise _bad_box(text, "不是四个或六个数", "is neither four nor six numbers")
    if not all(math.isfinite(number) for number in numbers):
        raise _bad_box(text, "含有非有限的数", "has a number that is not finite")
    a, b, c, d = numbers
    west, south, east, north = (b, a, d, c) if flipped else (a, b, c, d)
    if max(abs(south), abs(north)) > 90 or max(abs(west), abs(east)) > 180:
        raise _bad_box(text, "超出经纬度的范围,或次序有误", "is outside of the range of degrees, or in another order")
    if south > north:
        raise _bad_box(text, "南在北之北", "has its south north of its north")
    return west, south, east, north


def _bad_box(text: str, message_zh: str, message_en: str) -> InvalidInput:
    item = ErrorItem(
        "bbox", message_zh, message_en, value=text,
        remedy_zh="按 bbox-crs 的次序写,默认 西,南,东,北,如 113.2,23.0,113.4,23.2",
        remedy_en="write it in the order of bbox-crs, by default west,south,east,north: 113.2,23.0,113.4,23.2",
    )  # fmt: skip
    return InvalidInput("bbox 有误。", "The bbox is wrong.", errors=[item])
