"""The ledger as a workbook: the template, the export, the import. For officers."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import personal
from app.api.deps import LanguageDep, SessionDep, resources_of
from app.api.described import answers, problems
from app.api.idempotency import IdempotencyKey, once
from app.api.identity import ActorDep
from app.api.parameters import PLAIN_TEXT, AreaCode
from app.api.schemas.ledger_training import QUARTER
from app.api.schemas.ledger_workbooks import ImportAnswer
from app.errors import ErrorItem, FileUnreadable, ImportFailed, InvalidInput, StaleVersion
from app.geo.crs import Crs
from app.ingest.workbook_import import digest_of, import_workbook
from app.ingest.workbook_marks import marked_book
from app.ingest.workbook_sheets import SheetKind
from app.ingest.workbook_writing import filled_book, template_book
from app.models.vocabularies import AuditAction
from app.repositories.stations import StationFilter
from app.services.audit import note_apart
from app.services.ledger_export import station_rows, training_rows

router = APIRouter(prefix="/ledger", tags=["ledger"])
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}, "example": ""}
IMPORTS_PATH = "/v1/ledger/imports"


class ImportFormat(StrEnum):
    JSON = "json"
    XLSX = "xlsx"


async def workbook_in_body(request: Request) -> bytes:
    """The workbook, sent as it is or as the field ``file`` of a form. Raises InvalidInput for a form without it."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await request.body()
    async with request.form(max_files=1, max_fields=5) as form:
        file = form.get("file")
        if isinstance(file, UploadFile):
            return await file.read()
    item = ErrorItem(
        "file", "表单中没有文件", "the form has no file", remedy_zh="以字段 file 上传工作簿",
        remedy_en="send the workbook as the field file",
    )  # fmt: skip
    raise InvalidInput("没有收到工作簿。", "No workbook came.", errors=[item])


@router.get(
    "/template.xlsx",
    operation_id="getLedgerTemplate",
    summary="台账模板 · Template of the ledger workbook",
    response_class=Response,
    responses={
        200: {"description": "空白工作簿 · The empty workbook", "content": {XLSX: BINARY}},
        **problems(401, 403),
    },
)
def get_template(request: Request, actor: ActorDep) -> Response:
    """站点与培训台账两张表,带下拉、批注与锁定的表头 · Two sheets with drop-downs, notes and locked headings."""
    return _file(request, template_book(), "羊城技能加油站台账模板.xlsx", "template.xlsx")


@router.get(
    "/workbook.xlsx",
    operation_id="exportLedgerWorkbook",
    summary="导出台账 · Export the ledger",
    response_class=Response,
    responses={200: {"description": "工作簿 · The workbook", "content": {XLSX: BINARY}}, **problems(401, 403, 404)},
)
def export_workbook(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    sheet: Annotated[
        SheetKind | None,
        Query(description="只要一张表;默认站点 · One sheet; stations by default", examples=["stations"]),
    ] = None,
    district: Annotated[AreaCode | None, Query(description="区代码 · District code", examples=["440106"])] = None,
    town: Annotated[AreaCode | None, Query(description="镇街代码 · Town code", examples=["440106011"])] = None,
    quarter: Annotated[
        str | None,
        Query(pattern=QUARTER, description="培训台账的季度 · Quarter of training lines", examples=["2026Q3"]),
    ] = None,
) -> Response:
    """与模板同形,管辖范围之内;改后导入,只有改动的格生效。

    The template's shape, filled; imported again, only what was edited counts.
    """
    kind = sheet or SheetKind.STATIONS
    wanted = StationFilter(district_code=district, town_code=town)
    if kind is SheetKind.STATIONS:
        rows = station_rows(session, actor, wanted)
    else:
        rows = training_rows(session, actor, wanted, quarter)
    details = {"rows": len(rows), "district": district, "town": town, "quarter": quarter}
    note_apart(resources_of(request).engine, actor, AuditAction.EXPORT, "workbook", kind.value, details=details)
    return _file(request, filled_book({kind: rows}), f"羊城技能加油站{kind.value}.xlsx", f"{kind.value}.xlsx")


@router.post(
    "/imports",
    operation_id="importLedgerWorkbook",
    summary="导入台账 · Import a workbook",
    response_model=ImportAnswer,
    openapi_extra={"requestBody": {"required": True, "content": {XLSX: BINARY, "application/octet-stream": BINARY}}},
    responses={
        200: {
            "description": "结果 · What came of it",
            "content": {**answers("")[200]["content"], XLSX: BINARY},
        },
        **problems(400, 401, 403, 404, 409, 413),
    },
)
def post_import(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    data: Annotated[bytes, Depends(workbook_in_body)],
    dry_run: Annotated[bool, Query(description="只检查,不写入 · Only check", examples=[True])] = False,
    crs: Annotated[
        Crs | None, Query(description="未填坐标系的行用此 · For rows that name no system", examples=["gcj02"])
    ] = None,
    reason: Annotated[
        str | None, Query(min_length=1, max_length=200, pattern=PLAIN_TEXT, description="原因 · Why", examples=["遴选"])
    ] = None,
    format: Annotated[
        ImportFormat, Query(description="xlsx 返回标注的工作簿 · xlsx: the workbook, marked", examples=["json"])
    ] = ImportFormat.JSON,
    key: IdempotencyKey = None,
) -> Response:  # fmt: skip
    """先用 `dry_run=true`:逐格给出问题,`format=xlsx` 则在原工作簿上标红并批注。全部无误才写入,否则什么也不写。

    Begin with `dry_run=true`: every fault is told by cell, with `format=xlsx` in the workbook itself. All of it is
    written or nothing. Fields that others changed since the export are kept, or told as conflicts (409). At most 20 MB.
    """

    def make() -> Response:
        try:
            report = import_workbook(session, actor, data, crs, reason=reason, dry_run=dry_run)
            if not dry_run:
                report.raise_if_stopped()
        except (FileUnreadable, ImportFailed, StaleVersion) as refusal:  # the frame notes what is out of scope
            details = {"written": False, "code": refusal.code, "why": refusal.message_zh}
            engine = resources_of(request).engine
            session.rollback()  # it may hold the ledger's lock
            note_apart(engine, actor, AuditAction.IMPORT, "workbook", digest_of(data), reason=reason, details=details)
            raise
        if format is ImportFormat.XLSX:
            return _file(request, marked_book(data, report), "台账检查结果.xlsx", "checked.xlsx")
        return personal(request, ImportAnswer.of(report, language, dry_run=dry_run))

    asked = b"\n".join([str((dry_run, crs, reason, format)).encode(), data])
    return once(request, session, actor, key, asked, make)


def _file(request: Request, content: bytes, name_zh: str, name: str) -> Response:
    answer = personal(request, content, media_type=XLSX)
    answer.headers["Content-Disposition"] = f"attachment; filename=\"{name}\"; filename*=UTF-8''{quote(name_zh)}"
    return answer
