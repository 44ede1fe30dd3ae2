"""The walking way from a position to one station.

A plain function: it runs in a thread, since a way beyond the reach table takes a search.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import orjson
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import GEOJSON, personal
from app.api.deps import LanguageDep, snapshot_then
from app.api.described import answers, problems
from app.api.language import Language
from app.api.method import ProfileQuery, SpeedQuery, profile_json
from app.api.nearest_texts import snap_json
from app.api.parameters import AsOf, KnownAt, PositionQuery, StationCode
from app.api.route_texts import route_message, step_texts
from app.api.schemas.common import Notice
from app.api.schemas.routes import PlacedRouteQuestion, RouteFeature, RouteFormat, RouteQuestion, WalkingRoute
from app.api.schemas.wx import WxRoute
from app.api.summaries import open_locations, snapshot_notice, station_summaries
from app.api.wx import START_ID, check_crs, cut_to_size, marker, minutes_text, points, polyline
from app.api.wx_nearest import ids_of
from app.errors import ErrorItem, InvalidInput
from app.geo.crs import Crs, from_wgs84
from app.geo.routes import RouteLine
from app.models.vocabularies import DatasetKind
from app.services.positions import Position, read_position
from app.services.profiles import WalkingProfile, resolve_profile
from app.services.routes import RouteAnswer, RouteEnd, find_route
from app.services.snapshot import Snapshot
from app.services.station_table import today

router = APIRouter(prefix="/stations", tags=["stations"])
KINDS = (DatasetKind.STATIONS, DatasetKind.NETWORK, DatasetKind.BOUNDARIES)
LINE_DECIMALS = 6  # a tenth of a metre


@router.get(
    "/{code}/route",
    operation_id="getStationRoute",
    summary="步行到一个站点的路线 · The walking way to a station",
    response_model=WalkingRoute | WxRoute,
    responses={**answers("路线 · The way", RouteFeature), **problems(404)},
)
def get_station_route(
    request: Request,
    language: LanguageDep,
    code: StationCode,
    position: PositionQuery,
    profile: ProfileQuery = "adult",
    speed_kmh: SpeedQuery = None,
    out_crs: Annotated[
        Crs | None,
        Query(
            description="返回坐标的坐标系,默认同 crs;geojson 只有 WGS84 · "
            "Coordinate system of the answer, as crs by default; geojson is WGS84 only",
            examples=["gcj02"],
        ),
    ] = None,
    format: Annotated[
        RouteFormat,
        Query(
            description="wx 用于小程序的 map(GCJ-02)· geojson is WGS84; wx has a polyline, GCJ-02",
            examples=["json"],
        ),
    ] = RouteFormat.JSON,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """沿街道的最短步行路线,步行秒数与最近站点的相同。再远也答;步行到不了时为 `not_walkable`。位置不保存,也不写入日志。

    The shortest way along the streets, with the same seconds as in the nearest stations, however far; `not_walkable`
    where one cannot walk. The position is neither kept nor logged.
    """
    asked = RouteQuestion(profile=profile, speed_kmh=speed_kmh, out_crs=out_crs, format=format, known_at=known_at,
                          as_of=as_of)  # fmt: skip
    return _answer(request, language, code, position, asked)


@router.post(
    "/{code}/route",
    operation_id="findStationRoute",
    summary="步行到一个站点的路线(位置不进入地址) · The walking way, with the position in the body",
    response_model=WalkingRoute | WxRoute,
    responses={**answers("路线 · The way", RouteFeature), **problems(400, 404, 413)},
)
def find_station_route(
    request: Request, language: LanguageDep, code: StationCode, question: PlacedRouteQuestion
) -> Response:
    """与 GET 相同,参数写在 JSON 请求体里 · The same as GET with its parameters in a JSON body."""
    position = read_position(question.lng, question.lat, question.crs)
    return _answer(request, language, code, position, question)


def _answer(
    request: Request, language: Language, code: str, position: Position, asked: RouteQuestion
) -> Response:  # fmt: skip
    walking = resolve_profile(asked.profile, asked.speed_kmh)
    as_geojson = asked.format is RouteFormat.GEOJSON
    if as_geojson and asked.out_crs not in (None, Crs.WGS84):
        raise _geojson_is_wgs84(asked.out_crs)
    if asked.format is RouteFormat.WX:
        check_crs("out_crs", asked.out_crs)
    crs = Crs.WGS84 if as_geojson else asked.out_crs or position.crs
    snapshot = snapshot_then(request, asked.as_of or today(), asked.known_at)
    answer = find_route(snapshot, code, position, walking)
    notice = snapshot_notice(snapshot, language, KINDS, asked.known_at)
    if asked.format is RouteFormat.WX:
        return personal(request, _wx_body(snapshot, answer, position, language, notice))
    facts = {**_facts(snapshot, answer, walking, crs, language), "data_notice": notice}
    line = line_json(answer.line, crs)
    if as_geojson:
        return personal(request, {"type": "Feature", "geometry": line, "properties": facts}, media_type=GEOJSON)
    return personal(request, {**facts, "line": line})


def _wx_body(
    snapshot: Snapshot, answer: RouteAnswer, position: Position, language: Language, notice: Notice | None
) -> dict[str, Any]:
    """See ``schemas.wx.WxRoute``."""
    station, hit = answer.hit.station, answer.hit
    drawn = polyline(answer.line.lng, answer.line.lat)
    line = drawn.parts[0]["points"]
    start, goal = points([position.lng, station.lng], [position.lat, station.lat])
    said = minutes_text(hit.walk_minutes, language)
    texts = step_texts(answer.steps, station.name, language)
    body = {
        "polyline": drawn.parts,
        "markers": [
            marker(START_ID, None, language.pick("出发位置", "Start"), start, ""),
            marker(ids_of(snapshot)[station.code], station.code, station.name, goal, said),
        ],
        "include_points": [start, goal, *line[:: max(1, len(line) // 20)]],
        "steps": [{"text": text, "walk_m": step.walk_m} for text, step in zip(texts, answer.steps, strict=True)],
        "walk_minutes": hit.walk_minutes,
        "walk_m": hit.walk_m,
        "message": route_message(answer, language),
        "open_location": open_locations(snapshot)[hit.number],
        "simplified_m": drawn.simplified_m,
        "steps_total": len(texts),
        "data_notice": notice,
    }
    return cut_to_size(body, "steps")


def line_json(line: RouteLine, crs: Crs) -> orjson.Fragment:
    """The line as GeoJSON writes lines, in any coordinate system, a tenth of a metre exact."""
    points = np.column_stack(from_wgs84(line.lng, line.lat, crs)).round(LINE_DECIMALS)
    made = {"type": "LineString", "coordinates": points}
    return orjson.Fragment(orjson.dumps(made, option=orjson.OPT_SERIALIZE_NUMPY))


def _facts(
    snapshot: Snapshot, answer: RouteAnswer, profile: WalkingProfile, crs: Crs, language: Language
) -> dict[str, Any]:
    """See ``schemas.routes.RouteFacts``; without the notice."""
    hit = answer.hit
    texts = step_texts(answer.steps, hit.station.name, language)
    return {
        "crs": crs.value,
        "station": station_summaries(snapshot, language, crs)[snapshot.stations.table.at[hit.station.code]],
        "walk_minutes": hit.walk_minutes,
        "walk_seconds": hit.walk_seconds,
        "walk_m": hit.walk_m,
        "straight_m": hit.straight_m,
        "detour": hit.detour,
        "steps": [{"text": text, **vars(step)} for text, step in zip(texts, answer.steps, strict=True)],
        "message": route_message(answer, language),
        "open_location": open_locations(snapshot)[hit.number],
        "inside_area": answer.inside_area,
        "snap": _end_json(answer.start, crs),
        "station_snap": _end_json(answer.goal, crs),
        "profile": profile_json(profile),
    }


def _end_json(end: RouteEnd, crs: Crs) -> dict[str, Any]:
    return {**snap_json(end.snap, crs), "island_m": end.island_m}


def _geojson_is_wgs84(crs: Crs | None) -> InvalidInput:
    item = ErrorItem(
        "out_crs", "GeoJSON(RFC 7946)只用 WGS84", "GeoJSON (RFC 7946) is WGS84 only", value=crs,
        remedy_zh="去掉 out_crs,或改用 format=json", remedy_en="leave out_crs out, or ask for format=json",
    )  # fmt: skip
    return InvalidInput("format=geojson 只有 WGS84。", "format=geojson does not go with this out_crs.", errors=[item])
