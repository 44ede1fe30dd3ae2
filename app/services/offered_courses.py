"""Courses and sessions as residents choose among them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from app.errors import ErrorItem, InvalidInput, NotFound
from app.models.vocabularies import AreaLevel
from app.repositories import offered_courses as repo
from app.repositories.offered_courses import CourseFacts, OfferFilter, SessionFacts
from app.services.quality_checks import any_station
from app.services.station_reads import check_area
from app.services.station_table import today

SESSIONS_OF_COURSE = 20


@dataclass(frozen=True)
class OfferedCourse:
    """A course and when it is held next."""

    facts: CourseFacts
    next_starts_at: datetime | None


@dataclass(frozen=True)
class CoursePage:
    """A page: ``total`` counts the whole list."""

    courses: list[OfferedCourse]
    total: int
    has_more: bool


def list_courses(session: Session, wanted: OfferFilter, *, after: tuple[str, int] | None, limit: int) -> CoursePage:
    """Offered courses by station and number. Raises NotFound and InvalidInput for places that there are not."""
    _check(session, wanted)
    rows = repo.list_courses(session, wanted, today(), after=after, limit=limit + 1)
    return CoursePage(
        courses=_with_next(session, rows[:limit]),
        total=repo.count_courses(session, wanted, today()),
        has_more=len(rows) > limit,
    )


def get_course(session: Session, course_id: int) -> tuple[OfferedCourse, list[SessionFacts]]:
    """One course, offered or not, and its next sessions. Raises NotFound."""
    row = _course(session, course_id, "id")
    coming = repo.list_sessions(
        session, OfferFilter(course_id=course_id), since=datetime.now(UTC), until=None, has_seats=False, after=None,
        limit=SESSIONS_OF_COURSE,
    )  # fmt: skip
    return _with_next(session, [row])[0], coming


def _course(session: Session, course_id: int, field: str) -> CourseFacts:
    row = repo.get_course(session, course_id)
    if row is None:
        item = ErrorItem(
            field, "没有这门课程", "there is no such course", value=str(course_id),
            remedy_zh="课程见 /v1/courses", remedy_en="courses are at /v1/courses",
        )  # fmt: skip
        raise NotFound(f"没有编号为 {course_id} 的课程。", f"There is no course {course_id}.", errors=[item])
    return row


def list_sessions(
    session: Session, wanted: OfferFilter, *, since: datetime | None, until: datetime | None, has_seats: bool,
    after: tuple[datetime, int] | None, limit: int,
) -> list[SessionFacts]:  # fmt: skip
    """Sessions from now (or ``since``) on by their beginning. Raises NotFound, InvalidInput."""
    _check(session, wanted)
    since = since or datetime.now(UTC)
    if until is not None and until <= since:
        item = ErrorItem(
            "until", "不晚于起始时刻", "is not after the beginning", value=until.isoformat(),
            remedy_zh="写更晚的时刻", remedy_en="write a later moment",
        )  # fmt: skip
        raise InvalidInput("没有这样的场次。", "There can be no such session.", errors=[item])
    return repo.list_sessions(
        session, wanted, since=since, until=until, has_seats=has_seats, after=after, limit=limit
    )  # fmt: skip


def get_session(session: Session, session_id: int) -> SessionFacts:
    """One session, whatever its state. Raises NotFound."""
    found = repo.sessions_of_ids(session, [session_id]).get(session_id)
    if found is None:
        item = ErrorItem(
            "id", "没有这个场次", "there is no such session", value=str(session_id),
            remedy_zh="场次见 /v1/sessions", remedy_en="sessions are at /v1/sessions",
        )  # fmt: skip
        raise NotFound(f"没有编号为 {session_id} 的场次。", f"There is no session {session_id}.", errors=[item])
    return found


def _with_next(session: Session, rows: list[CourseFacts]) -> list[OfferedCourse]:
    coming = repo.next_sessions(session, [row.id for row in rows], datetime.now(UTC)) if rows else {}
    return [OfferedCourse(row, coming.get(row.id)) for row in rows]


def _check(session: Session, wanted: OfferFilter) -> None:
    if wanted.station_code is not None:
        any_station(session, wanted.station_code)
    if wanted.course_id is not None:
        _course(session, wanted.course_id, "course")
    for field, level, code in (
        ("district", AreaLevel.DISTRICT, wanted.district_code),
        ("town", AreaLevel.TOWN, wanted.town_code),
    ):
        if code is not None:
            check_area(session, field, level, code)
