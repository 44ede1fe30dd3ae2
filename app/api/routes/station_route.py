"""The walking way from a position to one station.

A plain function: it runs in a thread, since a way beyond the reach table takes a search.
"""

from __future__ import annotations

from enum import StrEnum
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
from app.api.schemas.routes import RouteFeature, WalkingRoute
from app.api.summaries import snapshot_notice, station_summaries
from app.errors import ErrorItem, InvalidInput
from app.geo.crs import Crs, from_wgs84
from app.geo.routes import RouteLine
from app.models.vocabularies import DatasetKind
from app.services.profiles import WalkingProfile, resolve_profile
from app.services.routes import RouteAnswer, RouteEnd, find_route
from app.services.snapshot import Snapshot
from app.services.station_table import today

router = APIRouter(prefix="/stations", tags=["stations"])
KINDS = (DatasetKind.STATIONS, DatasetKind.NETWORK, DatasetKind.BOUNDARIES)
LINE_DECIMALS = 6  # a tenth of a metre


class RouteFormat(StrEnum):
    JSON = "json"
    GEOJSON = "geojson"


@router.get(
    "/{code}/route",
    operation_id="getStationRoute",
    summary="步行到一个站点的路线 · The walking way to a station",
    response_model=WalkingRoute,
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
        RouteFormat, Query(description="geojson 只有 WGS84 · geojson is WGS84 only", examples=["json"])
    ] = RouteFormat.JSON,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """沿街道的最短步行路线,步行秒数与最近站点的相同。再远也答;步行到不了时为 `not_walkable`。位置不保存,也不写入日志。

    The shortest way along the streets, with the same seconds as in the nearest stations, however far; `not_walkable`
    where one cannot walk. The position is neither kept nor logged.
    """
    walking = resolve_profile(profile, speed_kmh)
    as_geojson = format is RouteFormat.GEOJSON
    if as_geojson and out_crs not in (None, Crs.WGS84):
        raise _geojson_is_wgs84(out_crs)
    crs = Crs.WGS84 if as_geojson else out_crs or position.crs
    snapshot = snapshot_then(request, as_of or today(), known_at)
    answer = find_route(snapshot, code, position, walking)
    notice = snapshot_notice(snapshot, language, KINDS, known_at)
    facts = {**_facts(snapshot, answer, walking, crs, language), "data_notice": notice}
    line = line_json(answer.line, crs)
    if as_geojson:
        return personal(request, {"type": "Feature", "geometry": line, "properties": facts}, media_type=GEOJSON)
    return personal(request, {**facts, "line": line})


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
