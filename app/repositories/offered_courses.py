"""Courses and sessions as anybody may read them: offered, at stations that serve the public."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Date, Select, Text, and_, cast, func, literal_column, or_, select, tuple_
from sqlalchemy.orm import Session

from app.models import Course, CourseSession, SessionSeats, Station
from app.models.vocabularies import CourseForm, CourseStatus, SessionStatus
from app.repositories.stations import open_on


@dataclass(frozen=True)
class CourseFacts:
    """A course with its station."""

    id: int
    station_code: str
    station_name: str
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
    status: str
    online_url: str | None
    description: str | None


@dataclass(frozen=True)
class SessionFacts:
    """A session with its course and station. ``seats`` is None without a limit; ``lng, lat`` WGS84."""

    id: int
    course: CourseFacts
    station_address: str | None
    lng: float
    lat: float
    starts_at: datetime
    ends_at: datetime
    teacher: str | None
    status: str
    seats: int | None
    taken: int
    waiting: int
    version: int
    updated_at: datetime

    @property
    def seats_left(self) -> int | None:
        return None if self.seats is None else max(0, self.seats - self.taken)


@dataclass(frozen=True)
class OfferFilter:
    """What a list asks for; empty or None means any. Skill, groups and costs as in ``services.offer.CourseFilter``."""

    text: str | None = None
    station_code: str | None = None
    district_code: str | None = None
    town_code: str | None = None
    course_id: int | None = None
    kinds: Collection[str] = ()
    forms: Collection[str] = ()
    skill: str | None = None
    groups: Collection[str] = ()
    free: bool = False
    subsidised: bool = False
    online: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        for column, value in (
            (Course.station_code, self.station_code), (Course.id, self.course_id),
            (Station.district_code, self.district_code), (Station.town_code, self.town_code),
        ):  # fmt: skip
            if value is not None:
                found.append(column == value)
        if self.kinds:
            found.append(Course.kind.in_(self.kinds))
        if self.forms:
            found.append(Course.form.in_(self.forms))
        if self.skill:
            found.append(_contains(self.skill, Course.skill, Course.title))
        if self.text:
            found.append(_contains(self.text, Course.skill, Course.title, Station.name))
        if self.groups:
            named = cast(list(self.groups), ARRAY(Text))
            found.append(or_(func.cardinality(Course.target_groups) == 0, Course.target_groups.op("&&")(named)))
        if self.free or self.subsidised:
            wanted = [Course.fee_yuan == 0] * self.free + [Course.subsidised] * self.subsidised
            found.append(or_(*wanted))
        if self.online is not None:
            is_online = Course.form == CourseForm.ONLINE.value
            found.append(is_online if self.online else ~is_online)
        return found


def _contains(text: str, *columns: Any) -> ColumnElement[bool]:
    return or_(*(column.icontains(text, autoescape=True) for column in columns))


_COURSE = [Station.name if n == "station_name" else getattr(Course, n) for n in CourseFacts.__dataclass_fields__]
_SEATS = func.coalesce(CourseSession.seats, Course.seats)
_TAKEN = func.coalesce(SessionSeats.taken, 0)
_LOCAL_DAY = cast(func.timezone("Asia/Shanghai", CourseSession.starts_at), Date)


def list_courses(
    session: Session, wanted: OfferFilter, day: date, *, after: tuple[str, int] | None, limit: int
) -> list[CourseFacts]:
    """Offered courses of stations open on a day, by station and number."""
    query = _courses(wanted, day).order_by(Course.station_code, Course.id).limit(limit)
    if after is not None:
        query = query.where(tuple_(Course.station_code, Course.id) > tuple_(*after))
    return [CourseFacts(*row) for row in session.execute(query)]


def count_courses(session: Session, wanted: OfferFilter, day: date) -> int:
    return int(session.scalar(select(func.count()).select_from(_courses(wanted, day).subquery())) or 0)


def get_course(session: Session, course_id: int) -> CourseFacts | None:
    """One course, whatever its state."""
    query = select(*_COURSE).join(Station, Station.code == Course.station_code).where(Course.id == course_id)
    row = session.execute(query).one_or_none()
    return None if row is None else CourseFacts(*row)


def next_sessions(session: Session, course_ids: Collection[int], now: datetime) -> dict[int, datetime]:
    """The beginning of the next planned session of each course."""
    query = (
        select(CourseSession.course_id, func.min(CourseSession.starts_at))
        .where(
            CourseSession.course_id.in_(course_ids), CourseSession.starts_at > now,
            CourseSession.status == SessionStatus.PLANNED.value,
        )
        .group_by(CourseSession.course_id)
    )  # fmt: skip
    return {course: starts for course, starts in session.execute(query)}  # noqa: C416


def _courses(wanted: OfferFilter, day: date) -> Select[Any]:
    return (
        select(*_COURSE)
        .join(Station, Station.code == Course.station_code)
        .where(Course.status == CourseStatus.OFFERED.value, open_on(day), *wanted.conditions())
    )


def _sessions() -> Select[Any]:
    return (
        select(
            *_COURSE, CourseSession.id.label("session_id"), Station.address, func.ST_X(Station.geom),
            func.ST_Y(Station.geom), CourseSession.starts_at, CourseSession.ends_at, CourseSession.teacher,
            CourseSession.status.label("session_status"), _SEATS, _TAKEN, func.coalesce(SessionSeats.waiting, 0),
            CourseSession.version, CourseSession.updated_at,
        )
        .join(Course, Course.id == CourseSession.course_id)
        .join(Station, Station.code == Course.station_code)
        .outerjoin(SessionSeats, SessionSeats.session_id == CourseSession.id)
    )  # fmt: skip


def _facts(row: Sequence[Any]) -> SessionFacts:
    count = len(_COURSE)
    return SessionFacts(row[count], CourseFacts(*row[:count]), *row[count + 1 :])


def list_sessions(
    session: Session, wanted: OfferFilter, *, since: datetime, until: datetime | None, has_seats: bool,
    after: tuple[datetime, int] | None, limit: int,
) -> list[SessionFacts]:  # fmt: skip
    """Sessions that end after ``since`` and begin before ``until``, planned or cancelled, of offered courses at
    stations that are open on the session's day; by beginning and number.
    """
    query = (
        _sessions()
        .where(
            Course.status == CourseStatus.OFFERED.value, CourseSession.status != SessionStatus.HELD.value,
            # no session is longer than a day: an index on the beginning finds them
            CourseSession.starts_at > since - literal_column("interval '1 day'"), CourseSession.ends_at > since,
            open_on(_LOCAL_DAY), *wanted.conditions(),
        )
        .order_by(CourseSession.starts_at, CourseSession.id)
        .limit(limit)
    )  # fmt: skip
    if until is not None:
        query = query.where(CourseSession.starts_at < until)
    if has_seats:
        is_planned = CourseSession.status == SessionStatus.PLANNED.value
        query = query.where(and_(is_planned, or_(_SEATS.is_(None), _SEATS > _TAKEN)))
    if after is not None:
        query = query.where(tuple_(CourseSession.starts_at, CourseSession.id) > tuple_(*after))
    return [_facts(row) for row in session.execute(query)]


def sessions_of_ids(session: Session, ids: Collection[int]) -> dict[int, SessionFacts]:
    """Sessions by their numbers, whatever their state."""
    if not ids:
        return {}
    found = [_facts(row) for row in session.execute(_sessions().where(CourseSession.id.in_(ids)))]
    return {one.id: one for one in found}
