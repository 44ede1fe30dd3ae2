"""Courses and sessions."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app.api.language import Language
from app.api.schemas.ledger_stations import LINES, ONE_LINE
from app.models.vocabularies import CourseForm, CourseKind, CourseStatus, SessionStatus, TargetGroup
from app.repositories.courses import CourseRow, SessionRow

MAX_ID = 2**31 - 1
Version = Annotated[int, Field(ge=1, le=MAX_ID, examples=[1])]
Title = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$")]
Short = Annotated[str, Field(max_length=100, pattern=ONE_LINE)]
Count = Annotated[int, Field(ge=0, le=100_000)]


class CourseFacts(BaseModel):
    """What is taught. 课程内容"""

    model_config = ConfigDict(extra="forbid")

    title: Title = Field(examples=["养老护理员(初级)"])
    kind: CourseKind = Field(examples=["skill_improvement"])
    form: CourseForm = Field(examples=["evening_school"])
    skill: Short | None = Field(default=None, description="技能或工种 · Skill", examples=["养老护理"])
    industry: Short | None = Field(default=None, examples=["养老托育"])
    target_groups: list[TargetGroup] = Field(default=[], max_length=20, examples=[["unemployed", "women"]])
    fee_yuan: Annotated[Decimal, Field(ge=0, le=1_000_000, max_digits=9, decimal_places=2)] = Field(
        default=Decimal(0), description="学费(元),0 为免费 · Fee in yuan, 0: free", examples=[0]
    )
    subsidised: bool = Field(default=False, description="可申领补贴 · Subsidised", examples=[True])
    subsidy_note: Annotated[str, Field(max_length=500, pattern=LINES)] | None = Field(default=None, examples=[None])
    seats: Count | None = Field(default=None, examples=[30])
    status: CourseStatus = Field(default=CourseStatus.OFFERED, examples=["offered"])
    online_url: Annotated[str, Field(max_length=500, pattern=r"^https://[^\s\x00-\x1f\x7f]+$")] | None = Field(
        default=None, description="线上课程的链接(https)· Link of an online course", examples=[None]
    )
    description: Annotated[str, Field(max_length=4000, pattern=LINES)] | None = Field(default=None, examples=[None])


class NewCourse(CourseFacts):
    """A course to be recorded. 登记课程"""

    station_code: Annotated[str, Field(min_length=1, max_length=64, pattern=ONE_LINE)] = Field(
        examples=["YC440106-001"]
    )


class CourseChange(CourseFacts):
    """All facts as they shall be, and the version that was read."""

    version: Version


class CourseOut(BaseModel):
    """A course. 课程"""

    id: int = Field(examples=[12])
    station_code: str = Field(examples=["YC440106-001"])
    title: str = Field(examples=["养老护理员(初级)"])
    kind: CourseKind = Field(examples=["skill_improvement"])
    kind_title: str = Field(examples=["职业技能提升"])
    form: CourseForm = Field(examples=["evening_school"])
    form_title: str = Field(examples=["夜校"])
    skill: str | None = Field(examples=["养老护理"])
    industry: str | None = Field(examples=["养老托育"])
    target_groups: list[TargetGroup] = Field(examples=[["unemployed"]])
    fee_yuan: float = Field(examples=[0.0])
    subsidised: bool = Field(examples=[True])
    subsidy_note: str | None = Field(examples=[None])
    seats: int | None = Field(examples=[30])
    status: CourseStatus = Field(examples=["offered"])
    status_title: str = Field(examples=["开设中"])
    online_url: str | None = Field(examples=[None])
    description: str | None = Field(examples=[None])
    version: int = Field(examples=[1])

    @classmethod
    def of(cls, row: CourseRow, language: Language) -> CourseOut:
        words = {"kind": CourseKind(row.kind), "form": CourseForm(row.form), "status": CourseStatus(row.status)}
        titles = {f"{name}_title": language.pick(word.title_zh, word.title_en) for name, word in words.items()}
        return cls.model_validate({**vars(row), **words, **titles})


class CourseList(BaseModel):
    """A page, by station."""

    next_cursor: str | None = Field(examples=[None])
    courses: list[CourseOut]


class SessionFacts(BaseModel):
    """When it is held. 场次"""

    model_config = ConfigDict(extra="forbid")

    starts_at: AwareDatetime = Field(examples=["2026-12-01T19:00:00+08:00"])
    ends_at: AwareDatetime = Field(examples=["2026-12-01T21:00:00+08:00"])
    seats: Count | None = Field(default=None, examples=[30])
    teacher: Short | None = Field(default=None, examples=["陈老师"])
    status: SessionStatus = Field(default=SessionStatus.PLANNED, examples=["planned"])
    attended: Count | None = Field(default=None, description="到课人数 · Attended", examples=[None])
    certificates: Count | None = Field(default=None, examples=[None])


class SessionChange(SessionFacts):
    """All facts as they shall be, and the version that was read."""

    version: Version


class SessionOut(BaseModel):
    """A session. 场次"""

    id: int = Field(examples=[55])
    course_id: int = Field(examples=[12])
    station_code: str = Field(examples=["YC440106-001"])
    starts_at: AwareDatetime = Field(examples=["2026-12-01T11:00:00Z"])
    ends_at: AwareDatetime = Field(examples=["2026-12-01T13:00:00Z"])
    seats: int | None = Field(examples=[30])
    teacher: str | None = Field(examples=["陈老师"])
    status: SessionStatus = Field(examples=["planned"])
    status_title: str = Field(examples=["计划中"])
    attended: int | None = Field(examples=[None])
    certificates: int | None = Field(examples=[None])
    version: int = Field(examples=[1])

    @classmethod
    def of(cls, row: SessionRow, language: Language) -> SessionOut:
        status = SessionStatus(row.status)
        return cls.model_validate(
            {**vars(row), "status": status, "status_title": language.pick(status.title_zh, status.title_en)}
        )


class SessionList(BaseModel):
    """A page, by beginning."""

    next_cursor: str | None = Field(examples=[None])
    sessions: list[SessionOut]
