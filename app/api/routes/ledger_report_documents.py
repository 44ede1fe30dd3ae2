"""The quarterly report of a district or the city, as figures, a workbook or a page."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api import report_page, report_sheet
from app.api.answers import personal
from app.api.deps import LanguageDep, SessionDep, resources_of, snapshot_then
from app.api.described import problems
from app.api.identity import ActorDep
from app.api.parameters import AreaCode, KnownAt
from app.api.report_tables import maker_of, notes_of, tables_of, title_of
from app.api.routes.ledger_training import QuarterQuery
from app.api.schemas import ledger_reports as schemas
from app.api.schemas.common import Notice
from app.models.vocabularies import AreaLevel
from app.services.coverage import CoverageAnswer, CoverageQuery, coverage_table
from app.services.dataset_reads import data_notice
from app.services.moments import check_known_at
from app.services.profiles import DEFAULT_PROFILE, PROFILES
from app.services.quarters import read_quarter
from app.services.report_documents import quarterly_report
from app.settings import report_settings

router = APIRouter(prefix="/ledger/reports", tags=["ledger"])
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HTML = "text/html; charset=utf-8"


class DocumentFormat(StrEnum):
    JSON = "json"
    XLSX = "xlsx"
    HTML = "html"


@router.get(
    "/document",
    operation_id="getQuarterlyReport",
    summary="季度报告 · Quarterly report",
    response_model=schemas.QuarterlyDocument,
    responses={
        200: {
            "description": "季度报告 · The report",
            "content": {
                "application/json": {},
                XLSX: {"schema": {"type": "string", "format": "binary"}, "example": ""},
                HTML: {"schema": {"type": "string"}, "example": "<!doctype html>…"},
            },
        },
        **problems(401, 403, 404),
    },
)
def get_document(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    quarter: QuarterQuery,
    area: Annotated[AreaCode, Query(description="区或市的代码 · Code of a district or the city", examples=["4401"])],
    known_at: KnownAt = None,
    format: Annotated[
        DocumentFormat, Query(description="xlsx 为工作簿;html 可直接打印为 PDF · html prints to PDF", examples=["json"])
    ] = DocumentFormat.JSON,
) -> Response:
    """站点、培训、目标、报表状态、存疑与覆盖。同一 `known_at` 的数字永远相同。

    Stations, training, targets, states of reports, doubts and coverage. The same `known_at` always gives the same.
    """
    asked = read_quarter(quarter)
    moment = check_known_at(resources_of(request).engine, known_at or datetime.now(UTC))

    def coverage_of(level: AreaLevel, within: str) -> CoverageAnswer:
        question = CoverageQuery(PROFILES[DEFAULT_PROFILE], asked.last_day)
        return coverage_table(snapshot_then(request, asked.last_day, moment), question, level, within)

    made_at = datetime.now(UTC)
    report = quarterly_report(
        session, actor, area, asked, report_settings(), known_at=moment or made_at, coverage_of=coverage_of
    )
    notice = Notice.of(data_notice(session), language)
    title, tables = title_of(report, language), tables_of(report, language)
    notes = notes_of(report, notice.message if notice is not None else None, language)
    signed = [maker_of(report, made_at, language), *notes]
    if format is DocumentFormat.HTML:
        page = report_page.page_of(title, tables, signed, language, has_notice=notice is not None)
        answer = personal(request, page, media_type=HTML)
        answer.headers["Content-Security-Policy"] = report_page.policy_of(page)
        return answer
    if format is DocumentFormat.XLSX:
        answer = personal(request, report_sheet.workbook_of(title, tables, signed), media_type=XLSX)
        answer.headers["Content-Disposition"] = (
            f"attachment; filename=\"report-{area}-{quarter}.xlsx\"; filename*=UTF-8''{quote(title)}.xlsx"
        )
        return answer
    body = schemas.QuarterlyDocument(
        title=title, area=area, quarter=quarter, known_at=report.known_at, made_at=made_at,
        made_by=report.made_by, reconciles=report.reconciles,
        coverage_run=report.coverage_run, notes=notes, data_notice=notice,
        tables=[
            schemas.DocumentTable(title=t.title, headings=t.headings, rows=t.rows, total=t.total, note=t.note)
            for t in tables
        ],
    )  # fmt: skip
    return personal(request, body)
