"""Courses and sessions, for residents: lists, one of them, calendars."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import personal
from app.api.calendar_file import MEDIA_TYPE, calendar_of
from app.api.deps import LanguageDep, SessionDep
from app.api.described import Responses, answers, problems
from app.api.paging import cursor_after, link_to_next, moment_of_cursor, read_pair
from app.api.parameters import PLAIN_TEXT, AreaCode, CursorQuery, WrittenMoment
from app.api.schemas import sessions as schemas
from app.api.schemas.nearest import Cost
from app.api.summaries import notice_at
from app.models.vocabularies import CourseForm, CourseKind, DatasetKind, TargetGroup
from app.repositories.offered_courses import OfferFilter, SessionFacts
from app.services import offered_courses as service

router = APIRouter(tags=["sessions"])
KINDS = (DatasetKind.STATIONS,)
MOST_EVENTS = 500  # in one calendar
Id = Annotated[int, Path(ge=1, le=schemas.MAX_ID, description="编号 · Number", examples=[12])]
Limit = Annotated[int, Query(ge=1, le=200, description="每页条数 · Items a page", examples=[20])]


class SessionFormat(StrEnum):
    JSON = "json"
    ICS = "ics"


FormatQuery = Annotated[
    SessionFormat, Query(description="ics:日历文件(RFC 5545)· ics: a calendar file", examples=["json"])
]
WITH_CALENDAR: Responses = {
    200: {
        "description": "场次 · Sessions",
        "content": {
            "application/json": {},
            "text/calendar": {"schema": {"type": "string"}, "example": "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n…"},
        },
    }
}


async def filter_in_query(
    q: Annotated[
        str | None,
        Query(
            min_length=1, max_length=100, pattern=PLAIN_TEXT, description="名称、技能、站点名 · Text", examples=["焊"]
        ),
    ] = None,
    station: Annotated[
        str | None,
        Query(
            min_length=1, max_length=64, pattern=PLAIN_TEXT, description="站点代码 · Station", examples=["YC440106-001"]
        ),
    ] = None,
    district: Annotated[AreaCode | None, Query(description="区代码 · District code", examples=["440106"])] = None,
    town: Annotated[AreaCode | None, Query(description="镇街代码 · Town code", examples=["440106011"])] = None,
    kind: Annotated[
        list[CourseKind], Query(max_length=20, description="培训内容,可重复 · Kinds", examples=[["special"]])
    ] = [],  # noqa: B006
    form: Annotated[
        list[CourseForm], Query(max_length=20, description="培训形式,可重复 · Forms", examples=[["evening_school"]])
    ] = [],  # noqa: B006
    skill: Annotated[
        str | None,
        Query(min_length=1, max_length=50, pattern=PLAIN_TEXT, description="技能 · Skill", examples=["焊工"]),
    ] = None,
    group: Annotated[
        list[TargetGroup],
        Query(max_length=20, description="面向这些人群之一 · For one of these groups", examples=[["unemployed"]]),
    ] = [],  # noqa: B006
    cost: Annotated[
        list[Cost], Query(max_length=2, description="免费,或有补贴 · Free, or subsidised", examples=[["free"]])
    ] = [],  # noqa: B006
    online: Annotated[
        bool | None, Query(description="只要线上(或只要线下)· Online only, or not", examples=[False])
    ] = None,
) -> OfferFilter:
    """What lists of courses and of sessions ask for alike."""
    return OfferFilter(
        text=q, station_code=station, district_code=district, town_code=town, kinds=[one.value for one in kind],
        forms=[one.value for one in form], skill=skill, groups=[one.value for one in group],
        free=Cost.FREE in cost, subsidised=Cost.SUBSIDISED in cost, online=online,
    )  # fmt: skip


FilterQuery = Annotated[OfferFilter, Depends(filter_in_query)]


@router.get(
    "/courses",
    operation_id="listOfferedCourses",
    summary="课程 · Courses on offer",
    response_model=schemas.OfferedCourseList,
    responses={**answers("一页课程 · A page"), **problems(404)},
)
def list_courses(
    request: Request, session: SessionDep, language: LanguageDep, wanted: FilterQuery, limit: Limit = 50,
    cursor: CursorQuery = None,
) -> Response:  # fmt: skip
    """今天对外开放的站点所开的课程,按站点 · Courses of stations that are open to the public today, by station."""
    page = service.list_courses(session, wanted, after=read_pair(request, cursor, str), limit=limit)
    following = None
    if page.has_more:
        last = page.courses[-1].facts
        following = cursor_after(request, last.station_code, last.id)
    answer = personal(request, schemas.OfferedCourseList(
        total=page.total, next_cursor=following, data_notice=notice_at(session, language, KINDS, None),
        courses=[schemas.OfferedCourse.of(one.facts, one.next_starts_at, language) for one in page.courses],
    ))  # fmt: skip
    answer.headers.update(link_to_next(request, following))
    return answer


@router.get(
    "/courses/{id}",
    operation_id="getOfferedCourse",
    summary="一门课程与接下来的场次 · One course and its next sessions",
    response_model=schemas.CourseAnswer,
    responses={**answers("课程 · The course"), **problems(404)},
)
def get_course(request: Request, session: SessionDep, language: LanguageDep, id: Id) -> Response:
    """已停开的也可查 · One that has ended can be read, too."""
    course, coming = service.get_course(session, id)
    return personal(request, schemas.CourseAnswer(
        course=schemas.OfferedCourse.of(course.facts, course.next_starts_at, language),
        sessions=[schemas.SessionBrief.of(one, language) for one in coming],
        data_notice=notice_at(session, language, KINDS, None),
    ))  # fmt: skip


@router.get(
    "/sessions",
    operation_id="listSessions",
    summary="场次 · Sessions",
    response_model=schemas.OfferedSessionList,
    responses={**WITH_CALENDAR, **problems(404)},
)
def list_sessions(
    request: Request,
    session: SessionDep,
    language: LanguageDep,
    wanted: FilterQuery,
    course: Annotated[int | None, Query(ge=1, le=schemas.MAX_ID, description="课程 · Course", examples=[12])] = None,
    since: Annotated[
        WrittenMoment | None,
        Query(
            description="此时刻尚未结束的;默认现在 · Not over then; now by default",
            examples=["2026-11-25T00:00:00+08:00"],
        ),
    ] = None,
    until: Annotated[
        WrittenMoment | None,
        Query(description="此时刻之前开始的 · Beginning before", examples=["2026-12-25T00:00:00+08:00"]),
    ] = None,
    has_seats: Annotated[bool, Query(description="只要有余位的 · Only with a seat left", examples=[True])] = False,
    limit: Limit = 50,
    cursor: CursorQuery = None,
    format: FormatQuery = SessionFormat.JSON,
) -> Response:
    """按开始时间;取消的场次也列出,`status` 为 `cancelled`。`format=ics` 是日历文件,至多 500 场,其余见 `Link`。

    By their beginning; cancelled ones are listed, too. `format=ics` is a calendar file of up to 500 sessions; `Link`
    leads to the rest.
    """
    wanted = OfferFilter(**{**vars(wanted), "course_id": course})
    after = read_pair(request, cursor, moment_of_cursor)
    count = MOST_EVENTS if format is SessionFormat.ICS else limit
    rows = service.list_sessions(
        session, wanted, since=since, until=until, has_seats=has_seats, after=after, limit=count + 1
    )
    shown, following = rows[:count], None
    if len(rows) > count:
        following = cursor_after(request, shown[-1].starts_at.isoformat(), shown[-1].id)
    notice = notice_at(session, language, KINDS, None)
    if format is SessionFormat.ICS:
        answer = _calendar(request, calendar_of(shown, language, notice, is_cut=following is not None), "sessions")
    else:
        answer = personal(request, schemas.OfferedSessionList(
            sessions=[schemas.SessionBrief.of(one, language) for one in shown], next_cursor=following,
            data_notice=notice,
        ))  # fmt: skip
    answer.headers.update(link_to_next(request, following))
    return answer


@router.get(
    "/sessions/{id}",
    operation_id="getSession",
    summary="一个场次 · One session",
    response_model=schemas.SessionAnswer,
    responses={**WITH_CALENDAR, **problems(404)},
)
def get_session(
    request: Request, session: SessionDep, language: LanguageDep, id: Id, format: FormatQuery = SessionFormat.JSON
) -> Response:
    """余位是此刻的 · Seats are those of this moment."""
    found: SessionFacts = service.get_session(session, id)
    notice = notice_at(session, language, KINDS, None)
    if format is SessionFormat.ICS:
        return _calendar(request, calendar_of([found], language, notice), f"session-{id}")
    return personal(
        request, schemas.SessionAnswer(session=schemas.SessionBrief.of(found, language), data_notice=notice)
    )


def _calendar(request: Request, content: bytes, name: str) -> Response:
    answer = personal(request, content, media_type=MEDIA_TYPE)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.ics"'
    return answer
