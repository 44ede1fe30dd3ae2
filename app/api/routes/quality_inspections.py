"""Inspections and findings. For officers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api import quality
from app.api.answers import encode, personal
from app.api.deps import LanguageDep, SessionDep
from app.api.described import answers, created
from app.api.idempotency import IdempotencyKey, once
from app.api.identity import ActorDep
from app.api.parameters import CursorQuery, WrittenDay
from app.api.quality import READS, WRITES, Id, Limit, PlaceQuery
from app.api.schemas import quality_inspections as schemas
from app.api.schemas.quality_common import ReasonAsked, VersionAsked
from app.models.vocabularies import FindingState
from app.services import inspections
from app.services.station_table import today

router = APIRouter(prefix="/quality", tags=["quality"])
DayQuery = Annotated[
    WrittenDay | None, Query(description="检查日期,含当日 · Day of inspection", examples=["2026-01-01"])
]


@router.get(
    "/inspections",
    operation_id="listInspections",
    summary="检查记录 · Inspections",
    response_model=schemas.InspectionList,
    responses={**answers("一页检查 · A page"), **READS},
)
def list_inspections(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    place: PlaceQuery,
    since: DayQuery = None,
    until: DayQuery = None,
    cancelled: Annotated[bool, Query(description="包括已撤销的 · Also cancelled ones", examples=[False])] = False,
    limit: Limit = 100,
    cursor: CursorQuery = None,
) -> Response:
    """管辖范围内站点的检查,最近的在前 · Inspections of stations in the account's scope, the latest first."""
    after = quality.read_position(request, cursor, quality.day, quality.whole)
    rows = inspections.list_inspections(
        session, actor, place, since=since, until=until, cancelled=cancelled, after=after, limit=limit + 1
    )
    return quality.page(
        request, rows, limit, lambda row: (row.inspected_on, row.id),
        lambda held, following: schemas.InspectionList(
            next_cursor=following, inspections=[schemas.InspectionOut.of(row, language) for row in held]
        ),
    )  # fmt: skip


@router.get(
    "/inspections/{id}",
    operation_id="getInspection",
    summary="一次检查 · One inspection",
    response_model=schemas.InspectionDetail,
    responses={**answers("检查与问题 · With its findings"), **READS},
)
def get_inspection(request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id) -> Response:
    """修改时请带上 `version` · Name `version` when you change it."""
    view = inspections.get_inspection(session, actor, id)
    return personal(request, schemas.InspectionDetail.of_view(view, today(), language))


@router.post(
    "/inspections",
    operation_id="addInspection",
    summary="登记检查 · Record an inspection",
    response_model=schemas.InspectionDetail,
    status_code=201,
    responses={**created("已登记 · Recorded"), **WRITES},
)
def add_inspection(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, asked: schemas.NewInspection,
    key: IdempotencyKey = None,
) -> Response:  # fmt: skip
    """检查人为当前账号;三规范各给结论,检查内容各打分,问题写明整改期限。

    The inspector is the account. Verdicts on the three standards, scores on the three subjects, and findings with the
    day by which they are to be remedied.
    """

    def make() -> Response:
        found = [finding.facts() for finding in asked.findings]
        view = inspections.add_inspection(session, actor, asked.station, asked.facts(), found)
        return personal(request, schemas.InspectionDetail.of_view(view, today(), language), status=201)

    return once(request, session, actor, key, encode(asked), make)


@router.put(
    "/inspections/{id}",
    operation_id="changeInspection",
    summary="修改检查 · Change an inspection",
    response_model=schemas.InspectionDetail,
    responses={**answers("检查与问题 · With its findings"), **WRITES},
)
def change_inspection(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id,
    asked: schemas.InspectionChange,
) -> Response:  # fmt: skip
    """镇街经办只能修改本人的检查 · A town officer changes own inspections only."""
    view = inspections.change_inspection(session, actor, id, asked.version, asked.facts())
    return personal(request, schemas.InspectionDetail.of_view(view, today(), language))


@router.post(
    "/inspections/{id}/cancel",
    operation_id="cancelInspection",
    summary="撤销误录的检查 · Cancel an inspection that was entered by mistake",
    response_model=schemas.InspectionDetail,
    responses={**answers("已撤销 · Cancelled"), **WRITES},
)
def cancel_inspection(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id, asked: ReasonAsked
) -> Response:
    """留在记录里,不再计入任何统计 · It stays on record and counts nowhere."""
    view = inspections.cancel_inspection(session, actor, id, asked.version, asked.reason)
    return personal(request, schemas.InspectionDetail.of_view(view, today(), language))


@router.get(
    "/findings",
    operation_id="listFindings",
    summary="问题与整改 · Findings",
    response_model=schemas.FindingList,
    responses={**answers("一页问题 · A page"), **READS},
)
def list_findings(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    place: PlaceQuery,
    state: Annotated[list[FindingState] | None, Query(description="状态,可重复 · States", examples=[["open"]])] = None,
    overdue: Annotated[bool, Query(description="只列逾期未整改的 · Only overdue ones", examples=[True])] = False,
    limit: Limit = 100,
    cursor: CursorQuery = None,
) -> Response:
    """按整改期限排序;`overdue=true` 为逾期清单 · By the day that they are due; `overdue=true` lists what is overdue."""
    after = quality.read_position(request, cursor, quality.day, quality.whole)
    rows = inspections.list_findings(
        session, actor, place, states=state or (), overdue=overdue, after=after, limit=limit + 1
    )
    return quality.page(
        request, rows, limit, lambda row: (row.due_on, row.id),
        lambda held, following: schemas.FindingList(
            next_cursor=following, findings=[schemas.FindingOut.of(row, today(), language) for row in held]
        ),
    )  # fmt: skip


@router.post(
    "/inspections/{id}/findings",
    operation_id="addFinding",
    summary="补记问题 · Add a finding",
    response_model=schemas.FindingOut,
    status_code=201,
    responses={**created("已登记 · Recorded"), **WRITES},
)
def add_finding(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id,
    asked: schemas.FindingAsked, key: IdempotencyKey = None,
) -> Response:  # fmt: skip
    """`standard` 与 `subject` 恰好填一个 · Exactly one of `standard` and `subject`."""

    def make() -> Response:
        row = inspections.add_finding(session, actor, id, asked.facts())
        return personal(request, schemas.FindingOut.of(row, today(), language), status=201)

    return once(request, session, actor, key, encode(asked), make)


@router.put(
    "/findings/{id}",
    operation_id="changeFinding",
    summary="修改问题 · Change a finding",
    response_model=schemas.FindingOut,
    responses={**answers("问题 · The finding"), **WRITES},
)
def change_finding(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id,
    asked: schemas.FindingChange,
) -> Response:  # fmt: skip
    """整改之前可改,包括延期 · While it is open; another day, too."""
    row = inspections.change_finding(session, actor, id, asked.version, asked.facts())
    return personal(request, schemas.FindingOut.of(row, today(), language))


@router.post(
    "/findings/{id}/remedy",
    operation_id="remedyFinding",
    summary="报告已整改 · Report that it is remedied",
    response_model=schemas.FindingOut,
    responses={**answers("问题 · The finding"), **WRITES},
)
def remedy_finding(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id, asked: schemas.RemedyAsked
) -> Response:
    """镇街及以上;之后由区级复核销号 · By the town or above; the district checks it then."""
    row = inspections.remedy_finding(session, actor, id, asked.version, asked.remedied_on, asked.text)
    return personal(request, schemas.FindingOut.of(row, today(), language))


@router.post(
    "/findings/{id}/close",
    operation_id="closeFinding",
    summary="复核销号(区级) · Close a finding",
    response_model=schemas.FindingOut,
    responses={**answers("问题 · The finding"), **WRITES},
)
def close_finding(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id, asked: VersionAsked
) -> Response:
    """确认已整改 · It is remedied indeed."""
    row = inspections.close_finding(session, actor, id, asked.version)
    return personal(request, schemas.FindingOut.of(row, today(), language))


@router.post(
    "/findings/{id}/return",
    operation_id="returnFinding",
    summary="退回重新整改(区级) · Return a finding",
    response_model=schemas.FindingOut,
    responses={**answers("问题 · The finding"), **WRITES},
)
def return_finding(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id, asked: ReasonAsked
) -> Response:
    """整改不到位,退回并写明原因 · It is not remedied after all, and why."""
    row = inspections.return_finding(session, actor, id, asked.version, asked.reason)
    return personal(request, schemas.FindingOut.of(row, today(), language))
