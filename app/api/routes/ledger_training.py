"""The training ledger: lines, sums, doubts. For officers."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import CSV, encode, personal
from app.api.deps import LanguageDep, SessionDep, resources_of
from app.api.described import answers, created, problems
from app.api.idempotency import IdempotencyKey, once
from app.api.identity import ActorDep
from app.api.language import Language
from app.api.paging import link_to_next, next_cursor, read_cursor
from app.api.parameters import PLAIN_TEXT, AreaCode, CursorQuery, KnownAt
from app.api.schemas import ledger_training as schemas
from app.api.schemas.common import Notice
from app.api.sheets import as_text, sheet
from app.errors import DomainError, ErrorItem, InvalidInput, OutOfScope, ReportLocked, StaleVersion
from app.models.vocabularies import CourseKind, DatasetKind, TargetGroup
from app.repositories.training import LINE, EntryFilter, EntryRow, Line
from app.repositories.training_totals import Dimension
from app.services import training
from app.services.dataset_reads import data_notice
from app.services.moments import check_known_at
from app.services.plausibility import plausibility_warnings
from app.services.quarters import read_quarter
from app.services.station_ledger import Outcome
from app.services.suggestions import read_area_scope
from app.services.training_totals import training_totals

router = APIRouter(prefix="/ledger/training", tags=["ledger"])
KINDS = (DatasetKind.STATIONS,)
HEADINGS = (
    ("站点编号", "station_code"), ("季度", "quarter"), ("培训内容", "kind"), ("群体", "target_group"),
    ("班次", "sessions_held"), ("人次", "trainee_visits"), ("学时", "training_hours"), ("取证人数", "certificates"),
    ("备注", "note"), ("版本", "version"),
)  # fmt: skip
Id = Annotated[int, Path(ge=1, le=schemas.MAX_ID, description="行编号 · Id of the line", examples=[1])]
QuarterQuery = Annotated[str, Query(pattern=schemas.QUARTER, description="季度 · Quarter", examples=["2026Q3"])]
WithinQuery = Annotated[AreaCode | None, Query(description="区划 · Area", examples=["440106"])]
WRITES = problems(400, 401, 403, 404, 409, 413)


class EntryFormat(StrEnum):
    JSON = "json"
    CSV = "csv"


@router.get(
    "",
    operation_id="listTrainingEntries",
    summary="培训台账 · Training ledger",
    response_model=schemas.EntryList,
    responses={
        200: {
            "description": "一页台账 · A page",
            "content": {"application/json": {}, CSV: {"schema": {"type": "string"}, "example": "站点编号,季度,…"}},
        },
        **problems(401, 403),
    },
)
def list_training(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    station: Annotated[
        list[Annotated[str, Query(min_length=1, max_length=64, pattern=PLAIN_TEXT)]],
        Query(max_length=50, description="站点编号,可重复 · Station codes", examples=[["YC440106-001"]]),
    ] = [],  # noqa: B006
    quarter: Annotated[
        list[Annotated[str, Query(pattern=schemas.QUARTER)]],
        Query(max_length=40, description="季度,可重复 · Quarters", examples=[["2026Q3"]]),
    ] = [],  # noqa: B006
    kind: Annotated[
        list[CourseKind],
        Query(max_length=20, description="培训内容,可重复 · Kinds", examples=[["special"]]),
    ] = [],  # noqa: B006
    target_group: Annotated[
        list[TargetGroup],
        Query(max_length=20, description="群体,可重复 · Groups", examples=[["women"]]),
    ] = [],  # noqa: B006
    within: WithinQuery = None,
    known_at: KnownAt = None,
    limit: Annotated[int, Query(ge=1, le=2000, description="每页条数 · Rows per page", examples=[100])] = 100,
    cursor: CursorQuery = None,
    format: Annotated[
        EntryFormat,
        Query(description="csv 可用 Excel 打开 · csv opens in Excel", examples=["json"]),
    ] = EntryFormat.JSON,
) -> Response:  # fmt: skip
    """管辖范围之内,按站点、季度、内容、群体排序 · In the account's scope by station, quarter, kind and group."""
    moment = check_known_at(resources_of(request).engine, known_at)
    wanted = EntryFilter(
        station_codes=station or None, quarters=quarter, kinds=[one.value for one in kind],
        target_groups=[one.value for one in target_group],
    )  # fmt: skip
    after, area = _line(read_cursor(request, cursor)), read_area_scope(session, within, "within")
    rows = training.list_entries(session, actor, wanted, known_at=moment, after=after, limit=limit + 1, within=area)
    following = next_cursor(request, _cursor(rows[limit - 1])) if len(rows) > limit else None
    if format is EntryFormat.CSV:
        answer = personal(request, _csv(rows[:limit], language), media_type=CSV)
    else:
        body = schemas.EntryList(
            next_cursor=following, data_notice=Notice.of(data_notice(session, KINDS), language),
            entries=[schemas.EntryOut.of(row, language) for row in rows[:limit]],
        )  # fmt: skip
        answer = personal(request, body)
    answer.headers.update(link_to_next(request, following))
    return answer


@router.get(
    "/totals",
    operation_id="getTrainingTotals",
    summary="培训合计 · Sums of the training ledger",
    response_model=schemas.TotalsAnswer,
    responses={**answers("合计 · Sums"), **problems(401, 403, 404)},
)
def get_totals(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    by: Annotated[Dimension, Query(description="分项 · Parts by", examples=["district_code"])] = Dimension.DISTRICT,
    quarter: Annotated[
        list[Annotated[str, Query(pattern=schemas.QUARTER)]],
        Query(max_length=40, description="季度,可重复;默认全部 · Quarters; all by default", examples=[["2026Q3"]]),
    ] = [],  # noqa: B006
    within: WithinQuery = None,
    known_at: KnownAt = None,
) -> Response:  # fmt: skip
    """各分项之和恒等于 `total`;站点计入当时所在的区划 · The parts always add up to `total`."""
    moment = check_known_at(resources_of(request).engine, known_at)
    scope = read_area_scope(session, within, "within")
    quarters = [read_quarter(one) for one in quarter]
    found = training_totals(session, actor, quarters, by, within=scope, known_at=moment)
    body = schemas.TotalsAnswer(
        by=by, quarters=quarter, known_at=moment, total=schemas.FiguresOut.of(found.whole),
        rows=[schemas.TotalOut.of_row(row, language) for row in found.rows],
        data_notice=Notice.of(data_notice(session, KINDS), language),
    )  # fmt: skip
    return personal(request, body)


@router.get(
    "/warnings",
    operation_id="listTrainingWarnings",
    summary="存疑 · Doubts about a quarter",
    response_model=schemas.WarningList,
    responses={**answers("存疑 · Doubts"), **problems(401, 403, 404)},
)
def get_warnings(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    quarter: QuarterQuery,
    within: WithinQuery = None,
    known_at: KnownAt = None,
) -> Response:
    """人次超过座位×班次、取证多于人次、未开放却有培训等;不阻止填报 · Nothing is refused because of them."""
    moment = check_known_at(resources_of(request).engine, known_at)
    scope = read_area_scope(session, within, "within")
    found = plausibility_warnings(session, actor, read_quarter(quarter), within=scope, known_at=moment)
    shown = [schemas.WarningOut.of(one, language) for one in found]
    return personal(request, schemas.WarningList(quarter=quarter, total=len(shown), warnings=shown))


@router.get(
    "/{id}",
    operation_id="getTrainingEntry",
    summary="台账一行 · One line",
    response_model=schemas.EntryOut,
    responses={**answers("一行 · The line"), **problems(401, 403, 404)},
)
def get_training_entry(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id
) -> Response:
    """修改时请带上 `version` · Name `version` when you change it."""
    return personal(request, schemas.EntryOut.of(training.get_entry(session, actor, id), language))


@router.post(
    "",
    operation_id="addTrainingEntry",
    summary="填报一行 · Enter a line",
    response_model=schemas.EntrySaved,
    status_code=201,
    responses={**created("已填报 · Entered"), **WRITES},
)
def post_training_entry(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, question: schemas.EntryIn,
    key: IdempotencyKey = None,
) -> Response:  # fmt: skip
    """每个站点、季度、内容、群体一行 · One line for each station, quarter, kind and group."""

    def make() -> Response:
        results = training.save_entries(session, actor, [question.edit()])
        raise_if_stopped(results)
        return personal(request, schemas.EntrySaved.of(results[0], language), status=201)

    return once(request, session, actor, key, encode(question), make)


@router.post(
    "/batch",
    operation_id="saveTrainingEntries",
    summary="填报多行 · Enter many lines",
    response_model=schemas.BatchSaved,
    responses={**answers("各行的结果 · What came of each"), **WRITES},
)
def post_training_batch(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, question: schemas.EntryBatch,
    key: IdempotencyKey = None,
) -> Response:  # fmt: skip
    """全部写入或全部不写;有误时 `errors` 逐行列出 · All or none; faults name the line, as `entries[3].quarter`."""

    def make() -> Response:
        edits = [entry.edit() for entry in question.entries]
        results = training.save_entries(session, actor, edits, reason=question.reason, dry_run=question.dry_run)
        raise_if_stopped(results, are_named=True)
        counts = {one.value: sum(r.outcome is one for r in results) for one in Outcome}
        body = schemas.BatchSaved(
            added=counts["added"], changed=counts["changed"], unchanged=counts["unchanged"], dry_run=question.dry_run,
            entries=[schemas.EntrySaved.of(result, language) for result in results],
        )  # fmt: skip
        return personal(request, body)

    return once(request, session, actor, key, encode(question), make)


@router.put(
    "/{id}",
    operation_id="changeTrainingEntry",
    summary="修改一行 · Change a line",
    response_model=schemas.EntrySaved,
    responses={**answers("已修改 · Changed"), **WRITES},
)
def put_training_entry(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id, question: schemas.EntryChange
) -> Response:
    """已报送或接收的报表须先退回 · While its report is submitted or accepted it cannot be changed."""
    held = training.get_entry(session, actor, id)
    figures = question.model_dump(exclude={"reason"})
    edit = training.EntryEdit(*held.line, **figures)
    results = training.save_entries(session, actor, [edit], reason=question.reason)
    raise_if_stopped(results)
    return personal(request, schemas.EntrySaved.of(results[0], language))


@router.delete(
    "/{id}",
    operation_id="removeTrainingEntry",
    summary="撤销一行 · Take a line out",
    status_code=204,
    response_class=Response,
    responses={204: {"description": "已撤销;此前所知仍可查 · Taken out; what was known of it is kept"}, **WRITES},
)
def delete_training_entry(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    id: Id,
    version: Annotated[int, Query(ge=1, le=2**31 - 1, description="读取时的版本 · The version read", examples=[1])],
    reason: Annotated[
        str, Query(min_length=1, max_length=200, pattern=PLAIN_TEXT, description="原因 · Why", examples=["重复填报"])
    ],
) -> Response:  # fmt: skip
    """须写明原因 · A reason is required."""
    raise_if_stopped([training.remove_entry(session, actor, id, version, reason=reason)])
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


def raise_if_stopped(results: list[training.EntryResult], *, are_named: bool = False) -> None:
    """Raises InvalidInput, OutOfScope, ReportLocked or StaleVersion with the faults of all lines, if there are any.

    ``are_named``: the lines came as a list, and faults say which, as ``entries[3].quarter``, be it the only one.
    """
    items = []
    for k, result in enumerate(results):
        where = f"entries[{k}]." if are_named else ""
        for item in result.faults:
            items.append(
                ErrorItem(
                    f"{where}{item.field}", item.message_zh, item.message_en, value=item.value,
                    remedy_zh=item.remedy_zh, remedy_en=item.remedy_en,
                )
            )  # fmt: skip
        for one in result.conflicts:
            items.append(
                ErrorItem(
                    f"{where}{one.field}", f"现为 {one.theirs}", f"is now {one.theirs}", value=str(one.mine),
                    remedy_zh="重新读取后再改", remedy_en="read it anew",
                )
            )  # fmt: skip
    stopped = [r for r in results if r.outcome in (Outcome.FAULTY, Outcome.CONFLICT)]
    if not stopped:
        return
    kind: type[DomainError] = InvalidInput
    for found, wanted in (
        (all(r.outcome is Outcome.CONFLICT for r in stopped), StaleVersion),
        (all(r.locked for r in stopped), ReportLocked),
        (any(r.out_of_scope for r in stopped), OutOfScope),
    ):
        if found:
            kind = wanted
    raise kind(
        f"{len(results)} 行中有 {len(stopped)} 行有误,未写入任何数据。",
        f"{len(stopped)} of {len(results)} lines are faulty; nothing was written.",
        errors=items[:500],
    )


def _cursor(row: EntryRow) -> str:
    return orjson.dumps(row.line).decode()


def _line(cursor: str | None) -> Line | None:
    if cursor is None:
        return None
    try:
        parts = orjson.loads(cursor)
    except ValueError:
        parts = None
    if not isinstance(parts, list) or len(parts) != len(LINE) or not all(map(_is_text, parts)):
        raise InvalidInput("翻页游标无法使用。", "The cursor cannot be used.")
    return parts[0], parts[1], parts[2], parts[3]


def _is_text(part: object) -> bool:
    return isinstance(part, str) and "\x00" not in part


def _csv(rows: list[EntryRow], language: Language) -> bytes:
    lines = []
    for row in rows:
        shown = schemas.EntryOut.of(row, language)
        values = {**vars(shown), "kind": shown.kind_title, "target_group": shown.target_group_title}
        values["note"] = as_text(row.note or "")
        values["station_code"] = as_text(row.station_code)
        lines.append([values[name] for _, name in HEADINGS])
    return sheet([language.pick(zh, en) for zh, en in HEADINGS], lines).encode()
