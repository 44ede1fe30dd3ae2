"""What stations teach, and when. Nothing is removed: a course ends, a session is cancelled.

Attendance of a held session is written into it; the training ledger is entered by quarter, on its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.errors import ErrorItem, InvalidInput, NotFound, StaleVersion
from app.models.vocabularies import CourseForm, CourseStatus, Role, SessionStatus
from app.repositories import courses as repo
from app.repositories.context import ledger_moment
from app.repositories.courses import CourseFilter, CourseRow, SessionRow
from app.repositories.scope import Scope
from app.services.acting import act_as
from app.services.actors import Actor
from app.services.sign_ups import give_free_seats
from app.services.station_register import get_ledger_station

LONGEST_SESSION = timedelta(days=1)


def list_courses(
    session: Session, actor: Actor, wanted: CourseFilter, *, after: tuple[str, int] | None, limit: int
) -> list[CourseRow]:
    """Courses of stations in the actor's scope, by station and number."""
    actor.require(Role.VIEWER)
    return repo.list_courses(session, actor.scope, wanted, after=after, limit=limit)


def get_course(session: Session, actor: Actor, course_id: int) -> CourseRow:
    """One course. Raises NotFound, OutOfScope."""
    actor.require(Role.VIEWER)
    course = repo.get_course(session, course_id)
    if course is None:
        raise NotFound(f"没有编号为 {course_id} 的课程。", f"There is no course {course_id}.")
    get_ledger_station(session, actor, course.station_code)
    return course


def add_course(session: Session, actor: Actor, values: Mapping[str, Any]) -> CourseRow:
    """Record a course. Raises NotFound and OutOfScope for its station, InvalidInput."""
    actor.require(Role.TOWN_OFFICER, write=True)
    act_as(session, actor)
    ledger_moment(session)
    get_ledger_station(session, actor, values["station_code"])
    _check_course(values)
    return get_course(session, actor, repo.insert_course(session, values))


def change_course(session: Session, actor: Actor, course_id: int, version: int, values: Mapping[str, Any]) -> CourseRow:
    """Change or end a course; its station stays. Raises NotFound, OutOfScope, InvalidInput, StaleVersion."""
    actor.require(Role.TOWN_OFFICER, write=True)
    act_as(session, actor)
    ledger_moment(session)
    held = get_course(session, actor, course_id)
    _check_version(held, version, values)
    _check_course(vars(replace(held, **values)))
    repo.update_course(session, course_id, values)
    return get_course(session, actor, course_id)


def list_sessions(
    session: Session, actor: Actor, *, course_id: int | None = None, station_code: str | None = None,
    since: datetime | None = None, until: datetime | None = None, after: tuple[datetime, int] | None = None, limit: int,
    within: Scope | None = None,
) -> list[SessionRow]:  # fmt: skip
    """Sessions in the actor's scope (and ``within`` an area) by their beginning."""
    actor.require(Role.VIEWER)
    return repo.list_sessions(
        session, actor.scope, course_id=course_id, station_code=station_code, since=since, until=until, after=after,
        limit=limit, within=within,
    )  # fmt: skip


def get_course_session(session: Session, actor: Actor, session_id: int) -> SessionRow:
    """One session. Raises NotFound, OutOfScope."""
    actor.require(Role.VIEWER)
    held = repo.get_session_row(session, session_id)
    if held is None:
        raise NotFound(f"没有编号为 {session_id} 的场次。", f"There is no session {session_id}.")
    get_ledger_station(session, actor, held.station_code)
    return held


def add_course_session(session: Session, actor: Actor, course_id: int, values: Mapping[str, Any]) -> SessionRow:
    """Plan a session of a course. Raises NotFound, OutOfScope, InvalidInput."""
    actor.require(Role.TOWN_OFFICER, write=True)
    act_as(session, actor)
    ledger_moment(session)
    course = get_course(session, actor, course_id)
    if course.status == CourseStatus.ENDED:
        raise _invalid(
            "course_id", "课程已停开", "the course has ended", str(course_id), "先恢复课程", "offer it again first"
        )
    _check_session(values)
    return get_course_session(session, actor, repo.insert_session(session, {**values, "course_id": course_id}))


def change_course_session(
    session: Session, actor: Actor, session_id: int, version: int, values: Mapping[str, Any]
) -> SessionRow:
    """Change, hold or cancel a session. Raises NotFound, OutOfScope, InvalidInput, StaleVersion."""
    actor.require(Role.TOWN_OFFICER, write=True)
    act_as(session, actor)
    ledger_moment(session)
    held = get_course_session(session, actor, session_id)
    _check_version(held, version, values)
    _check_session(vars(replace(held, **values)))
    repo.update_session(session, session_id, values)
    give_free_seats(session, session_id)
    return get_course_session(session, actor, session_id)


def _check_course(values: Mapping[str, Any]) -> None:
    if values["form"] == CourseForm.ONLINE and not values.get("online_url"):
        raise _invalid(
            "online_url", "线上课程缺少链接", "an online course needs its link", None, "填写链接", "fill it in"
        )


def _check_session(values: Mapping[str, Any]) -> None:
    starts, ends = values["starts_at"], values["ends_at"]
    if not timedelta(0) < ends - starts <= LONGEST_SESSION:
        raise _invalid(
            "ends_at", "须晚于开始,且不超过 24 小时", "must be after the beginning, within 24 hours", ends.isoformat(),
            "改正时间;多日的课程按场次登记", "correct it; a course of several days has several sessions",
        )  # fmt: skip
    if values.get("status") != SessionStatus.HELD and (values.get("attended") or values.get("certificates")):
        raise _invalid(
            "attended", "未举办的场次没有到课人数", "a session that was not held has no attendance",
            str(values.get("attended")), "把状态改为 held", "set its status to held",
        )  # fmt: skip


def _check_version(held: CourseRow | SessionRow, version: int, values: Mapping[str, Any]) -> None:
    if held.version == version:
        return
    raise StaleVersion(
        "您读取之后,他人已修改,未写入。请重新读取后再改。",
        "Somebody else has changed it since you read it; nothing was written. Read it anew.",
        errors=[
            ErrorItem(
                name, f"现为“{getattr(held, name)}”", f"is now {getattr(held, name)}", value=str(value),
                remedy_zh=f"当前版本为 {held.version}", remedy_en=f"the current version is {held.version}",
            )
            for name, value in values.items()
            if getattr(held, name) != value
        ],
    )  # fmt: skip


def _invalid(field: str, zh: str, en: str, value: str | None, remedy_zh: str, remedy_en: str) -> InvalidInput:
    item = ErrorItem(field, zh, en, value=value, remedy_zh=remedy_zh, remedy_en=remedy_en)
    return InvalidInput("课程登记有误。", "The record is wrong.", errors=[item])
