"""Coverage by H3 cell, and the gaps: where people live who are not within the walk."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import GEOJSON, cacheable
from app.api.caching import Freshness
from app.api.deps import LanguageDep, snapshot_then
from app.api.described import NOT_MODIFIED, answers, problems
from app.api.geometry import geometry_json
from app.api.method import MethodQuery, method_json
from app.api.parameters import AreaCode, BoxQuery, Within, read_bbox
from app.api.schemas.cells import CellFeatures, CellList, GapFeatures, GapList
from app.api.summaries import snapshot_notice
from app.errors import ErrorItem, InvalidInput
from app.geo.hexgrid import cell_polygons, to_text
from app.models.vocabularies import AreaLevel
from app.services.coverage_cells import MAX_RESOLUTION, MIN_RESOLUTION, CellRow, coverage_cells
from app.services.gaps import Gap, coverage_gaps

router = APIRouter(prefix="/coverage", tags=["coverage"])


class CellFormat(StrEnum):
    JSON = "json"
    GEOJSON = "geojson"


Format = Annotated[CellFormat, Query(description="geojson 带轮廓 · geojson has outlines", examples=["json"])]


@router.get(
    "/gaps",
    operation_id="listCoverageGaps",
    summary="覆盖缺口,人多者在前 · Gaps, most people first",
    response_model=GapList,
    responses={**answers("缺口 · The gaps", GapFeatures), **NOT_MODIFIED, **problems(404)},
)
def list_coverage_gaps(
    request: Request,
    language: LanguageDep,
    method: MethodQuery,
    level: Annotated[
        AreaLevel, Query(description="缺口不跨越此级边界 · Gaps end at borders of this level", examples=["town"])
    ] = AreaLevel.TOWN,
    within: Within = None,
    min_population: Annotated[
        int,
        Query(
            ge=0, le=10_000_000, examples=[100],
            description="其中至少有这么多居民在步行范围之外 · At least so many residents in it are not within the walk",
        ),
    ] = 100,
    min_share: Annotated[
        float,
        Query(
            ge=0, le=1, allow_inf_nan=False, examples=[0.5],
            description="每格至少有此比例的居民在步行范围之外 · At least this share of every cell's residents",
        ),
    ] = 0.5,
    limit: Annotated[int, Query(ge=1, le=500, description="至多列出几个 · List at most so many", examples=[50])] = 50,
    format: Format = CellFormat.JSON,
) -> Response:  # fmt: skip
    """相邻的、居民多在步行范围之外的网格连成一片,即为缺口。每个缺口给出人数、所在区划、最近站点的步行分钟,以及为什么:
    附近没有站点、要绕路、只因台阶、附近没有道路,各多少人。

    Neighbouring cells most of whose residents are not within the walk make a gap. Each names its people, its areas,
    the minutes to the nearest station, and why: no station near, a way around, steps alone, no street; how many each.
    """
    snapshot = snapshot_then(request, method.day, method.known_at)
    freshness = Freshness.of(request, f"{snapshot.version} {method.day}")
    if freshness.is_held:
        return freshness.not_modified()
    answer = coverage_gaps(
        snapshot, method, level=level, within=within, min_share=min_share, min_population=min_population, limit=limit
    )
    known: dict[str, Any] = {
        **method_json(answer.run_id, method, snapshot),
        "crs": "wgs84",
        "level": level.value,
        "within": within,
        "min_population": min_population,
        "min_share": min_share,
        "resolution": answer.resolution,
        "total": answer.total_gaps,
        "total_people": answer.total_people,
        "data_notice": snapshot_notice(snapshot, language, known_at=method.known_at),
    }
    if format is CellFormat.JSON:
        return cacheable({**known, "gaps": [_gap(gap) for gap in answer.gaps]}, freshness)
    features = [
        {"type": "Feature", "id": gap.id, "geometry": geometry_json(gap.outline), "properties": _gap(gap)}
        for gap in answer.gaps
    ]
    return cacheable({"type": "FeatureCollection", **known, "features": features}, freshness, media_type=GEOJSON)


@router.get(
    "/cells",
    operation_id="listCoverageCells",
    openapi_extra={"x-example": "area=440106"},  # of the reference page
    summary="按 H3 网格的覆盖 · Coverage by H3 cell",
    response_model=CellList,
    responses={**answers("网格 · The cells", CellFeatures), **NOT_MODIFIED, **problems(404)},
)
def list_coverage_cells(
    request: Request,
    language: LanguageDep,
    method: MethodQuery,
    bbox: BoxQuery = None,
    area: Annotated[
        AreaCode | None, Query(description="区划代码 · Area code", examples=["440106011"])
    ] = None,
    resolution: Annotated[
        int | None,
        Query(
            ge=MIN_RESOLUTION, le=MAX_RESOLUTION, examples=[8],
            description="H3 分辨率;默认为人口数据自身的 · H3 resolution; that of the population by default",
        ),
    ] = None,
    format: Format = CellFormat.JSON,
) -> Response:  # fmt: skip
    """`bbox` 与 `area` 至少写一个(都写则取交集)。有人口的网格;至多 5,000 个,超过则为 422,请缩小范围。

    Give `bbox`, `area`, or both for what lies in both. Cells that people live in; at most 5,000, beyond that 422: ask
    for less. Totals do not depend on `resolution`: people are counted along streets, and hexagons only sort them.
    """
    if bbox is None and area is None:
        raise _no_place()
    box = None if bbox is None else read_bbox(bbox)
    snapshot = snapshot_then(request, method.day, method.known_at)
    freshness = Freshness.of(request, f"{snapshot.version} {method.day}")
    if freshness.is_held:
        return freshness.not_modified()
    answer = coverage_cells(snapshot, method, area_code=area, bbox=box, resolution=resolution)
    known: dict[str, Any] = {
        **method_json(answer.run_id, method, snapshot),
        "crs": "wgs84",
        "resolution": answer.resolution,
        "total": len(answer.rows),
        "data_notice": snapshot_notice(snapshot, language, known_at=method.known_at),
    }
    cells = [_cell(row) for row in answer.rows]
    if format is CellFormat.JSON:
        return cacheable({**known, "cells": cells}, freshness)
    shapes = cell_polygons([row.cell for row in answer.rows])
    features = [
        {"type": "Feature", "id": cell["h3"], "geometry": geometry_json(shape), "properties": cell}
        for cell, shape in zip(cells, shapes, strict=True)
    ]
    return cacheable({"type": "FeatureCollection", **known, "features": features}, freshness, media_type=GEOJSON)


def _gap(gap: Gap) -> dict[str, Any]:
    """See ``schemas.cells.Gap``."""
    return {
        "id": gap.id,
        "people": gap.people,
        "population": gap.population,
        "off_network": gap.off_network,
        "lng": gap.lng,
        "lat": gap.lat,
        "areas": [{"code": area.code, "name": area.name} for area in gap.areas],
        "nearest_station": gap.nearest_station,
        "nearest_minutes": gap.nearest_minutes,
        "detour": gap.detour,
        "reasons": vars(gap.reasons),
        "cells": [to_text(cell) for cell in gap.cells],
    }


def _cell(row: CellRow) -> dict[str, Any]:
    """See ``schemas.cells.Cell``."""
    return {
        "h3": to_text(row.cell),
        "area_code": row.area_code,
        "lng": row.lng,
        "lat": row.lat,
        "population": row.population,
        "covered": row.covered,
        "uncovered": row.uncovered,
        "off_network": row.off_network,
        "covered_share": row.covered_share,
        "nearest_station": row.nearest_station,
        "nearest_minutes": row.nearest_minutes,
    }


def _no_place() -> InvalidInput:
    return InvalidInput(
        "请写 bbox 或 area。",
        "Give bbox or area.",
        errors=[
            ErrorItem(
                name, "bbox 与 area 至少要有一个", "one of bbox and area is needed",
                remedy_zh=f"如 {name}={example}", remedy_en=f"such as {name}={example}",
            )
            for name, example in (("bbox", "113.2,23.0,113.4,23.2"), ("area", "440106"))
        ],
    )  # fmt: skip
