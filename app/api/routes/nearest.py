"""The stations that can be reached on foot from a position, and attended.

Answered on the event loop where it is read from the reach table (some ten microseconds), in a thread where it takes a
search. The body is written in ``app.api.nearest_texts``; see also ``app.api.one_tap``.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import personal
from app.api.deps import snapshot_of, snapshot_then
from app.api.described import answers, problems
from app.api.language import language_of
from app.api.nearest_asked import Reading, Where, answer_crs, where_of
from app.api.nearest_texts import Asking, astray_body, body_of
from app.api.schemas.nearest import NearestFormat, NearestParameters, NearestQuestion, NearestStations
from app.api.schemas.wx import WxNearest
from app.api.wx import check_crs
from app.api.wx_nearest import wx_astray_body, wx_body_of
from app.errors import NotWalkable
from app.services.astray import DOUBT_FROM_M, Nearby, likely_crs, nearby_straight
from app.services.nearest import NearestAnswer, find_nearest, is_beyond_known, with_beyond
from app.services.uncertain_position import uncertainty_of

router = APIRouter(prefix="/stations", tags=["stations"])
SUMMARY = "步行最近的站点 · The nearest stations on foot"
RESPONSES = {**answers("最近的站点 · The nearest stations"), **problems()}


@router.get(
    "/nearest",
    operation_id="getNearestStations",
    openapi_extra={"x-example": "lng=113.2644&lat=23.1291&crs=gcj02"},
    summary=SUMMARY,
    response_model=NearestStations | WxNearest,
    responses=RESPONSES,
)
async def get_nearest_stations(request: Request, asked: Annotated[NearestParameters, Query()]) -> Response:
    """一次调用给出:走得到的站点(按步行时间,或按赶得上的场次)、是否开放、符合条件的场次与余位。附近没有时,`beyond`
    是更远处最近的一个,`online` 是符合条件的线上课程,`message` 是要告诉用户的话。与覆盖分析用同一张到达表。

    One call: the stations that can be walked to (by walk, or by the first session in time), whether they are open, and
    the sessions that fit with their seats. With nothing nearby, `beyond` has the nearest farther away, `online` the
    online courses that fit, `message` what to tell the reader. From the same table that coverage is counted with.
    Positions are neither kept nor logged; use POST to keep them out of addresses too, or `cell` to tell less.
    """
    return await _answer(request, Reading(asked), where_of(asked, asked.lng, asked.lat))


@router.post(
    "/nearest",
    operation_id="findNearestStations",
    summary=f"{SUMMARY}(位置不进入地址 · Position in the body)",
    response_model=NearestStations | WxNearest,
    responses={**RESPONSES, **problems(400, 413)},
)
async def find_nearest_stations(request: Request, question: NearestQuestion) -> Response:
    """与 GET 相同,参数写在 JSON 请求体里,位置不出现在地址中。

    The same as GET with its parameters in a JSON body, so that the position is not in the address.
    """
    return await _answer(request, Reading(question), where_of(question, question.lng, question.lat))


async def _answer(request: Request, reading: Reading, where: Where) -> Response:
    query, snapshot = reading.query(), snapshot_of(request)
    if reading.known_at is not None or not snapshot.stations.holds_on(query.day):
        snapshot = await run_in_threadpool(snapshot_then, request, query.day, reading.known_at)
    crs = answer_crs(reading, where.position)
    asking = Asking(snapshot, query, crs, language_of(request), reading.known_at)
    if reading.asked.format is NearestFormat.WX:
        check_crs("out_crs", reading.out_crs)
        return personal(request, await run_in_threadpool(_wx_body, asking, where))
    body = light_body(asking, where)
    if body is None:
        body = await run_in_threadpool(_heavy_body, asking, where)
    return personal(request, body)


def _wx_body(asking: Asking, where: Where) -> dict[str, Any]:
    """The same for a mini-program's map. Raises NotWalkable as the other forms do."""
    found = _found(asking, where)
    if isinstance(found, NearestAnswer):
        return wx_body_of(asking, where.position, found)
    nearby, inside = found
    return wx_astray_body(asking, where.position, nearby, inside_area=inside)


def _found(asking: Asking, where: Where) -> NearestAnswer | tuple[list[Nearby], bool]:
    """The answer; of a position that no street is known near, the nearest in a straight line, and whether it is inside.

    Raises NotWalkable where even a straight line leads to no station.
    """
    snapshot, query, position = asking.snapshot, asking.query, where.position
    try:
        answer = find_nearest(snapshot, position, query)
    except NotWalkable:
        nearby = nearby_straight(snapshot, position, query)
        if not nearby:
            raise
        return nearby, snapshot.areas.holds(position.lng, position.lat)
    return answer if answer.hits else with_beyond(snapshot, position, query, answer)


def light_body(asking: Asking, where: Where) -> bytes | None:
    """The answer as it is sent; None where it takes longer than a lookup, and so a thread."""
    snapshot, query = asking.snapshot, asking.query
    if where.accuracy_m is not None or not query.is_light(snapshot):
        return None
    try:
        answer = find_nearest(snapshot, where.position, query)
    except NotWalkable:
        return None
    if answer.snap.snap_m > DOUBT_FROM_M:
        return None
    if not answer.hits:
        if not is_beyond_known(snapshot, query):
            return None
        answer = with_beyond(snapshot, where.position, query, answer)
    return body_of(asking, answer)


def _heavy_body(asking: Asking, where: Where) -> bytes:
    """The answer to whatever question. Raises NotWalkable where even a straight line leads to no station."""
    snapshot, query, position = asking.snapshot, asking.query, where.position
    hint = likely_crs(snapshot, position, step_free=query.profile.step_free)
    found = _found(asking, where)
    if not isinstance(found, NearestAnswer):
        nearby, inside = found
        return astray_body(asking, nearby, inside_area=inside, hint=hint)
    uncertainty = None if where.accuracy_m is None else uncertainty_of(snapshot, position, query, where.accuracy_m)
    return body_of(asking, found, uncertainty=uncertainty, hint=hint)
