"""Stations: list and search, and one of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import GEOJSON, cacheable
from app.api.caching import Freshness
from app.api.deps import LanguageDep, SessionDep, moment_of, snapshot_then
from app.api.described import NOT_MODIFIED, answers, problems
from app.api.paging import link_to_next, next_cursor, read_cursor
from app.api.parameters import PLAIN_TEXT, AreaCode, AsOf, BoxQuery, KnownAt, StationCode, WrittenDay, read_bbox
from app.api.schemas.common import Notice
from app.api.schemas.ledger_stations import PublicStateOut, StationHistory, public_record_of
from app.api.schemas.stations import (
    Attachment,
    Station,
    StationAnswer,
    StationFeature,
    StationFeatures,
    StationList,
    StationWalkable,
)
from app.api.schemas.wx import WxStations
from app.api.summaries import notice_at
from app.api.wx import MOST_BYTES, check_crs, cut_to_size, marker, marker_ids, points
from app.errors import ErrorItem, InvalidInput, NotReady
from app.geo.crs import Crs
from app.models.vocabularies import DatasetKind, HostKind, StationStatus, StationType
from app.repositories.stations import StationFilter, station_codes
from app.services.dataset_reads import database_version
from app.services.islands import codes_on_network, walkable_of
from app.services.snapshot import Snapshot
from app.services.station_history import public_history
from app.services.station_reads import StationPage, StationView, public_record
from app.services.station_reads import get_station as read_station
from app.services.station_reads import list_stations as read_stations
from app.services.station_table import today

router = APIRouter(prefix="/stations", tags=["stations"])
KINDS = (DatasetKind.STATIONS, DatasetKind.BOUNDARIES)
MOST_MARKER_BYTES = MOST_BYTES - 1_000  # the cursor comes on top


class StationFormat(StrEnum):
    JSON = "json"
    GEOJSON = "geojson"
    WX = "wx"


OutputCrs = Annotated[Crs, Query(description="返回坐标的坐标系 · Coordinate system of the answer", examples=["gcj02"])]


@router.get(
    "",
    operation_id="listStations",
    summary="站点列表与检索 · List and search stations",
    response_model=StationList | WxStations,
    responses={**answers("一页站点 · A page", StationFeatures), **NOT_MODIFIED, **problems(404)},
)
def list_stations(
    request: Request,
    session: SessionDep,
    language: LanguageDep,
    q: Annotated[
        str | None,
        Query(
            min_length=1, max_length=100, pattern=PLAIN_TEXT, examples=["天河南"],
            description="名称、地址或代码中含有的文字 · Text within name, address or code",
        ),
    ] = None,
    type: Annotated[
        list[StationType],
        Query(max_length=20, description="类型,可重复 · Type, repeatable", examples=[["community", "park"]]),
    ] = [],  # noqa: B006
    host_kind: Annotated[
        list[HostKind],
        Query(max_length=40, description="载体,可重复 · Host, repeatable", examples=[["party_service_centre"]]),
    ] = [],  # noqa: B006
    status: Annotated[
        list[StationStatus], Query(max_length=20, description="状态,可重复 · Status, repeatable", examples=[["open"]])
    ] = [],  # noqa: B006
    district: Annotated[AreaCode | None, Query(description="区代码 · District code", examples=["440106"])] = None,
    town: Annotated[AreaCode | None, Query(description="镇街代码 · Town code", examples=["440106011"])] = None,
    bbox: BoxQuery = None,
    open_on: Annotated[
        WrittenDay | None,
        Query(
            description="当日对外开放;未写 as_of 时也按当日的情况 · "
            "Open to the public on that day; without as_of, also as they were then",
            examples=["2025-12-31"],
        ),
    ] = None,
    walkable: Annotated[
        bool | None,
        Query(
            description="false 为附近没有相连道路、无人能步行到达的站点 · false: beside no street that leads anywhere",
            examples=[False],
        ),
    ] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    crs: OutputCrs = Crs.WGS84,
    limit: Annotated[int, Query(ge=1, le=500, description="每页条数 · Stations per page", examples=[100])] = 100,
    cursor: Annotated[
        str | None,
        Query(
            min_length=1, max_length=400, description="上一页的 next_cursor · next_cursor of the page before",
            examples=["WyI0ZjUzY2RhMThjMmIiLCJHWi0wMTAwIl0"],
        ),
    ] = None,
    format: Annotated[
        StationFormat,
        Query(
            description="wx 用于小程序的 map(GCJ-02)· geojson is WGS84; wx has map markers, GCJ-02",
            examples=["json"],
        ),
    ] = StationFormat.JSON,
) -> Response:  # fmt: skip
    """按代码排序,分页返回。所有条件同时成立;同一参数重复时取其一。

    Sorted by code, in pages. All conditions hold together; of a repeated parameter, any. The next page is at
    `next_cursor` (or the `Link` header) with the same conditions.
    """
    if format is StationFormat.GEOJSON and crs is not Crs.WGS84:
        raise _geojson_is_wgs84(crs)
    if format is StationFormat.WX and "crs" in request.query_params:
        check_crs("crs", crs)
    wanted = StationFilter(
        text=_text(q), types=[one.value for one in type], host_kinds=[one.value for one in host_kind],
        statuses=[one.value for one in status], district_code=district, town_code=town,
        bbox=read_bbox(bbox) if bbox is not None else None, open_on=open_on,
    )  # fmt: skip
    after_code = read_cursor(request, cursor)
    at = moment_of(request, as_of or open_on, known_at)
    state = f"{database_version(session)} {at}"
    if walkable is not None:
        snapshot = snapshot_then(request, as_of or open_on or today(), known_at)
        state = f"{state} {snapshot.version}"
        wanted = replace(wanted, codes=codes_on_network(snapshot, walkable))
    freshness = Freshness.of(request, state)
    if freshness.is_held:
        return freshness.not_modified()
    page = read_stations(session, wanted, after_code=after_code, limit=limit, crs=crs, at=at)
    notice = notice_at(session, language, KINDS, at)
    if format is StationFormat.WX:
        return _wx_answer(request, page, notice, freshness, marker_ids(station_codes(session)))
    return _page_answer(request, page, notice, freshness, format, crs)


def _wx_answer(
    request: Request, page: StationPage, notice: Notice | None, freshness: Freshness, ids: dict[str, int]
) -> Response:  # fmt: skip
    """See ``schemas.wx.WxStations``. A page that is too large is cut, and goes on where it was cut."""
    rows = [view.row for view in page.stations]
    places = points([row.lng for row in rows], [row.lat for row in rows])
    markers = [
        marker(ids[row.code], row.code, row.name, place, row.address or "")
        for row, place in zip(rows, places, strict=True)
    ]
    body = cut_to_size({"markers": markers, "total": page.total, "data_notice": notice}, "markers", MOST_MARKER_BYTES)
    shown = len(body["markers"])
    last = page.last_code if shown == len(rows) else rows[shown - 1].code
    cursor = None if last is None else next_cursor(request, last)
    return cacheable({**body, "shown": shown, "next_cursor": cursor}, freshness, headers=link_to_next(request, cursor))


def _page_answer(
    request: Request, page: StationPage, notice: Notice | None, freshness: Freshness, format: StationFormat, crs: Crs
) -> Response:
    cursor = None if page.last_code is None else next_cursor(request, page.last_code)
    link = link_to_next(request, cursor)
    language = freshness.language
    if format is StationFormat.GEOJSON:
        features = [StationFeature.of(view, language) for view in page.stations]
        body = StationFeatures(total=page.total, next_cursor=cursor, data_notice=notice, features=features)
        return cacheable(body, freshness, media_type=GEOJSON, headers=link)
    stations = [Station.of(view, language) for view in page.stations]
    listed = StationList(total=page.total, next_cursor=cursor, crs=crs.value, data_notice=notice, stations=stations)
    return cacheable(listed, freshness, headers=link)


@router.get(
    "/{code}",
    operation_id="getStation",
    summary="一个站点 · One station",
    response_model=StationAnswer,
    responses={**answers("站点 · The station"), **NOT_MODIFIED, **problems(404)},
)
def get_station(
    request: Request, session: SessionDep, language: LanguageDep, code: StationCode, crs: OutputCrs = Crs.WGS84,
    as_of: AsOf = None, known_at: KnownAt = None,
) -> Response:  # fmt: skip
    """代码不存在时,404 会给出相近的代码 · When there is no such code, the 404 names those that look like it."""
    at = moment_of(request, as_of, known_at)
    snapshot = _snapshot_if_any(request, as_of or today(), known_at)
    version = snapshot.version if snapshot is not None else ""
    freshness = Freshness.of(request, f"{database_version(session)} {version} {at}")
    if freshness.is_held:
        return freshness.not_modified()
    view = read_station(session, code, crs, at)
    notice = notice_at(session, language, KINDS, at)
    facts = Station.of(view, language).__dict__
    record = public_record_of(public_record(session, code, at), language)
    answer = StationAnswer(**facts, record=record, walkable=_walkable(snapshot, view), data_notice=notice)
    return cacheable(answer, freshness)


@router.get(
    "/{code}/history",
    operation_id="getStationHistory",
    summary="站点沿革 · A station's timeline",
    response_model=StationHistory,
    responses={**answers("沿革 · The timeline"), **NOT_MODIFIED, **problems(404)},
)
def get_station_history(request: Request, session: SessionDep, language: LanguageDep, code: StationCode) -> Response:
    """自何日起有何不同,按现在所知 · What was different from which day on, as is known now."""
    freshness = Freshness.of(request, database_version(session))
    if freshness.is_held:
        return freshness.not_modified()
    states = [PublicStateOut.of(state, language) for state in public_history(session, code)]
    return cacheable(StationHistory(code=code, states=states), freshness)


def _snapshot_if_any(request: Request, day: date, known_at: datetime | None) -> Snapshot | None:
    try:
        return snapshot_then(request, day, known_at)
    except NotReady:
        return None


def _walkable(snapshot: Snapshot | None, view: StationView) -> StationWalkable | None:
    told = None if snapshot is None else walkable_of(snapshot, view.row.code, view.row.lng, view.row.lat)
    if told is None:
        return None
    return StationWalkable(everywhere=Attachment.of(told.everywhere), step_free=Attachment.of(told.step_free))


def _text(q: str | None) -> str | None:
    if q is None:
        return None
    if not q.strip():
        item = ErrorItem(
            "q", "只有空白", "is blank", value=q, remedy_zh="写要找的文字,或去掉 q",
            remedy_en="write the text to look for, or leave q out",
        )  # fmt: skip
        raise InvalidInput("检索文字为空。", "The search text is blank.", errors=[item])
    return q.strip()


def _geojson_is_wgs84(crs: Crs) -> InvalidInput:
    item = ErrorItem(
        "crs", "GeoJSON(RFC 7946)只用 WGS84", "GeoJSON (RFC 7946) is WGS84 only", value=crs.value,
        remedy_zh="去掉 crs,或改用 format=json", remedy_en="leave crs out, or ask for format=json",
    )  # fmt: skip
    return InvalidInput("format=geojson 只有 WGS84。", "format=geojson does not go with this crs.", errors=[item])
