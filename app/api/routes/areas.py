"""Areas: districts, towns, and the city itself."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import GEOJSON, cacheable
from app.api.caching import Freshness
from app.api.deps import LanguageDep, SessionDep, moment_of, snapshot_of
from app.api.described import NOT_MODIFIED, answers, problems
from app.api.parameters import AreaCode, AreaCodeInPath, AsOf, KnownAt, Simplify
from app.api.schemas.areas import Area, AreaDetail, AreaFeature, AreaFeatureAnswer, AreaFeatures, AreaList
from app.api.summaries import notice_at
from app.errors import NotReady
from app.models.vocabularies import AreaLevel, DatasetKind
from app.services.area_reads import get_area as read_area
from app.services.area_reads import list_areas as read_areas
from app.services.coverage import residents
from app.services.dataset_reads import database_version
from app.services.station_table import today

router = APIRouter(prefix="/areas", tags=["areas"])
KINDS = (DatasetKind.BOUNDARIES, DatasetKind.STATIONS, DatasetKind.POPULATION)  # for the figures


class AreaFormat(StrEnum):
    JSON = "json"
    GEOJSON = "geojson"


Format = Annotated[
    AreaFormat, Query(description="geojson 总带轮廓 · geojson always has outlines (WGS84)", examples=["json"])
]
Geometry = Annotated[bool, Query(description="是否带轮廓 · With outlines (WGS84)?", examples=[False])]


@router.get(
    "",
    operation_id="listAreas",
    summary="区划列表 · List areas",
    response_model=AreaList,
    responses={**answers("区划 · The areas", AreaFeatures), **NOT_MODIFIED, **problems(404)},
)
def list_areas(
    request: Request,
    session: SessionDep,
    language: LanguageDep,
    level: Annotated[AreaLevel | None, Query(description="级别 · Level", examples=["district"])] = None,
    parent: Annotated[
        AreaCode | None, Query(description="上级区划的代码 · Code of what they belong to", examples=["440106"])
    ] = None,
    geometry: Geometry = False,
    simplify_m: Simplify = 0.0,
    format: Format = AreaFormat.JSON,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """按代码排序,一次给全 · Sorted by code, all at once. 覆盖见 /v1/coverage · For coverage see /v1/coverage.

    `as_of` 与 `known_at` 关乎站点数;区划与居民是现用的 · They are about stations; areas and residents are those of now.
    """
    day, at = as_of or today(), moment_of(request, as_of, known_at)
    people, state = _residents(request)
    freshness = Freshness.of(request, f"{database_version(session)} {state} {day}")
    if freshness.is_held:
        return freshness.not_modified()
    outlines = geometry or format is AreaFormat.GEOJSON
    views = read_areas(session, day, level=level, parent_code=parent, outlines=outlines, simplify_m=simplify_m, at=at)
    notice = notice_at(session, language, KINDS, at)
    if format is AreaFormat.GEOJSON:
        features = [AreaFeature.of(view, people, language) for view in views]
        return cacheable(
            AreaFeatures(total=len(views), data_notice=notice, features=features), freshness, media_type=GEOJSON
        )
    areas = [Area.of(view, people, language) for view in views]
    return cacheable(AreaList(total=len(views), crs="wgs84", data_notice=notice, areas=areas), freshness)


@router.get(
    "/{code}",
    operation_id="getArea",
    summary="一个区划 · One area",
    response_model=AreaDetail,
    responses={**answers("区划 · The area", AreaFeatureAnswer), **NOT_MODIFIED, **problems(404)},
)
def get_area(
    request: Request,
    session: SessionDep,
    language: LanguageDep,
    code: AreaCodeInPath,
    geometry: Geometry = False,
    simplify_m: Simplify = 0.0,
    format: Format = AreaFormat.JSON,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """带上级与下级 · With what it belongs to and what belongs to it.

    `as_of` 与 `known_at` 关乎站点数;区划与居民是现用的 · They are about stations; areas and residents are those of now.
    """
    day, at = as_of or today(), moment_of(request, as_of, known_at)
    people, state = _residents(request)
    freshness = Freshness.of(request, f"{database_version(session)} {state} {day}")
    if freshness.is_held:
        return freshness.not_modified()
    outlines = geometry or format is AreaFormat.GEOJSON
    detail = read_area(session, day, code, outlines=outlines, simplify_m=simplify_m, at=at)
    notice = notice_at(session, language, KINDS, at)
    if format is AreaFormat.GEOJSON:
        feature = AreaFeatureAnswer.with_notice(detail.area, people, notice, language)
        return cacheable(feature, freshness, media_type=GEOJSON)
    return cacheable(AreaDetail.with_children(detail.area, detail.children, people, notice, language), freshness)


def _residents(request: Request) -> tuple[Mapping[str, int], str]:
    """Residents by area code, and the version of what they were read from; nothing before data is loaded."""
    try:
        snapshot = snapshot_of(request)
    except NotReady:
        return {}, ""
    return residents(snapshot), snapshot.version
