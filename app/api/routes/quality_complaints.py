"""Complaints: anybody files one and follows it up by its number; officers answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api import quality
from app.api.answers import encode, personal
from app.api.deps import LanguageDep, SessionDep
from app.api.described import answers, created, problems
from app.api.idempotency import IdempotencyKey, once
from app.api.identity import ActorDep
from app.api.parameters import CursorQuery
from app.api.quality import PUBLIC_WRITES, READS, WRITES, Limit, PlaceQuery, SettingsDep
from app.api.schemas import quality_complaints as schemas
from app.api.schemas.quality_common import VersionAsked
from app.models.vocabularies import ComplaintState, ComplaintSubject
from app.services import complaints
from app.services.complaints import ComplaintFile
from app.services.station_table import today

router = APIRouter(prefix="/quality", tags=["quality"])
Number = Annotated[
    str,
    Path(
        pattern=r"^[Tt][Ss]-[0-9]{8}-[0-9A-Za-z]{6}$", description="投诉编号 · Number of the complaint",
        examples=["TS-20260901-7KQ4RM"],
    ),
]  # fmt: skip


@router.post(
    "/complaints",
    operation_id="addComplaint",
    summary="投诉 · Complain",
    response_model=schemas.ComplaintReceipt,
    status_code=201,
    responses={**created("已受理 · Received"), **PUBLIC_WRITES},
)
def add_complaint(
    request: Request, session: SessionDep, language: LanguageDep, settings: SettingsDep,
    asked: schemas.ComplaintAsked, key: IdempotencyKey = None,
) -> Response:  # fmt: skip
    """不需登录。回执中的编号用于查询进度;工作日内限期答复。联系方式可不填,与投诉分开保存。

    No sign-in. The number in the receipt follows it up. An answer is due within some working days. How to reach you
    is optional, kept apart, and erased some time after closing. No address is kept.
    """
    visitor, asker = quality.visitor_in(request, session)

    def make() -> Response:
        row = complaints.file_complaint(session, visitor, asked.new(), settings)
        return personal(request, schemas.ComplaintReceipt.of(row, asked.contact is not None, language), status=201)

    told = encode(asked.model_copy(update={"contact": None}))  # not even a hash of it is kept with the key
    return once(request, session, asker, key, told, make)


@router.get(
    "/complaints/{number}",
    operation_id="getComplaint",
    summary="查询投诉进度 · Follow up a complaint",
    response_model=schemas.FollowUpOut,
    responses={**answers("进度与答复 · Steps and answers"), **problems(404)},
)
def get_complaint(request: Request, session: SessionDep, language: LanguageDep, number: Number) -> Response:
    """凭编号,不需登录;不显示投诉内容与任何个人信息 · By its number, without a sign-in; nothing personal is shown."""
    made = complaints.follow_up(session, number.upper())
    return personal(request, schemas.FollowUpOut.of(made, today(), language))


@router.get(
    "/complaints",
    operation_id="listComplaints",
    summary="投诉列表(工作人员) · Complaints, for officers",
    response_model=schemas.ComplaintList,
    responses={**answers("一页投诉 · A page"), **READS},
)
def list_complaints(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    place: PlaceQuery,
    state: Annotated[
        list[ComplaintState] | None, Query(description="状态,可重复 · States", examples=[["received"]])
    ] = None,
    subject: Annotated[
        list[ComplaintSubject] | None, Query(description="事由,可重复 · Subjects", examples=[["fees"]])
    ] = None,
    overdue: Annotated[bool, Query(description="只列逾期未答复的 · Only overdue ones", examples=[True])] = False,
    limit: Limit = 100,
    cursor: CursorQuery = None,
) -> Response:
    """未答复的在前,按答复期限排序:逾期的最先 · Those not answered first, by the day that they are due."""
    after = quality.read_position(request, cursor, quality.flag, quality.day, quality.whole)
    rows = complaints.list_complaints(
        session, actor, place, states=state or (), subjects=subject or (), overdue=overdue, after=after,
        limit=limit + 1,
    )  # fmt: skip
    return quality.page(
        request, rows, limit, lambda row: (int(row.is_done), row.due_on, row.id),
        lambda held, following: schemas.ComplaintList(
            next_cursor=following, complaints=[schemas.ComplaintOut.of(row, today(), language) for row in held]
        ),
    )  # fmt: skip


@router.get(
    "/complaints/{number}/file",
    operation_id="getComplaintFile",
    summary="投诉案卷(工作人员) · All of a complaint, for officers",
    response_model=schemas.ComplaintFileOut,
    responses={**answers("案卷 · The file"), **READS},
)
def get_complaint_file(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, settings: SettingsDep, number: Number
) -> Response:
    """内容、步骤;联系方式仅镇街经办及以上可见 · Text and steps; how to reach them for town officers and above."""
    return _file(request, complaints.open_file(session, actor, number.upper(), settings), language)


@router.post(
    "/complaints/{number}/take",
    operation_id="takeComplaint",
    summary="承办(区级) · Take a complaint on",
    response_model=schemas.ComplaintFileOut,
    responses={**answers("案卷 · The file"), **WRITES},
)
def take_complaint(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, settings: SettingsDep,
    number: Number, asked: VersionAsked,
) -> Response:  # fmt: skip
    """当前账号为承办人 · The account is the one that sees to it."""
    return _file(request, complaints.take(session, actor, number.upper(), asked.version, settings), language)


@router.post(
    "/complaints/{number}/answer",
    operation_id="answerComplaint",
    summary="答复(区级) · Answer a complaint",
    response_model=schemas.ComplaintFileOut,
    responses={**answers("案卷 · The file"), **WRITES},
)
def answer_complaint(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, settings: SettingsDep,
    number: Number, asked: schemas.AnswerAsked,
) -> Response:  # fmt: skip
    """答复凭编号公开可见 · Whoever has the number can read the answer."""
    made = complaints.answer(session, actor, number.upper(), asked.version, asked.text, settings)
    return _file(request, made, language)


@router.post(
    "/complaints/{number}/close",
    operation_id="closeComplaint",
    summary="办结(区级) · Close a complaint",
    response_model=schemas.ComplaintFileOut,
    responses={**answers("案卷 · The file"), **WRITES},
)
def close_complaint(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, settings: SettingsDep,
    number: Number, asked: schemas.CloseAsked,
) -> Response:  # fmt: skip
    """答复之后;联系方式按期清除 · After the answer; the contact is erased some time later."""
    made = complaints.close(session, actor, number.upper(), asked.version, asked.note, settings)
    return _file(request, made, language)


@router.post(
    "/complaints/{number}/reopen",
    operation_id="reopenComplaint",
    summary="重新办理(区级) · Take a complaint up again",
    response_model=schemas.ComplaintFileOut,
    responses={**answers("案卷 · The file"), **WRITES},
)
def reopen_complaint(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, settings: SettingsDep,
    number: Number, asked: schemas.ReopenAsked,
) -> Response:  # fmt: skip
    """答复期限重新计算 · With a new day by which it is to be answered."""
    made = complaints.reopen(session, actor, number.upper(), asked.version, asked.reason, settings)
    return _file(request, made, language)


def _file(request: Request, made: ComplaintFile, language: LanguageDep) -> Response:
    return personal(request, schemas.ComplaintFileOut.of_file(made, today(), language))
