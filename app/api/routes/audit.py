"""The audit log, for administrators: search, one entry, export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import CSV, personal
from app.api.deps import LanguageDep, SessionDep, resources_of
from app.api.described import Responses, answers, problems
from app.api.identity import ActorDep
from app.api.paging import link_to_next, next_cursor, read_cursor
from app.api.parameters import PLAIN_TEXT, AreaCode, CursorQuery, WrittenMoment
from app.api.schemas.audit import HEADINGS, MAX_ID, AuditEntryOut, AuditList
from app.api.sheets import as_text, sheet
from app.errors import ErrorItem, InvalidInput
from app.models.vocabularies import AuditAction, Channel
from app.repositories.audit import EntryFilter, EntryRow
from app.services.audit import MAX_EXPORT, export_entries, get_entry, list_entries

router = APIRouter(prefix="/audit", tags=["audit"])
NDJSON = "application/x-ndjson"


class AuditFormat(StrEnum):
    JSON = "json"
    CSV = "csv"
    NDJSON = "ndjson"


def _word(text: str, example: str, longest: int = 200, alias: str | None = None) -> Any:
    return Query(
        min_length=1, max_length=longest, pattern=PLAIN_TEXT, description=text, examples=[example], alias=alias
    )  # fmt: skip


EXPORTS: Responses = {
    200: {
        "description": "一页审计记录,或导出的文件 · A page, or the exported file",
        "content": {
            "application/json": {},
            "text/csv": {"schema": {"type": "string"}, "example": f"{','.join(HEADINGS)}\n"},
            NDJSON: {"schema": {"type": "string"}, "example": '{"id": 1201, "actor": "tianhe"}\n'},
        },
    }
}


@router.get(
    "",
    operation_id="listAuditEntries",
    summary="审计记录(管理员) · The audit log",
    response_model=AuditList,
    responses={**EXPORTS, **problems(401, 403)},
)
def get_entries(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    by: Annotated[str | None, _word("操作人的用户名 · Username of who acted", "demo", alias="actor")] = None,
    action: Annotated[
        list[AuditAction], Query(max_length=20, description="操作,可重复 · Action, repeatable", examples=[["update"]])
    ] = [],  # noqa: B006
    kind: Annotated[str | None, _word("对象种类 · What it is about", "station")] = None,
    key: Annotated[str | None, _word("对象编号 · Which one", "YC440106-001")] = None,
    station: Annotated[str | None, _word("站点代码:它的一切 · All about a station", "YC440106-001")] = None,
    area: Annotated[AreaCode | None, Query(description="区或镇街 · District or town", examples=["440106"])] = None,
    channel: Annotated[Channel | None, Query(description="渠道 · Channel", examples=["session"])] = None,
    since: Annotated[
        WrittenMoment | None,
        Query(alias="from", description="从此时刻起(含),带时区 · From, inclusive", examples=["2025-06-01T00:00:00Z"]),
    ] = None,
    until: Annotated[
        WrittenMoment | None, Query(description="到此时刻止(不含)· Until, exclusive", examples=["2100-01-01T00:00:00Z"])
    ] = None,
    q: Annotated[str | None, _word("原因中的文字 · Text in the reason", "演示", 100)] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="每页条数 · Rows per page", examples=[100])] = 100,
    cursor: CursorQuery = None,
    format: Annotated[
        AuditFormat,
        Query(
            description=f"csv、ndjson 一次导出至多 {MAX_EXPORT:,} 条,不分页 · "
            f"csv and ndjson export up to {MAX_EXPORT:,} at once, without pages",
            examples=["json"],
        ),
    ] = AuditFormat.JSON,
) -> Response:  # fmt: skip
    """新的在前;条件同时成立。记录只增不改,任何人都不能修改或删除。导出本身也记录在案;
    被截断时响应头 `X-Truncated` 为 `true`,请按时间分段。

    Newest first; all conditions hold together. An export is an entry itself; one that was cut short says
    `X-Truncated: true`: ask for shorter times.
    """
    wanted = EntryFilter(
        actor=by, actions=[one.value for one in action], kind=kind, key=key, station_code=station, area_code=area,
        channel=channel.value if channel else None, since=since, until=until, text=q,
    )  # fmt: skip
    before = _before(read_cursor(request, cursor))
    if format is not AuditFormat.JSON:
        asked = {name: value[:200] for name, value in request.query_params.items()}
        engine = resources_of(request).engine
        found = export_entries(session, engine, actor, wanted, format=format.value, question=asked)
        return _file(request, format, found)
    rows = list_entries(session, actor, wanted, before_id=before, limit=limit + 1)
    following = next_cursor(request, str(rows[limit - 1].id)) if len(rows) > limit else None
    body = AuditList(next_cursor=following, entries=[AuditEntryOut.of(row, language) for row in rows[:limit]])
    answer = personal(request, body)
    answer.headers.update(link_to_next(request, following))
    return answer


@router.get(
    "/{id}",
    operation_id="getAuditEntry",
    summary="一条审计记录(管理员) · One entry",
    response_model=AuditEntryOut,
    responses={**answers("审计记录 · The entry"), **problems(401, 403, 404)},
)
def get_one_entry(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    id: Annotated[int, Path(ge=1, le=MAX_ID, description="编号 · Id", examples=[1])],
) -> Response:
    """谁、何时、从何处、为何,之前与之后 · Who, when, from where, why, before and after."""
    return personal(request, AuditEntryOut.of(get_entry(session, actor, id), language))


def _file(request: Request, format: AuditFormat, found: Iterable[EntryRow]) -> Response:
    counted = _Capped(found)
    if format is AuditFormat.CSV:
        content = sheet(HEADINGS, (_cells(row) for row in counted)).encode()
    else:
        content = b"".join(orjson.dumps(row.__dict__, option=orjson.OPT_APPEND_NEWLINE) for row in counted)
    answer = personal(request, content, media_type=CSV if format is AuditFormat.CSV else NDJSON)
    answer.headers["Content-Disposition"] = f'attachment; filename="audit.{format.value}"'
    answer.headers["X-Truncated"] = "true" if counted.is_cut else "false"
    return answer


class _Capped:
    """The first MAX_EXPORT; ``is_cut`` tells afterwards whether there were more."""

    def __init__(self, rows: Iterable[EntryRow]) -> None:
        self._rows = rows
        self.is_cut = False

    def __iter__(self) -> Iterator[EntryRow]:
        for k, row in enumerate(self._rows):
            if k == MAX_EXPORT:
                self.is_cut = True
                return
            yield row


def _cells(row: EntryRow) -> list[str]:
    made = []
    for value in row.__dict__.values():
        if value is None:
            made.append("")
        elif isinstance(value, dict):
            made.append(orjson.dumps(value).decode())
        else:
            made.append(as_text(str(value)))
    return made


def _before(text: str | None) -> int | None:
    if text is None:
        return None
    if text.isascii() and text.isdigit() and 0 < int(text) <= MAX_ID:
        return int(text)
    item = ErrorItem("cursor", "无法识别", "is not one of this list", value=text)
    raise InvalidInput("翻页游标无法使用。", "The cursor cannot be used.", errors=[item])
