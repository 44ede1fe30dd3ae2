"""What stations teach, and when: all of it at once, for the snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, func, select
from sqlalchemy.orm import Session

from app.models import Course, CourseSession
from app.models.vocabularies import CourseStatus, SessionStatus

# number, course, begin and end in seconds since 1970, seats (-1 where there is no limit), teacher
SessionTuple = tuple[int, int, int, int, int, str | None]
NO_LIMIT = -1


@dataclass(frozen=True)
class OfferedCourse:
    """A course that is offered."""

    id: int
    station_code: str
    title: str
    kind: str
    form: str
    skill: str | None
    industry: str | None
    target_groups: list[str]
    fee_yuan: Decimal
    subsidised: bool
    subsidy_note: str | None
    seats: int | None
    online_url: str | None
    description: str | None


def offered_courses(session: Session) -> list[OfferedCourse]:
    """All of them by station and number."""
    columns = [getattr(Course, name) for name in OfferedCourse.__dataclass_fields__]
    query = select(*columns).where(Course.status == CourseStatus.OFFERED.value).order_by(Course.station_code, Course.id)
    return [OfferedCourse(*row) for row in session.execute(query)]


def planned_sessions(session: Session, since: datetime) -> Sequence[SessionTuple]:
    """Sessions of offered courses that are planned and begin from a moment on, by course, beginning and number."""

    def seconds(column: Any) -> Any:
        return func.extract("epoch", column).cast(BigInteger)

    query = (
        select(
            CourseSession.id, CourseSession.course_id, seconds(CourseSession.starts_at), seconds(CourseSession.ends_at),
            func.coalesce(CourseSession.seats, Course.seats, NO_LIMIT), CourseSession.teacher,
        )
        .join(Course, Course.id == CourseSession.course_id)
        .where(
            Course.status == CourseStatus.OFFERED.value, CourseSession.status == SessionStatus.PLANNED.value,
            CourseSession.starts_at >= since,
        )
        .order_by(CourseSession.course_id, CourseSession.starts_at, CourseSession.id)
    )  # fmt: skip
    return [tuple(row) for row in session.execute(query)]
