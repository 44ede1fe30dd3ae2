"""Courses and sessions. For officers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import CSV, encode, personal
from app.api.deps import LanguageDep, SessionDep
from app.api.described import answers, created, problems
from app.api.idempotency import IdempotencyKey, once
from app.api.identity import ActorDep
from app.api.language import Language
from app.api.paging import cursor_after, link_to_next, moment_of_cursor, read_pair
from app.api.parameters import PLAIN_TEXT, CursorQuery, Within, WrittenMoment
from app.api.schemas import ledger_courses as schemas
from app.api.sheets import as_text, sheet
from app.geo.opening_hours import TIME_ZONE
from app.models.vocabularies import CourseForm, CourseKind, CourseStatus
from app.repositories.courses import CourseFilter
from app.services import courses as service
from app.services.suggestions import read_area_scope

router = APIRouter(prefix="/ledger", tags=["ledger"])
Id = Annotated[int, Path(ge=1, le=schemas.MAX_ID, description="编号 · Id", examples=[1])]
Limit = Annotated[int, Query(ge=1, le=500, description="每页条数 · Rows per page", examples=[100])]
StationQuery = Annotated[str, Query(min_length=1, max_length=64, pattern=PLAIN_TEXT)]
WRITES = problems(400, 401, 403, 404, 409, 413)
WORDS = {"kind", "form", "status", "target_groups"}
COURSE_HEADINGS = {
    "id": "编号", "station_code": "站点编号", "title": "课程名称", "kind_title": "培训内容", "form_title": "形式",
    "skill": "技能或工种", "industry": "产业", "target_groups": "群体", "fee_yuan": "学费(元)",
    "subsidised": "可申领补贴", "subsidy_note": "补贴说明", "seats": "座位",
    "status_title": "状态", "online_url": "链接", "version": "版本",
}  # fmt: skip
SESSION_HEADINGS = {
    "id": "编号", "course_id": "课程编号", "station_code": "站点编号", "starts_at": "开始(北京时间)",
    "ends_at": "结束(北京时间)", "seats": "座位", "teacher": "教师", "status_title": "状态", "attended": "到课人数",
    "certificates": "取证人数", "version": "版本",
}  # fmt: skip


class TableFormat(StrEnum):
    JSON = "json"
    CSV = "csv"


FormatQuery = Annotated[TableFormat, Query(description="csv 可用 Excel 打开 · csv opens in Excel", examples=["json"])]


def _page(what: str, example: str) -> dict[int | str, dict[str, Any]]:
    table = {"schema": {"type": "string"}, "example": example}
    return {200: {"description": what, "content": {"application/json": {}, CSV: table}}}


@router.get(
    "/courses",
    operation_id="listCourses",
    summary="课程 · Courses",
    response_model=schemas.CourseList,
    responses={**_page("一页课程 · A page", "编号,站点编号,…"), **problems(401, 403)},
)
def get_courses(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    station: Annotated[
        list[StationQuery],
        Query(max_length=50, description="站点编号,可重复 · Stations", examples=[["YC440106-001"]]),
    ] = [],  # noqa: B006
    kind: Annotated[
        list[CourseKind],
        Query(max_length=20, description="培训内容,可重复 · Kinds", examples=[["special"]]),
    ] = [],  # noqa: B006
    form: Annotated[
        list[CourseForm],
        Query(max_length=10, description="形式,可重复 · Forms", examples=[["salon"]]),
    ] = [],  # noqa: B006
    status: Annotated[
        list[CourseStatus],
        Query(max_length=4, description="状态,可重复 · States", examples=[["offered"]]),
    ] = [],  # noqa: B006
    q: Annotated[
        str | None,
        Query(min_length=1, max_length=100, pattern=PLAIN_TEXT, description="名称、技能 · Text", examples=["护理"]),
    ] = None,
    within: Within = None,
    limit: Limit = 100,
    cursor: CursorQuery = None,
    format: FormatQuery = TableFormat.JSON,
) -> Response:  # fmt: skip
    """管辖范围之内站点的课程,按站点 · Courses of stations in the account's scope, by station."""
    wanted = CourseFilter(
        station_codes=station, kinds=[one.value for one in kind], forms=[one.value for one in form],
        statuses=[one.value for one in status], text=q, within=read_area_scope(session, within, "within"),
    )  # fmt: skip
    rows = service.list_courses(session, actor, wanted, after=read_pair(request, cursor, str), limit=limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    following = None if last is None else cursor_after(request, last.station_code, last.id)
    shown = [schemas.CourseOut.of(row, language) for row in rows[:limit]]
    if format is TableFormat.CSV:
        answer = personal(request, _csv(COURSE_HEADINGS, shown, language), media_type=CSV)
    else:
        answer = personal(request, schemas.CourseList(next_cursor=following, courses=shown))
    answer.headers.update(link_to_next(request, following))
    return answer


@router.post(
    "/courses",
    operation_id="addCourse",
    summary="登记课程 · Record a course",
    response_model=schemas.CourseOut,
    status_code=201,
    responses={**created("已登记 · Recorded"), **WRITES},
)
def post_course(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, question: schemas.NewCourse,
    key: IdempotencyKey = None,
) -> Response:  # fmt: skip
    """线上课程须有链接 · An online course has a link."""

    def make() -> Response:
        row = service.add_course(session, actor, _plain(question))
        return personal(request, schemas.CourseOut.of(row, language), status=201)

    return once(request, session, actor, key, encode(question), make)


@router.get(
    "/courses/{id}",
    operation_id="getCourse",
    summary="一门课程 · One course",
    response_model=schemas.CourseOut,
    responses={**answers("课程 · The course"), **problems(401, 403, 404)},
)
def get_one_course(request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id) -> Response:
    """修改时请带上 `version` · Name `version` when you change it."""
    return personal(request, schemas.CourseOut.of(service.get_course(session, actor, id), language))


@router.put(
    "/courses/{id}",
    operation_id="changeCourse",
    summary="修改或停开课程 · Change or end a course",
    response_model=schemas.CourseOut,
    responses={**answers("课程 · The course"), **WRITES},
)
def put_course(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id,
    question: schemas.CourseChange,
) -> Response:  # fmt: skip
    """停开:`status` 为 `ended` · To end it, set `status` to `ended`."""
    row = service.change_course(session, actor, id, question.version, _plain(question))
    return personal(request, schemas.CourseOut.of(row, language))


@router.post(
    "/courses/{id}/sessions",
    operation_id="addCourseSession",
    summary="安排场次 · Plan a session",
    response_model=schemas.SessionOut,
    status_code=201,
    responses={**created("已安排 · Planned"), **WRITES},
)
def post_session(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id,
    question: schemas.SessionFacts, key: IdempotencyKey = None,
) -> Response:  # fmt: skip
    """时间须带时区 · Times name their zone."""

    def make() -> Response:
        row = service.add_course_session(session, actor, id, _plain(question))
        return personal(request, schemas.SessionOut.of(row, language), status=201)

    return once(request, session, actor, key, encode(question), make)


@router.get(
    "/sessions",
    operation_id="listCourseSessions",
    summary="场次 · Sessions",
    response_model=schemas.SessionList,
    responses={**_page("一页场次 · A page", "编号,课程编号,…"), **problems(401, 403)},
)
def get_sessions(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    course: Annotated[
        int | None, Query(ge=1, le=schemas.MAX_ID, description="课程编号 · Course", examples=[12])
    ] = None,
    station: Annotated[StationQuery | None, Query(description="站点编号 · Station", examples=["YC440106-001"])] = None,
    since: Annotated[
        WrittenMoment | None,
        Query(description="自此时刻起 · From this moment on", examples=["2026-11-25T00:00:00+08:00"]),
    ] = None,
    until: Annotated[
        WrittenMoment | None,
        Query(description="至此时刻(不含) · Until before this moment", examples=["2027-01-01T00:00:00+08:00"]),
    ] = None,
    within: Within = None,
    limit: Limit = 100,
    cursor: CursorQuery = None,
    format: FormatQuery = TableFormat.JSON,
) -> Response:
    """按开始时间 · By their beginning."""
    place = read_pair(request, cursor, moment_of_cursor)
    rows = service.list_sessions(
        session, actor, course_id=course, station_code=station, since=since, until=until, after=place, limit=limit + 1,
        within=read_area_scope(session, within, "within"),
    )  # fmt: skip
    last = rows[limit - 1] if len(rows) > limit else None
    following = None if last is None else cursor_after(request, last.starts_at.isoformat(), last.id)
    shown = [schemas.SessionOut.of(row, language) for row in rows[:limit]]
    if format is TableFormat.CSV:
        answer = personal(request, _csv(SESSION_HEADINGS, shown, language), media_type=CSV)
    else:
        answer = personal(request, schemas.SessionList(next_cursor=following, sessions=shown))
    answer.headers.update(link_to_next(request, following))
    return answer


@router.get(
    "/sessions/{id}",
    operation_id="getCourseSession",
    summary="一个场次 · One session",
    response_model=schemas.SessionOut,
    responses={**answers("场次 · The session"), **problems(401, 403, 404)},
)
def get_one_session(request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id) -> Response:
    """修改时请带上 `version` · Name `version` when you change it."""
    return personal(request, schemas.SessionOut.of(service.get_course_session(session, actor, id), language))


@router.put(
    "/sessions/{id}",
    operation_id="changeCourseSession",
    summary="修改、完成或取消场次 · Change, hold or cancel a session",
    response_model=schemas.SessionOut,
    responses={**answers("场次 · The session"), **WRITES},
)
def put_session(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id,
    question: schemas.SessionChange,
) -> Response:  # fmt: skip
    """举办后:`status` 为 `held`,并填到课人数 · Once held, set `status` to `held` and enter the attendance."""
    row = service.change_course_session(session, actor, id, question.version, _plain(question))
    return personal(request, schemas.SessionOut.of(row, language))


def _csv(headings: Mapping[str, str], rows: Sequence[BaseModel], language: Language) -> bytes:
    names = [language.pick(zh, name) for name, zh in headings.items()]
    return sheet(names, [[_cell(getattr(row, name), language) for name in headings] for row in rows]).encode()


def _cell(value: Any, language: Language) -> Any:
    if isinstance(value, bool):
        return language.pick("是" if value else "否", "yes" if value else "no")
    if isinstance(value, datetime):
        return value.astimezone(TIME_ZONE).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, list):
        return language.pick("、", ", ").join(language.pick(one.title_zh, one.title_en) for one in value)
    return as_text(value) if isinstance(value, str) else value


def _plain(question: schemas.CourseFacts | schemas.SessionFacts) -> dict[str, object]:
    """The facts as they are kept: words by their codes."""
    values = question.model_dump(exclude={"version"})
    words = question.model_dump(mode="json", include=WORDS)
    return {**values, **words}
