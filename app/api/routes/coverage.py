"""Who is within a walk of a station, by area, and within how many minutes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import CSV, GEOJSON, cacheable
from app.api.caching import Freshness
from app.api.deps import LanguageDep, snapshot_then
from app.api.described import NOT_MODIFIED, answers, problems
from app.api.geometry import geometry_json
from app.api.language import Language
from app.api.method import MethodQuery, method_json
from app.api.parameters import AreaCode, Simplify, Within
from app.api.schemas.common import Notice
from app.api.schemas.coverage import CoverageCurve, CoverageFeatures, CoverageTable
from app.api.sheets import as_text, sheet
from app.api.summaries import snapshot_notice
from app.models.vocabularies import AreaLevel, BoundaryKind, DatasetRole
from app.services.coverage import CoverageAnswer, CoverageQuery, CoverageRow, coverage_curve, coverage_table
from app.services.snapshot import Snapshot
from app.services.uncertainty import Interval, MinuteBand, Uncertainty, coverage_uncertainty

router = APIRouter(prefix="/coverage", tags=["coverage"])
CSV_HEADINGS = (
    ("代码", "code"), ("名称", "name"), ("上级代码", "parent_code"), ("居民", "population"), ("已覆盖", "covered"),
    ("未覆盖", "uncovered"), ("路网外", "off_network"), ("覆盖率", "rate"),
    ("步行时间中位数(分钟)", "median_walk_minutes"), ("站点数", "stations"), ("路网外站点", "stations_off_network"),
    ("已覆盖下限", "covered_low"), ("已覆盖上限", "covered_high"), ("覆盖率下限", "rate_low"),
    ("覆盖率上限", "rate_high"), ("一分钟之差的居民", "within_one_minute"), ("界线来历", "boundary_kind"),
    ("统计日期", "as_of"), ("步行分钟", "minutes"), ("运行编号", "run_id"), ("数据说明", "data_notice"),
)  # fmt: skip


class CoverageFormat(StrEnum):
    JSON = "json"
    CSV = "csv"
    GEOJSON = "geojson"


@router.get(
    "",
    operation_id="getCoverage",
    summary="覆盖率,按市、区或镇街 · Coverage by city, district or town",
    response_model=CoverageTable,
    responses={
        200: {
            "description": "各区划的覆盖 · Coverage by area",
            "content": {
                **answers("", CoverageFeatures)[200]["content"],
                CSV: {
                    "schema": {"type": "string"},
                    "example": "代码,名称,上级代码,居民,已覆盖,未覆盖,路网外,覆盖率,…",
                },
            },
        },
        **NOT_MODIFIED,
        **problems(404),
    },
)
def get_coverage(
    request: Request,
    language: LanguageDep,
    method: MethodQuery,
    level: Annotated[AreaLevel, Query(description="级别 · Level", examples=["town"])] = AreaLevel.DISTRICT,
    within: Within = None,
    simplify_m: Simplify = 0.0,
    format: Annotated[
        CoverageFormat,
        Query(
            description="csv 为 UTF-8 带 BOM,Excel 可直接打开;geojson 带轮廓 · "
            "csv opens in Excel; geojson has outlines",
            examples=["json"],
        ),
    ] = CoverageFormat.JSON,
) -> Response:
    """每行恒有 `covered + uncovered + off_network = population`;镇街之和等于区,区之和等于市。人数为整数。

    In every row `covered + uncovered + off_network = population`; towns add up to districts and districts to the city.
    People are whole numbers. `run_id` names the figures: the same inputs and parameters give the same ones.
    `interval` is over walking speed, limits and populations (see `uncertainty`); with several populations intervals do
    not add up. `within_one_minute` are the people for whom one minute more or less decides.
    `simplify_m` is for geojson alone.
    """
    snapshot = snapshot_then(request, method.day, method.known_at)
    freshness = Freshness.of(request, f"{snapshot.version} {method.day}")
    if freshness.is_held:
        return freshness.not_modified()
    answer = coverage_table(snapshot, method, level, within)
    uncertainty = coverage_uncertainty(snapshot, method, answer.rows)
    rows = [_row(*parts) for parts in zip(answer.rows, uncertainty.intervals, uncertainty.bands, strict=True)]
    notice = snapshot_notice(snapshot, language, known_at=method.known_at)
    if format is CoverageFormat.CSV:
        table = _csv(answer, rows, method, notice, language)
        name = f"coverage-{level.value}-{method.day}-{method.minutes:g}min.csv"
        return cacheable(
            table, freshness, media_type=CSV, headers={"Content-Disposition": f'attachment; filename="{name}"'}
        )
    known: dict[str, Any] = {
        **method_json(answer.run_id, method, snapshot),
        "level": level.value,
        "within": within,
        "inputs": snapshot.inputs,
        "uncertainty": _uncertainty(uncertainty),
        "totals": _totals(answer.rows),
    }
    if format is CoverageFormat.GEOJSON:
        features = _features(snapshot, rows, level, within, simplify_m)
        body = {"type": "FeatureCollection", **known, "data_notice": notice, "features": features}
        return cacheable(body, freshness, media_type=GEOJSON)
    return cacheable({**known, "rows": rows, "data_notice": notice}, freshness)


@router.get(
    "/curve",
    operation_id="getCoverageCurve",
    summary="1 到 60 分钟各有多少居民 · People within 1 to 60 minutes",
    response_model=CoverageCurve,
    responses={**answers("曲线 · The curve"), **NOT_MODIFIED, **problems(404)},
)
def get_coverage_curve(
    request: Request,
    language: LanguageDep,
    method: MethodQuery,
    area: Annotated[
        AreaCode | None,
        Query(description="区划代码;默认唯一的市 · Area code; the only city by default", examples=["440106"]),
    ] = None,
) -> Response:
    """步行 1、2、…、60 分钟以内的居民,累计;`minutes` 只是照原样返回 · Cumulative; `minutes` is merely echoed."""
    snapshot = snapshot_then(request, method.day, method.known_at)
    freshness = Freshness.of(request, f"{snapshot.version} {method.day}")
    if freshness.is_held:
        return freshness.not_modified()
    answer = coverage_curve(snapshot, method, area)
    points = zip(answer.minutes, answer.covered, answer.share, strict=True)
    body = {
        **method_json(answer.run_id, method, snapshot),
        "area": {"code": answer.area.code, "name": answer.area.name},
        "population": answer.population,
        "off_network": answer.off_network,
        "points": [{"minutes": minutes, "covered": people, "share": share} for minutes, people, share in points],
        "data_notice": snapshot_notice(snapshot, language, known_at=method.known_at),
    }
    return cacheable(body, freshness)


def _row(row: CoverageRow, interval: Interval, band: MinuteBand) -> dict[str, Any]:
    """See ``schemas.coverage.CoverageRow``."""
    return {
        "code": row.area.code,
        "name": row.area.name,
        "parent_code": row.area.parent_code,
        "population": row.population,
        "covered": row.covered,
        "uncovered": row.uncovered,
        "off_network": row.off_network,
        "rate": row.rate,
        "median_walk_minutes": row.median_walk_minutes,
        "stations": row.stations,
        "stations_off_network": row.stations_off_network,
        "interval": vars(interval),
        "within_one_minute": {"gain": band.gain, "loss": band.loss, "total": band.total},
        "boundary_kind": row.area.boundary_kind,
    }


def _uncertainty(uncertainty: Uncertainty) -> dict[str, Any]:
    """See ``schemas.coverage.Uncertainty``."""
    return {
        "speeds_kmh": uncertainty.speeds_kmh,
        "link_limits_m": uncertainty.link_limits_m,
        "snap_limits_m": uncertainty.snap_limits_m,
        "sources": [
            {
                "dataset_id": source.dataset_id, "name": source.name, "sha256": source.sha256,
                "role": DatasetRole.ALTERNATIVE if k else DatasetRole.MAIN, "synthetic": source.synthetic,
            }
            for k, source in enumerate(uncertainty.sources)
        ],
        "combinations": uncertainty.combinations,
    }  # fmt: skip


def _totals(rows: list[CoverageRow]) -> dict[str, Any]:
    """See ``schemas.coverage.Figures``."""
    population, covered = sum(row.population for row in rows), sum(row.covered for row in rows)
    return {
        "population": population,
        "covered": covered,
        "uncovered": sum(row.uncovered for row in rows),
        "off_network": sum(row.off_network for row in rows),
        "rate": round(covered / population, 6) if population else None,
        "stations": sum(row.stations for row in rows),
        "stations_off_network": sum(row.stations_off_network for row in rows),
    }


def _features(
    snapshot: Snapshot, rows: list[dict[str, Any]], level: AreaLevel, within: str | None, simplify_m: float
) -> list[dict[str, Any]]:
    key = ("outlines", level, within, simplify_m)
    shapes = snapshot.cached(
        key, lambda: [geometry_json(shape) for shape in snapshot.outlines([row["code"] for row in rows], simplify_m)]
    )
    return [
        {"type": "Feature", "id": row["code"], "geometry": shape, "properties": row}
        for row, shape in zip(rows, shapes, strict=True)
    ]


def _csv(
    answer: CoverageAnswer, rows: list[dict[str, Any]], method: CoverageQuery, notice: Notice | None, language: Language
) -> str:
    """One row an area; what shaped the figures and the notice stand in every row, since sheets are cut apart."""
    headings = [language.pick(zh, en) for zh, en in CSV_HEADINGS]
    lines = []
    for row in rows:
        kind = BoundaryKind(row["boundary_kind"])
        interval = row["interval"]
        values = {
            **row,
            "name": as_text(row["name"]),
            "covered_low": interval["low"],
            "covered_high": interval["high"],
            "rate_low": interval["rate_low"],
            "rate_high": interval["rate_high"],
            "within_one_minute": row["within_one_minute"]["total"],
            "boundary_kind": language.pick(kind.title_zh, kind.title_en),
            "as_of": method.day.isoformat(),
            "minutes": f"{method.minutes:g}",
            "run_id": answer.run_id,
            "data_notice": "" if notice is None else notice.message,
        }
        lines.append([values[name] for _, name in CSV_HEADINGS])
    return sheet(headings, lines)
