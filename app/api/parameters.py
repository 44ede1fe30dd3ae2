"""Query parameters: nothing unknown, nothing twice; and the ones that several routes share.

The OpenAPI document is what a call's parameters are checked against, so that what is documented and what is accepted
cannot differ. Every route below ``/v1`` is checked: see ``routes/__init__.py``.
"""

from __future__ import annotations

import difflib
import math
import re
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Path, Query
from pydantic import AwareDatetime, BeforeValidator
from pydantic_core import PydanticCustomError
from starlette.requests import Request

from app.api.faults import InternalError
from app.errors import ErrorItem, InvalidInput, UnknownParameter
from app.geo.crs import Crs
from app.services.positions import Position, read_position

REQUIRED = {"x-required": True}  # required in the document, while its absence is explained by a service
PLAIN_TEXT = r"^[^\x00-\x1f\x7f]*$"  # no control characters; PostgreSQL refuses NUL

AreaCode = Annotated[str, Query(min_length=1, max_length=32, pattern=PLAIN_TEXT)]
Within = Annotated[AreaCode | None, Query(description="只要此区划之内的 · Only inside this area", examples=["440106"])]
Simplify = Annotated[
    float,
    Query(
        ge=0, le=5000, allow_inf_nan=False, examples=[50],
        description="简化轮廓:略去小于此边长(米)的弯折,相邻区划的公共边界保持一致;0 为不简化 · "
        "Leave out bends smaller than this many metres; shared borders stay shared; 0 keeps every point",
    ),
]  # fmt: skip
BoxQuery = Annotated[
    str | None,
    Query(
        max_length=200, examples=["113.2,23.0,113.4,23.2"],
        description="西,南,东,北(总是 WGS84,与 crs 无关)· "
        "west,south,east,north in WGS84 degrees as in GeoJSON, whatever crs says",
    ),
]  # fmt: skip


def _written_out(value: object) -> object:
    """Pydantic takes a number for seconds since 1970; nobody means that by a day."""
    if isinstance(value, str) and not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise PydanticCustomError("date_parsing", "not a day written as year-month-day")
    return value


WrittenDay = Annotated[date, BeforeValidator(_written_out)]
WrittenMoment = Annotated[AwareDatetime, BeforeValidator(_written_out)]
KnownAt = Annotated[
    WrittenMoment | None,
    Query(
        examples=["2026-11-20T00:00:00+08:00"],
        description="当时所知(ISO 8601,带时区);默认现在 · As was known at that moment; now by default",
    ),
]  # fmt: skip
AsOf = Annotated[
    WrittenDay | None,
    Query(description="当日的情况;默认今天 · As it was on that day; today by default", examples=["2026-11-20"]),
]
CursorQuery = Annotated[
    str | None,
    Query(
        min_length=1, max_length=400, description="上一页的 next_cursor · next_cursor of the page before",
        examples=["WyI0ZjUzY2RhMThjMmIiLCJHWi0wMTAwIl0"],
    ),
]  # fmt: skip
StationCode = Annotated[
    str,
    Path(
        min_length=1,
        max_length=64,
        pattern=PLAIN_TEXT,
        description="站点代码 · Station code",
        examples=["YC440106-001"],
    ),
]
AreaCodeInPath = Annotated[
    str,
    Path(min_length=1, max_length=64, pattern=PLAIN_TEXT, examples=["440106"], description="区划代码 · Area code"),
]


async def refuse_unknown_parameters(request: Request) -> None:
    """Dependency of every route below ``/v1``.

    Raises UnknownParameter for a query parameter that the call does not have, and InvalidInput for one that comes more
    than once without being a list.
    """
    refuse_unknown_but(request, {})


def refuse_unknown_but(request: Request, also: Mapping[str, bool]) -> None:
    """The same; ``also`` are parameters besides those of the document, and whether each is a list."""
    given = Counter(name for name, _ in request.query_params.multi_items())
    if not given:
        return
    known = {**_parameters_of(request.app, request.scope["route"].operation_id), **also}
    unknown = [name for name in given if name not in known]
    if unknown:
        raise UnknownParameter(
            f"此调用没有参数 {'、'.join(name[:40] for name in unknown)}。",
            f"This call has no parameter {', '.join(name[:40] for name in unknown)}.",
            errors=[_unknown_item(name, request.query_params[name], sorted(known)) for name in unknown],
        )
    repeated = [name for name, count in given.items() if count > 1 and not known[name]]
    if repeated:
        raise InvalidInput(
            f"参数 {'、'.join(repeated)} 只能写一次。",
            f"{', '.join(repeated)} may be given only once.",
            errors=[
                ErrorItem(
                    name, "出现了多次", "comes more than once", value=" ".join(request.query_params.getlist(name)),
                    remedy_zh="只保留一个", remedy_en="keep one of them",
                )
                for name in repeated
            ],
        )  # fmt: skip


def _unknown_item(name: str, value: str, known: list[str]) -> ErrorItem:
    close = difflib.get_close_matches(name[:40].lower(), known, n=1)
    meant_zh = f"是否想写 {close[0]}?" if close else ""
    meant_en = f"did you mean {close[0]}? " if close else ""
    all_zh, all_en = ("、".join(known), ", ".join(known)) if known else ("无", "none")
    return ErrorItem(
        name[:40], "未知参数", "unknown parameter", value=value,
        remedy_zh=f"{meant_zh}可用参数:{all_zh}", remedy_en=f"{meant_en}allowed: {all_en}",
    )  # fmt: skip


def _parameters_of(app: FastAPI, operation_id: str | None) -> dict[str, bool]:
    """The query parameters of an operation and whether each is a list, from the OpenAPI document."""
    table: dict[str, dict[str, bool]] | None = getattr(app.state, "query_parameters", None)
    if table is None:
        table = {
            operation["operationId"]: {
                parameter["name"]: _is_list(parameter["schema"])
                for parameter in operation.get("parameters", ())
                if parameter["in"] == "query"
            }
            for operations in app.openapi()["paths"].values()
            for operation in operations.values()
        }
        app.state.query_parameters = table
    if operation_id is None or operation_id not in table:
        raise InternalError("此路由没有 operation_id。", "This route has no operation_id.")
    return table[operation_id]


def _is_list(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "array" or any(_is_list(one) for one in schema.get("anyOf", ()))


async def position_in_query(
    lng: Annotated[float, Query(description="经度(度),属于 crs · Longitude in degrees, in crs", examples=[113.2644])],
    lat: Annotated[float, Query(description="纬度(度),属于 crs · Latitude in degrees, in crs", examples=[23.1291])],
    crs: Annotated[
        str | None,
        Query(
            description="必填:lng、lat 所用的坐标系 · Required: the coordinate system of lng and lat",
            examples=["gcj02"],
            json_schema_extra={**REQUIRED, "enum": [crs.value for crs in Crs]},
        ),
    ] = None,
) -> Position:
    """The position that a call asks about. Raises CrsRequired or CoordinateInvalid."""
    return read_position(lng, lat, crs)


PositionQuery = Annotated[Position, Depends(position_in_query)]


def read_bbox(text: str) -> tuple[float, float, float, float]:
    """West, south, east, north in WGS84 degrees. Raises InvalidInput for anything that is not a box on the globe."""
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise _bad_box(text, "不是四个以逗号分隔的数", "is not four numbers with commas between") from None
    if not all(math.isfinite(value) for value in (west, south, east, north)):
        raise _bad_box(text, "含有非有限的数", "has a number that is not finite")
    if max(abs(south), abs(north)) > 90 and max(abs(west), abs(east)) <= 90:
        raise _bad_box(text, "经度与纬度似乎写反了", "seems to have longitude and latitude in each other's place")
    if max(abs(south), abs(north)) > 90 or max(abs(west), abs(east)) > 180:
        raise _bad_box(text, "超出经纬度的范围", "is outside of the range of degrees")
    if west > east or south > north:
        raise _bad_box(text, "西须不大于东,南须不大于北", "must have west ≤ east and south ≤ north")
    return west, south, east, north


def _bad_box(text: str, message_zh: str, message_en: str) -> InvalidInput:
    item = ErrorItem(
        "bbox", message_zh, message_en, value=text,
        remedy_zh="按 西,南,东,北 写 WGS84 度数,如 113.2,23.0,113.4,23.2",
        remedy_en="write west,south,east,north in WGS84 degrees, such as 113.2,23.0,113.4,23.2",
    )  # fmt: skip
    return InvalidInput("bbox 有误。", "The bbox is wrong.", errors=[item])
