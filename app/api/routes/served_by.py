"""Who is served by whom: people by the area they live in and the area of their nearest station."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import CSV, cacheable
from app.api.caching import Freshness
from app.api.deps import LanguageDep, snapshot_then
from app.api.described import NOT_MODIFIED, answers, problems
from app.api.language import Language
from app.api.method import MethodQuery, method_json
from app.api.parameters import Within
from app.api.schemas.common import Notice
from app.api.schemas.served_by import CoverageMatrix
from app.api.sheets import as_text, sheet
from app.api.summaries import snapshot_notice
from app.models.vocabularies import AreaLevel
from app.services.coverage import CoverageQuery
from app.services.served_by import MatrixAnswer, ServedRow, ServingArea, served_by_matrix

router = APIRouter(prefix="/coverage", tags=["coverage"])
BEFORE_COLUMNS = (
    ("代码", "code"), ("名称", "name"), ("上级代码", "parent_code"), ("已覆盖", "covered"), ("本区划站点服务", "own"),
    ("本区划占比", "share_own"),
)  # fmt: skip
AFTER_COLUMNS = (
    ("统计日期", "as_of"), ("步行分钟", "minutes"), ("运行编号", "run_id"), ("数据说明", "data_notice"),
)  # fmt: skip


class MatrixFormat(StrEnum):
    JSON = "json"
    CSV = "csv"


@router.get(
    "/matrix",
    operation_id="getCoverageMatrix",
    summary="谁由哪里的站点服务 · Who is served by whose stations",
    response_model=CoverageMatrix,
    responses={
        200: {
            "description": "居民按所在区划与最近站点所在区划 · People by where they and their station are",
            "content": {
                **answers("")[200]["content"],
                CSV: {
                    "schema": {"type": "string"},
                    "example": "代码,名称,上级代码,已覆盖,本区划站点服务,本区划占比,440103 荔湾区,…",
                },
            },
        },
        **NOT_MODIFIED,
        **problems(404),
    },
)
def get_coverage_matrix(
    request: Request,
    language: LanguageDep,
    method: MethodQuery,
    level: Annotated[
        AreaLevel, Query(description="行:居民所在区划的级别 · Rows: level of where people live", examples=["town"])
    ] = AreaLevel.DISTRICT,
    by: Annotated[
        AreaLevel,
        Query(
            description="列:最近站点所在区划的级别 · Columns: level of where the nearest station stands",
            examples=["district"],
        ),
    ] = AreaLevel.DISTRICT,
    within: Within = None,
    format: Annotated[
        MatrixFormat,
        Query(description="csv 为 UTF-8 带 BOM,每区划一列 · csv opens in Excel, a column an area", examples=["json"]),
    ] = MatrixFormat.JSON,
) -> Response:
    """每行各格之和恒等于 `/v1/coverage` 的 `covered`;镇街之和等于区,区之和等于市,行列皆然。人数为整数。

    The people within the walk, by the area they live in (rows) and the area in which their nearest station stands
    (columns; of equally near stations the one whose code comes first). The cells of a row add up to its `covered` in
    `/v1/coverage`, and towns add up to districts, rows and columns alike. `own` are those served inside their own area.
    `within` chooses rows; `served` and `inflow` of a column count everybody, wherever they live. `run_id` is that of
    the same coverage.
    """
    snapshot = snapshot_then(request, method.day, method.known_at)
    freshness = Freshness.of(request, f"{snapshot.version} {method.day}")
    if freshness.is_held:
        return freshness.not_modified()
    answer = served_by_matrix(snapshot, method, level, by, within)
    notice = snapshot_notice(snapshot, language, known_at=method.known_at)
    if format is MatrixFormat.CSV:
        name = f"served-by-{level.value}-{by.value}-{method.day}-{method.minutes:g}min.csv"
        sent = {"Content-Disposition": f'attachment; filename="{name}"'}
        return cacheable(_csv(answer, method, notice, language), freshness, media_type=CSV, headers=sent)
    body = {
        **method_json(answer.run_id, method, snapshot),
        "level": level.value,
        "by": by.value,
        "within": within,
        "totals": _totals(answer.rows),
        "columns": [_column(column, language) for column in answer.columns],
        "rows": [_row(row, answer.columns) for row in answer.rows],
        "data_notice": notice,
    }
    return cacheable(body, freshness)


def _column(column: ServingArea, language: Language) -> dict[str, Any]:
    """See ``schemas.served_by.ServingColumn``."""
    return {
        "code": _code(column),
        "name": _name(column, language),
        "stations": column.stations,
        "served": column.served,
        "inflow": column.inflow,
    }


def _row(row: ServedRow, columns: list[ServingArea]) -> dict[str, Any]:
    """See ``schemas.served_by.ServedRow``."""
    cells = zip(columns, row.people, strict=True)
    return {
        "code": row.area.code,
        "name": row.area.name,
        "parent_code": row.area.parent_code,
        "covered": row.covered,
        "own": row.own,
        "share_own": row.share_own,
        "served_by": [{"code": _code(column), "people": people} for column, people in cells if people],
    }


def _totals(rows: list[ServedRow]) -> dict[str, Any]:
    """See ``schemas.served_by.ServedTotals``."""
    covered, own = sum(row.covered for row in rows), sum(row.own for row in rows)
    return {"covered": covered, "own": own, "share_own": round(own / covered, 6) if covered else None}


def _code(column: ServingArea) -> str | None:
    return None if column.area is None else column.area.code


def _name(column: ServingArea, language: Language) -> str:
    return language.pick("区划之外", "outside all areas") if column.area is None else column.area.name


def _csv(answer: MatrixAnswer, method: CoverageQuery, notice: Notice | None, language: Language) -> str:
    """One row an area, one column an area of stations; what shaped the figures stands in every row."""
    headings = [language.pick(zh, en) for zh, en in BEFORE_COLUMNS]
    # a name alone may stand for several towns
    headings += [as_text(" ".join(filter(None, (_code(c), _name(c, language))))) for c in answer.columns]
    headings += [language.pick(zh, en) for zh, en in AFTER_COLUMNS]
    told = [method.day.isoformat(), f"{method.minutes:g}", answer.run_id, "" if notice is None else notice.message]
    rows = (
        [
            row.area.code, as_text(row.area.name), row.area.parent_code, row.covered, row.own, row.share_own,
            *row.people, *told,
        ]
        for row in answer.rows
    )  # fmt: skip
    return sheet(headings, rows)
