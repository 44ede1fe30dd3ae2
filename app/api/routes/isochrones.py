"""How far one can walk: outlines or hexagons, and the people inside."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import numpy as np
import shapely
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import GEOJSON, JSON, cacheable, personal
from app.api.caching import Freshness
from app.api.deps import LanguageDep, snapshot_then
from app.api.described import NOT_MODIFIED, problems
from app.api.geometry import geometry_json
from app.api.language import Language
from app.api.method import ProfileQuery, SpeedQuery, profile_json
from app.api.nearest_texts import snap_json
from app.api.parameters import PLAIN_TEXT, AsOf, KnownAt
from app.api.schemas.isochrones import IsochroneHexes, Isochrones
from app.api.schemas.wx import WxIsochrones
from app.api.summaries import snapshot_notice, station_summaries
from app.api.wx import START_ID, marker, points, polygons
from app.api.wx_nearest import ids_of
from app.errors import ErrorItem, InvalidInput
from app.geo.crs import Crs
from app.geo.hexgrid import to_text
from app.models.vocabularies import DatasetKind
from app.services.isochrones import (
    HEX_RESOLUTION,
    IsochroneAnswer,
    isochrones_of_position,
    isochrones_of_station,
    read_minutes,
)
from app.services.positions import Position, read_position
from app.services.profiles import WalkingProfile, resolve_profile
from app.services.snapshot import Snapshot
from app.services.station_table import StationInfo, today

router = APIRouter(prefix="/isochrones", tags=["isochrones"])
KINDS = (DatasetKind.NETWORK, DatasetKind.POPULATION)
KINDS_OF_STATION = (*KINDS, DatasetKind.STATIONS)


class IsochroneFormat(StrEnum):
    GEOJSON = "geojson"
    HEXES = "hexes"
    WX = "wx"


@router.get(
    "",
    operation_id="getIsochrones",
    openapi_extra={"x-example": "station=YC440106-001&minutes=5,10,15"},  # of the reference page
    summary="步行等时圈 · Walking isochrones",
    response_class=Response,
    responses={
        200: {
            "description": "等时圈 · The bands",
            "content": {
                GEOJSON: {"schema": {"$ref": f"#/components/schemas/{Isochrones.__name__}"}},
                JSON: {
                    "schema": {
                        "anyOf": [
                            {"$ref": f"#/components/schemas/{kind.__name__}"} for kind in (IsochroneHexes, WxIsochrones)
                        ]
                    }
                },
            },
        },
        **NOT_MODIFIED,
        **problems(404),
    },
)
def get_isochrones(
    request: Request,
    language: LanguageDep,
    lng: Annotated[
        float | None, Query(description="经度(度),属于 crs · Longitude in degrees, in crs", examples=[113.2644])
    ] = None,
    lat: Annotated[
        float | None, Query(description="纬度(度),属于 crs · Latitude in degrees, in crs", examples=[23.1291])
    ] = None,
    crs: Annotated[
        str | None,
        Query(
            description="有 lng、lat 时必填 · Required with lng and lat", examples=["gcj02"],
            json_schema_extra={"enum": [crs.value for crs in Crs]},
        ),
    ] = None,
    station: Annotated[
        str | None,
        Query(
            min_length=1, max_length=64, pattern=PLAIN_TEXT, examples=["YC440106-001"],
            description="站点代码,代替 lng、lat、crs · A station instead of a position",
        ),
    ] = None,
    minutes: Annotated[
        str,
        Query(
            min_length=1, max_length=100, examples=["5,10,15"],
            description="1 到 6 个步行分钟数,逗号分隔,各大于 0、至多 60 · One to six, commas between, up to 60",
        ),
    ] = "5,10,15",
    profile: ProfileQuery = "adult",
    speed_kmh: SpeedQuery = None,
    format: Annotated[
        IsochroneFormat,
        Query(
            description="轮廓,或 H3 六边形,或小程序 map 的多边形(GCJ-02)· Outlines, H3 hexagons, or polygons of a map",
            examples=["geojson"],
        ),
    ] = IsochroneFormat.GEOJSON,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:  # fmt: skip
    """写 `lng`、`lat`、`crs`,或写 `station`,二者恰取其一。人数来自路网上的步行时间,不来自轮廓。坐标一律 WGS84
    (`format=wx` 为 GCJ-02)。

    Give `lng`, `lat` and `crs`, or `station`: exactly one of the two. People are counted by walking time along streets,
    not by what the outline covers. All coordinates are WGS84 but those of `format=wx`.
    """
    position = _position(lng, lat, crs, station)
    wanted, walking = read_minutes(_numbers(minutes)), resolve_profile(profile, speed_kmh)
    snapshot, hexes = snapshot_then(request, as_of or today(), known_at), format is IsochroneFormat.HEXES
    media_type = GEOJSON if format is IsochroneFormat.GEOJSON else JSON
    if position is not None:
        answer = isochrones_of_position(snapshot, position, wanted, walking, hexes=hexes)
        here = (position.lng, position.lat)
        body = (
            _wx_body(snapshot, answer, None, here, language, known_at)
            if format is IsochroneFormat.WX
            else _body(snapshot, answer, None, walking, language, known_at, hexes=hexes)
        )
        return personal(request, body, media_type=media_type)
    freshness = Freshness.of(request, snapshot.version)
    if freshness.is_held:
        return freshness.not_modified()
    found, answer = isochrones_of_station(snapshot, station or "", wanted, walking, hexes=hexes)
    if format is IsochroneFormat.WX:
        told = _wx_body(snapshot, answer, found, (found.lng, found.lat), language, known_at)
        return cacheable(told, freshness)
    body = _body(snapshot, answer, found, walking, language, known_at, hexes=hexes)
    return cacheable(body, freshness, media_type=media_type)


def _body(
    snapshot: Snapshot,
    answer: IsochroneAnswer,
    station: StationInfo | None,
    profile: WalkingProfile,
    language: Language,
    known_at: datetime | None,
    *,
    hexes: bool,
) -> dict[str, Any]:
    """See ``Isochrones`` and ``IsochroneHexes``."""
    known = {
        "snap": None if answer.snap is None else snap_json(answer.snap, Crs.WGS84),
        "station": None
        if station is None
        else station_summaries(snapshot, language, Crs.WGS84)[snapshot.stations.table.at[station.code]],
        "profile": profile_json(profile),
        "crs": Crs.WGS84.value,
        "data_notice": snapshot_notice(snapshot, language, KINDS if station is None else KINDS_OF_STATION, known_at),
    }
    if hexes:
        return {
            "resolution": HEX_RESOLUTION,
            "bands": [{"minutes": minutes, "population": people} for minutes, people in answer.people.items()],
            "cells": [{"h3": to_text(one.cell), "minutes": one.minutes} for one in answer.hexagons],
            **known,
        }
    features = [
        {
            "type": "Feature",
            "geometry": geometry_json(band.outline),
            "properties": {"minutes": band.minutes, "population": band.people, "area_km2": band.area_km2},
        }
        for band in reversed(answer.bands)
    ]
    return {"type": "FeatureCollection", "features": features, **known}


def _wx_body(
    snapshot: Snapshot, answer: IsochroneAnswer, station: StationInfo | None, here: tuple[float, float],
    language: Language, known_at: datetime | None,
) -> dict[str, Any]:  # fmt: skip
    """See ``schemas.wx.WxIsochrones``. ``here`` (WGS84) is where the walk begins."""
    drawn = polygons([(band.minutes, band.outline) for band in answer.bands])
    (place,) = points([here[0]], [here[1]])
    west, south, east, north = shapely.total_bounds([band.outline for band in answer.bands])
    name = language.pick("出发位置", "Start") if station is None else station.name
    number = START_ID if station is None else ids_of(snapshot)[station.code]
    return {
        "polygons": drawn.parts,
        "markers": [marker(number, None if station is None else station.code, name, place, "")],
        "include_points": points([west, east], [south, north]) if np.isfinite(west) else [place],
        "bands": [
            {"minutes": band.minutes, "population": band.people, "area_km2": band.area_km2}
            for band in reversed(answer.bands)
        ],
        "simplified_m": drawn.simplified_m,
        "smallest_m2": drawn.smallest_m2,
        "left_out": drawn.left_out,
        "data_notice": snapshot_notice(snapshot, language, KINDS if station is None else KINDS_OF_STATION, known_at),
    }


def _position(lng: float | None, lat: float | None, crs: str | None, station: str | None) -> Position | None:
    """The position asked about, None where a station is. Raises InvalidInput unless it is exactly one of the two."""
    given = [name for name, value in (("lng", lng), ("lat", lat), ("crs", crs)) if value is not None]
    if station is not None:
        if given:
            raise _one_of_two(
                ErrorItem(
                    "station", "与位置同时出现", "came together with a position", value=station,
                    remedy_zh=f"去掉 station,或去掉 {'、'.join(given)}",
                    remedy_en=f"leave out station, or {', '.join(given)}",
                )
            )  # fmt: skip
        return None
    if lng is not None and lat is not None:
        return read_position(lng, lat, crs)
    missing = [name for name, value in (("lng", lng), ("lat", lat)) if value is None]
    raise _one_of_two(
        *(
            ErrorItem(
                name, "缺少", "is missing", remedy_zh="写 lng、lat、crs,或写 station",
                remedy_en="give lng, lat and crs, or station",
            )
            for name in missing
        )
    )  # fmt: skip


def _one_of_two(*items: ErrorItem) -> InvalidInput:
    return InvalidInput(
        "请写一个位置(lng、lat、crs)或一个站点(station),二者恰取其一。",
        "Give a position (lng, lat, crs) or a station: exactly one of the two.",
        errors=items,
    )


def _numbers(text: str) -> list[float]:
    """The numbers of a comma list. Raises InvalidInput for anything else."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        item = ErrorItem(
            "minutes", "不是以逗号分隔的数", "is not numbers with commas between", value=text,
            remedy_zh="如 5,10,15", remedy_en="such as 5,10,15",
        )  # fmt: skip
        raise InvalidInput("步行时间有误。", "The walking times are wrong.", errors=[item]) from None
