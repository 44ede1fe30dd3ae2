"""Courses and sessions as residents read them."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from app.api.language import Language
from app.api.schemas.common import Notice, NoticeField
from app.api.schemas.stations import title
from app.geo.opening_hours import TIME_ZONE
from app.models.vocabularies import CourseForm, CourseKind, SessionStatus, TargetGroup
from app.repositories.offered_courses import CourseFacts, SessionFacts

MAX_ID = 2**31 - 1


class Term(BaseModel):
    """A code and its title."""

    code: str = Field(examples=["unemployed"])
    title: str = Field(examples=["失业人员"])


class OfferedCourse(BaseModel):
    """A course that is offered. 课程"""

    id: int = Field(examples=[815])
    station_code: str = Field(examples=["YC440106-001"])
    station_name: str = Field(examples=["天河南街羊城技能加油站"])
    title: str = Field(examples=["焊工示范课 1"])
    kind: CourseKind = Field(examples=["skill_improvement"])
    kind_title: str = Field(examples=["职业技能提升"])
    form: CourseForm = Field(examples=["evening_school"])
    form_title: str = Field(examples=["夜校"])
    skill: str | None = Field(examples=["焊工"])
    industry: str | None = Field(examples=["智能装备"])
    target_groups: list[Term] = Field(description="空为面向所有人 · Empty: for everybody")
    fee_yuan: float = Field(description="学费(元),0 为免费 · Fee in yuan, 0: free", examples=[0])
    subsidised: bool = Field(examples=[False])
    subsidy_note: str | None = Field(examples=[None])
    seats: int | None = Field(examples=[30])
    online_url: str | None = Field(examples=[None])
    description: str | None = Field(examples=[None])
    next_starts_at: datetime | None = Field(
        description="下一场 · The next session", examples=["2026-11-26T19:00:00+08:00"]
    )

    @classmethod
    def of(cls, row: CourseFacts, next_starts_at: datetime | None, language: Language) -> OfferedCourse:
        return cls(
            **_course(row, language), seats=row.seats, description=row.description, next_starts_at=local(next_starts_at)
        )


class SessionBrief(BaseModel):
    """A session with what one has to know to choose it. 场次"""

    id: int = Field(examples=[4711])
    course_id: int = Field(examples=[815])
    station_code: str = Field(examples=["YC440106-001"])
    station_name: str = Field(examples=["天河南街羊城技能加油站"])
    title: str = Field(examples=["焊工示范课 1"])
    kind: CourseKind = Field(examples=["skill_improvement"])
    kind_title: str = Field(examples=["职业技能提升"])
    form: CourseForm = Field(examples=["evening_school"])
    form_title: str = Field(examples=["夜校"])
    skill: str | None = Field(examples=["焊工"])
    industry: str | None = Field(examples=["智能装备"])
    target_groups: list[Term]
    fee_yuan: float = Field(examples=[0])
    subsidised: bool = Field(examples=[False])
    subsidy_note: str | None = Field(examples=[None])
    starts_at: datetime = Field(examples=["2026-11-26T19:00:00+08:00"])
    ends_at: datetime = Field(examples=["2026-11-26T21:00:00+08:00"])
    teacher: str | None = Field(examples=["示范讲师"])
    seats: int | None = Field(description="名额;不限则为 null · null without a limit", examples=[30])
    seats_left: int | None = Field(description="余位 · Seats left", examples=[12])
    waiting: int = Field(description="候补人数 · How many wait", examples=[0])
    status: SessionStatus = Field(examples=["planned"])
    status_title: str = Field(examples=["计划中"])
    online_url: str | None = Field(examples=[None])

    @classmethod
    def of(cls, row: SessionFacts, language: Language) -> SessionBrief:
        course = _course(row.course, language)
        return cls(
            **{**course, "id": row.id}, course_id=row.course.id, starts_at=local(row.starts_at),
            ends_at=local(row.ends_at), teacher=row.teacher, seats=row.seats, seats_left=row.seats_left,
            waiting=row.waiting, status=SessionStatus(row.status),
            status_title=title(SessionStatus(row.status), language),
        )  # fmt: skip


class OfferedCourseList(BaseModel):
    """A page of courses."""

    total: int = Field(description="全部条数 · Of the whole list", examples=[842])
    courses: list[OfferedCourse]
    next_cursor: str | None = Field(examples=[None])
    data_notice: Notice | None = NoticeField


class CourseAnswer(BaseModel):
    """One course and its next sessions."""

    course: OfferedCourse
    sessions: list[SessionBrief] = Field(description="接下来的场次,至多 20 个 · The next ones, at most 20")
    data_notice: Notice | None = NoticeField


class OfferedSessionList(BaseModel):
    """A page of sessions."""

    sessions: list[SessionBrief]
    next_cursor: str | None = Field(examples=[None])
    data_notice: Notice | None = NoticeField


class SessionAnswer(BaseModel):
    """One session."""

    session: SessionBrief
    data_notice: Notice | None = NoticeField


def local(moment: datetime | None) -> datetime | None:
    """As clocks in Guangzhou show it."""
    return None if moment is None else moment.astimezone(TIME_ZONE)


def _course(row: CourseFacts, language: Language) -> dict[str, object]:
    return {
        "id": row.id, "station_code": row.station_code, "station_name": row.station_name, "title": row.title,
        "kind": CourseKind(row.kind), "kind_title": title(CourseKind(row.kind), language),
        "form": CourseForm(row.form), "form_title": title(CourseForm(row.form), language), "skill": row.skill,
        "industry": row.industry,
        "target_groups": [Term(code=g, title=title(TargetGroup(g), language)) for g in row.target_groups],
        "fee_yuan": float(row.fee_yuan), "subsidised": row.subsidised, "subsidy_note": row.subsidy_note,
        "online_url": row.online_url,
    }  # fmt: skip
