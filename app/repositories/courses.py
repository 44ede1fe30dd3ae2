"""Courses and their sessions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.models import Course, CourseSession
from app.repositories.bulk import copy_in
from app.repositories.scope import Scope, station_in_scope


@dataclass(frozen=True)
class CourseRow:
    """One course."""

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
    status: str
    online_url: str | None
    description: str | None
    version: int


@dataclass(frozen=True)
class SessionRow:
    """One session, with the station of its course."""

    id: int
    course_id: int
    station_code: str
    starts_at: datetime
    ends_at: datetime
    seats: int | None
    teacher: str | None
    status: str
    attended: int | None
    certificates: int | None
    version: int


@dataclass(frozen=True)
class CourseFilter:
    """What a list asks for; empty or None means any."""

    station_codes: Collection[str] = ()
    kinds: Collection[str] = ()
    forms: Collection[str] = ()
    statuses: Collection[str] = ()
    text: str | None = None
    within: Scope | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        for column, wanted in (
            (Course.station_code, self.station_codes), (Course.kind, self.kinds), (Course.form, self.forms),
            (Course.status, self.statuses),
        ):  # fmt: skip
            if wanted:
                found.append(column.in_(wanted))
        if self.within is not None:
            found.append(station_in_scope(self.within, Course.station_code))
        if self.text:
            found.append(
                Course.title.icontains(self.text, autoescape=True) | Course.skill.icontains(self.text, autoescape=True)
            )
        return found


_COURSE = [getattr(Course, name) for name in CourseRow.__dataclass_fields__]


def list_courses(
    session: Session, scope: Scope, wanted: CourseFilter, *, after: tuple[str, int] | None, limit: int
) -> list[CourseRow]:
    """Courses of stations in a scope by station and number, from the one after ``after`` on."""
    query = (
        select(*_COURSE)
        .where(station_in_scope(scope, Course.station_code), *wanted.conditions())
        .order_by(Course.station_code, Course.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(Course.station_code, Course.id) > tuple_(*after))
    return [CourseRow(**row._mapping) for row in session.execute(query)]


def get_course(session: Session, course_id: int) -> CourseRow | None:
    row = session.execute(select(*_COURSE).where(Course.id == course_id)).one_or_none()
    return None if row is None else CourseRow(**row._mapping)


def insert_course(session: Session, values: Mapping[str, Any]) -> int:
    return int(session.scalars(insert(Course).values(**values).returning(Course.id)).one())


def update_course(session: Session, course_id: int, values: Mapping[str, Any]) -> None:
    session.execute(update(Course).where(Course.id == course_id).values(**values))


def _sessions() -> Select[Any]:
    columns = [
        Course.station_code if name == "station_code" else getattr(CourseSession, name)
        for name in SessionRow.__dataclass_fields__
    ]
    return select(*columns).join(Course, Course.id == CourseSession.course_id)


def list_sessions(
    session: Session, scope: Scope, *, course_id: int | None, station_code: str | None, since: datetime | None,
    until: datetime | None, after: tuple[datetime, int] | None, limit: int, within: Scope | None = None,
) -> list[SessionRow]:  # fmt: skip
    """Sessions in a scope by their beginning, from the one after ``after`` on; ``since`` and ``until`` bound it."""
    query = (
        _sessions()
        .where(station_in_scope(scope, Course.station_code))
        .order_by(CourseSession.starts_at, CourseSession.id)
        .limit(limit)
    )
    for value, condition in (
        (course_id, CourseSession.course_id == course_id), (station_code, Course.station_code == station_code),
    ):  # fmt: skip
        if value is not None:
            query = query.where(condition)
    if within is not None:
        query = query.where(station_in_scope(within, Course.station_code))
    if since is not None:
        query = query.where(CourseSession.starts_at >= since)
    if until is not None:
        query = query.where(CourseSession.starts_at < until)
    if after is not None:
        query = query.where(tuple_(CourseSession.starts_at, CourseSession.id) > tuple_(*after))
    return [SessionRow(**row._mapping) for row in session.execute(query)]


def get_session_row(session: Session, session_id: int) -> SessionRow | None:
    row = session.execute(_sessions().where(CourseSession.id == session_id)).one_or_none()
    return None if row is None else SessionRow(**row._mapping)


def insert_session(session: Session, values: Mapping[str, Any]) -> int:
    return int(session.scalars(insert(CourseSession).values(**values).returning(CourseSession.id)).one())


def update_session(session: Session, session_id: int, values: Mapping[str, Any]) -> None:
    session.execute(update(CourseSession).where(CourseSession.id == session_id).values(**values))


def insert_courses(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Add many courses; their numbers, in the order of the rows."""
    if not rows:
        return []
    made = session.scalars(insert(Course).returning(Course.id, sort_by_parameter_order=True), [dict(r) for r in rows])
    return list(made)


SESSION_COLUMNS = ("course_id", "starts_at", "ends_at", "seats", "teacher", "status")


def insert_sessions(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add many sessions, each with all of ``SESSION_COLUMNS``."""
    values = (tuple(row[name] for name in SESSION_COLUMNS) for row in rows)
    if rows:  # one statement: the trigger of the layer's version fires once, not for every row
        copy_in(session, "course_sessions", SESSION_COLUMNS, values)
