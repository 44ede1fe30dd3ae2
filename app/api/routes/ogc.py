"""OGC API – Features: what QGIS, GDAL and others open as layers."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.api.answers import GEOJSON, cacheable
from app.api.caching import Freshness
from app.api.deps import LanguageDep, snapshot_of
from app.api.described import NOT_MODIFIED, answers, problems
from app.api.ogc_definition import DEFAULT_LIMIT, definition
from app.api.ogc_documents import (
    CONFORMANCE,
    OPENAPI,
    SCHEMA_JSON,
    attribution,
    base_of,
    collection_info,
    features_of,
    items_links,
    landing_links,
    link,
    page_json,
    queryables,
    self_link,
)
from app.api.ogc_parameters import (
    CRS84,
    MOST_ITEMS,
    BoxCrsQuery,
    BoxQuery,
    CollectionInPath,
    CrsQuery,
    FeatureInPath,
    FilterCrsQuery,
    FilterLanguage,
    FilterLanguageQuery,
    FilterQuery,
    LimitQuery,
    TimeQuery,
    equals_of,
    is_flipped,
    read_ogc_box,
    refuse_unknown_of_collection,
)
from app.api.paging import next_cursor, read_cursor
from app.api.parameters import CursorQuery, refuse_unknown_parameters
from app.api.schemas.ogc import CollectionInfo, CollectionList, Conformance, LandingPage
from app.api.summaries import snapshot_notice
from app.errors import ErrorItem, InvalidInput, NotFound
from app.services.feature_queries import ItemsQuery, find_items, read_days
from app.services.feature_tables import COLLECTIONS, Collection, collection_named, table_of
from app.services.station_table import today

router = APIRouter(prefix="/ogc", tags=["ogc"])
CHECKED = [Depends(refuse_unknown_parameters)]


def _described(description: str, media_type: str, model: str) -> dict[int | str, dict[str, Any]]:
    content = {media_type: {"schema": {"$ref": f"#/components/schemas/{model}"}}}
    return {200: {"description": description, "content": content}}


@router.get(
    "",
    operation_id="getOgcLandingPage",
    summary="OGC API 入口 · Landing page",
    response_model=LandingPage,
    responses={**answers("入口 · The landing page"), **NOT_MODIFIED, **problems()},
    dependencies=CHECKED,
)
def get_landing_page(request: Request, language: LanguageDep) -> Response:
    """在 QGIS 里新建“WFS / OGC API – Features”连接,填此地址 · Give QGIS this address as a connection of that kind."""
    snapshot, base = snapshot_of(request), base_of(request)
    freshness = Freshness.of(request, f"{snapshot.version} {base}")
    if freshness.is_held:
        return freshness.not_modified()
    page = LandingPage(
        title=language.pick("羊城技能地图", "Yangcheng Skills Map"),
        description=language.pick(
            "站点、区划、人口网格、覆盖缺口与步行路网", "Stations, areas, population cells, gaps in coverage, streets"
        ),
        attribution=attribution(snapshot, language),
        links=landing_links(base, language),
        data_notice=snapshot_notice(snapshot, language),
    )
    return cacheable(page, freshness)


@router.get("/", include_in_schema=False)
async def get_landing_page_with_slash(request: Request) -> Response:
    """People write it both ways."""
    return RedirectResponse(base_of(request), status_code=308)


@router.get(
    "/api",
    operation_id="getOgcDefinition",
    summary="OpenAPI 3.0 接口说明 · The definition in OpenAPI 3.0",
    response_class=Response,
    responses={
        200: {"description": "OpenAPI 3.0", "content": {OPENAPI: {"schema": {"type": "object"}, "example": {}}}},
        **NOT_MODIFIED,
        **problems(),
    },
    dependencies=CHECKED,
)
def get_definition(request: Request, language: LanguageDep) -> Response:
    """供 QGIS、GDAL 读取;全部接口见 /openapi.json · For QGIS and GDAL; the whole service is at /openapi.json."""
    base = base_of(request)
    freshness = Freshness.of(request, base)
    if freshness.is_held:
        return freshness.not_modified()
    return cacheable(definition(request.app.openapi(), base, language), freshness, media_type=OPENAPI)


@router.get(
    "/conformance",
    operation_id="getOgcConformance",
    summary="符合的标准 · Conformance classes",
    response_model=Conformance,
    responses={**answers("符合性 · The classes"), **NOT_MODIFIED, **problems()},
    dependencies=CHECKED,
)
def get_conformance(request: Request) -> Response:
    """核心、GeoJSON、坐标系、CQL2 筛选 · Core, GeoJSON, coordinate systems, filters in CQL2."""
    freshness = Freshness.of(request, "")
    if freshness.is_held:
        return freshness.not_modified()
    return cacheable(Conformance(conformsTo=CONFORMANCE), freshness)


@router.get(
    "/collections",
    operation_id="listOgcCollections",
    summary="集合列表 · Collections",
    response_model=CollectionList,
    responses={**answers("集合 · The collections"), **NOT_MODIFIED, **problems()},
    dependencies=CHECKED,
)
def list_collections(request: Request, language: LanguageDep) -> Response:
    """站点、区、镇街、人口网格、覆盖缺口、步行路网 · Stations, districts, towns, population cells, gaps, streets."""
    snapshot, base = snapshot_of(request), base_of(request)
    freshness = Freshness.of(request, f"{snapshot.version} {base}")
    if freshness.is_held:
        return freshness.not_modified()
    found = CollectionList(
        links=[self_link(language, f"{base}/collections")],
        collections=[collection_info(snapshot, one, base, language) for one in COLLECTIONS.values()],
        data_notice=snapshot_notice(snapshot, language),
    )
    return cacheable(found, freshness)


@router.get(
    "/collections/{collection_id}",
    operation_id="getOgcCollection",
    summary="一个集合 · One collection",
    response_model=CollectionInfo,
    responses={**answers("集合 · The collection"), **NOT_MODIFIED, **problems(404)},
    dependencies=CHECKED,
)
def get_collection(request: Request, language: LanguageDep, collection_id: CollectionInPath) -> Response:
    """范围、坐标系与链接 · Its extent, coordinate systems and links."""
    collection = collection_named(collection_id)
    snapshot, base = snapshot_of(request), base_of(request)
    freshness = Freshness.of(request, f"{snapshot.version} {base}")
    if freshness.is_held:
        return freshness.not_modified()
    return cacheable(collection_info(snapshot, collection, base, language), freshness)


@router.get(
    "/collections/{collection_id}/queryables",
    operation_id="getOgcQueryables",
    summary="可筛选的属性 · Queryables",
    response_class=Response,
    responses={**_described("JSON Schema", SCHEMA_JSON, "Queryables"), **NOT_MODIFIED, **problems(404)},
    dependencies=CHECKED,
)
def get_queryables(request: Request, language: LanguageDep, collection_id: CollectionInPath) -> Response:
    """可写在 filter 里,也可各自作为查询参数(相等)· For filters, and as query parameters of their own (equality)."""
    collection, base = collection_named(collection_id), base_of(request)
    freshness = Freshness.of(request, base)
    if freshness.is_held:
        return freshness.not_modified()
    return cacheable(queryables(collection, base, language), freshness, media_type=SCHEMA_JSON)


@router.get(
    "/collections/{collection_id}/items",
    operation_id="listOgcItems",
    summary="集合的要素 · Features of a collection",
    response_class=Response,
    responses={**_described("一页 · A page", GEOJSON, "OgcFeatures"), **NOT_MODIFIED, **problems(404)},
    dependencies=[Depends(refuse_unknown_of_collection)],
)
def list_items(
    request: Request,
    language: LanguageDep,
    collection_id: CollectionInPath,
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = None,
    bbox: BoxQuery = None,
    bbox_crs: BoxCrsQuery = CRS84,
    crs: CrsQuery = CRS84,
    when: TimeQuery = None,
    filter_text: FilterQuery = None,
    filter_lang: FilterLanguageQuery = FilterLanguage.TEXT,
    filter_crs: FilterCrsQuery = CRS84,
) -> Response:
    """按编号次序;下一页用 links 中的 next。集合的属性都可作为查询参数(相等),如 `district_code=440106`。

    In the order of ids; follow the link `next`. Every property of the collection is a parameter as well (equality),
    as `district_code=440106`. Coverage is today's: an adult's 15 minutes, all open stations.
    """
    collection = collection_named(collection_id)
    flipped = is_flipped(crs)
    box_flipped, filter_flipped = is_flipped(bbox_crs, "bbox-crs"), is_flipped(filter_crs, "filter-crs")
    query = ItemsQuery(
        limit=min(limit, MOST_ITEMS),
        after_id=read_cursor(request, cursor),
        box=None if bbox is None else read_ogc_box(bbox, flipped=box_flipped),
        days=None if when is None else _days(collection, when),
        equals=equals_of(request, collection_id),
        filter_text=filter_text,
        filter_is_json=filter_lang is FilterLanguage.JSON,
        filter_flipped=filter_flipped,
    )
    snapshot, day = snapshot_of(request), today()
    freshness = Freshness.of(request, f"{snapshot.version} {day} {base_of(request)}")
    if freshness.is_held:
        return freshness.not_modified()
    table = table_of(snapshot, collection, day)
    page = find_items(collection, table, query)
    following = None if page.last_id is None else next_cursor(request, page.last_id)
    links = items_links(request, language, collection, following)
    body = page_json(table, page, links, flipped=flipped, notice=snapshot_notice(snapshot, language))
    return cacheable(body, freshness, media_type=GEOJSON, headers={"Content-Crs": f"<{crs}>"})


@router.get(
    "/collections/{collection_id}/items/{feature_id}",
    operation_id="getOgcItem",
    summary="一个要素 · One feature",
    response_class=Response,
    responses={**_described("要素 · The feature", GEOJSON, "OgcFeatureAnswer"), **NOT_MODIFIED, **problems(404)},
    dependencies=CHECKED,
)
def get_item(
    request: Request,
    language: LanguageDep,
    collection_id: CollectionInPath,
    feature_id: FeatureInPath,
    crs: CrsQuery = CRS84,
) -> Response:
    """按编号 · By its id."""
    collection, flipped = collection_named(collection_id), is_flipped(crs)
    snapshot, day, base = snapshot_of(request), today(), base_of(request)
    freshness = Freshness.of(request, f"{snapshot.version} {day} {base}")
    if freshness.is_held:
        return freshness.not_modified()
    table = table_of(snapshot, collection, day)
    row = table.row_of(feature_id)
    if row is None:
        raise _no_feature(collection, feature_id)
    (feature,) = features_of(table, table.rows(row), flipped=flipped)
    here = f"{base}/collections/{collection.name}"
    links = [
        self_link(language, f"{here}/items/{feature['id']}", GEOJSON),
        link(language, here, "collection", "application/json", "集合", "The collection"),
    ]
    body = {**feature, "links": [one.model_dump() for one in links], "data_notice": snapshot_notice(snapshot, language)}
    return cacheable(body, freshness, media_type=GEOJSON, headers={"Content-Crs": f"<{crs}>"})


def _days(collection: Collection, text: str) -> tuple[str, str]:
    """Raises InvalidInput for a collection whose features have no days."""
    if collection.lives is not None:
        return read_days(text)
    named = ", ".join(one.name for one in COLLECTIONS.values() if one.lives is not None)
    item = ErrorItem(
        "datetime", "此集合的要素没有时间", "features of this collection have no time", value=text,
        remedy_zh=f"去掉 datetime;有时间的集合:{named}", remedy_en=f"leave it out; collections with a time: {named}",
    )  # fmt: skip
    raise InvalidInput("datetime 不适用。", "The datetime does not apply.", errors=[item])


def _no_feature(collection: Collection, feature_id: str) -> NotFound:
    item = ErrorItem(
        "feature_id", "没有这个编号", "no feature has this id", value=feature_id,
        remedy_zh=f"用 /ogc/collections/{collection.name}/items 查看",
        remedy_en=f"see /ogc/collections/{collection.name}/items",
    )  # fmt: skip
    return NotFound("没有这个要素。", "There is no such feature.", errors=[item])
