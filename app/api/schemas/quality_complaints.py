"""Complaints: as the public files and follows them up, and as officers handle them."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, Field

from app.api.language import Language
from app.api.schemas.ledger_stations import ONE_LINE
from app.api.schemas.quality_common import Asked, Long, Short, StationField, StationRef, Text, VersionAsked, title
from app.models.vocabularies import ComplaintAction, ComplaintState, ComplaintSubject
from app.repositories.quality_complaints import ComplaintRow, StepRow
from app.services.complaints import ComplaintFile, FollowUp, NewComplaint


class ComplaintAsked(Asked):
    """What somebody complains of. 投诉"""

    station: str = StationField
    subject: ComplaintSubject = Field(examples=["opening"])
    text: Long = Field(description="请勿写他人隐私 · Please name nobody", examples=["周六写着开放,到了没有人"])
    contact: str | None = Field(
        default=None, min_length=1, max_length=100, pattern=ONE_LINE, examples=["138-0000-0000"],
        description="可不填;只有经办人员可见,办结后按期清除 · Optional; for officers alone, erased after closing",
    )  # fmt: skip

    def new(self) -> NewComplaint:
        return NewComplaint(self.station, self.subject, self.text, self.contact)


class AnswerAsked(VersionAsked):
    """The answer, which whoever has the number can read. 答复"""

    text: Long = Field(description="公开答复,请勿写个人信息 · Public", examples=["已调整值班,周六有人在岗。"])


class CloseAsked(VersionAsked):
    """A note for officers. 办结"""

    note: Text | None = Field(default=None, description="内部说明 · For officers", examples=["电话回访满意"])


class ReopenAsked(VersionAsked):
    """Why it is taken up again. 重新办理"""

    reason: Short = Field(description="原因 · Why", examples=["问题再次出现"])


class ComplaintReceipt(BaseModel):
    """The number by which a complaint is followed up. 受理回执"""

    number: str = Field(description="查询编号,请保存 · Keep it", examples=["TS-20260901-7KQ4RM"])
    station: StationRef
    state: ComplaintState = Field(examples=["received"])
    state_title: str = Field(examples=["已受理"])
    received_on: date = Field(examples=["2026-09-01"])
    due_on: date = Field(description="最迟答复日 · To be answered by", examples=["2026-09-08"])
    has_contact: bool = Field(examples=[True])

    @classmethod
    def of(cls, row: ComplaintRow, has_contact: bool, language: Language) -> ComplaintReceipt:
        state = ComplaintState(row.state)
        return cls(
            number=row.number, station=StationRef(code=row.station_code, name=row.station_name), state=state,
            state_title=title(state, language), received_on=row.received_on, due_on=row.due_on,
            has_contact=has_contact,
        )  # fmt: skip


class PublicStep(BaseModel):
    """A step as everybody who has the number may see it: answers with their text. 办理进度"""

    at: datetime = Field(examples=["2026-09-03T02:00:00Z"])
    action: ComplaintAction = Field(examples=["answered"])
    action_title: str = Field(examples=["答复"])
    text: str | None = Field(examples=["已调整值班,周六有人在岗。"])

    @classmethod
    def of(cls, step: StepRow, language: Language) -> PublicStep:
        action = ComplaintAction(step.action)
        text = step.text if step.is_public else None
        return cls(at=step.at, action=action, action_title=title(action, language), text=text)


class FollowUpOut(BaseModel):
    """Where a complaint stands: nothing of what was written, or by whom. 投诉进度"""

    number: str = Field(examples=["TS-20260901-7KQ4RM"])
    station: StationRef
    subject: ComplaintSubject = Field(examples=["opening"])
    subject_title: str = Field(examples=["开放时间"])
    state: ComplaintState = Field(examples=["answered"])
    state_title: str = Field(examples=["已答复"])
    received_on: date = Field(examples=["2026-09-01"])
    due_on: date = Field(examples=["2026-09-08"])
    is_overdue: bool = Field(description="逾期未答复 · Not answered though due", examples=[False])
    steps: list[PublicStep]

    @classmethod
    def of(cls, made: FollowUp, day: date, language: Language) -> FollowUpOut:
        row, state, subject = made.row, ComplaintState(made.row.state), ComplaintSubject(made.row.subject)
        return cls(
            number=row.number, station=StationRef(code=row.station_code, name=row.station_name), subject=subject,
            subject_title=title(subject, language), state=state, state_title=title(state, language),
            received_on=row.received_on, due_on=row.due_on, is_overdue=row.is_overdue(day),
            steps=[PublicStep.of(step, language) for step in made.steps],
        )  # fmt: skip


class ComplaintOut(BaseModel):
    """A complaint, for officers. 投诉(工作人员)"""

    number: str = Field(examples=["TS-20260901-7KQ4RM"])
    station: StationRef
    subject: ComplaintSubject = Field(examples=["opening"])
    subject_title: str = Field(examples=["开放时间"])
    text: str = Field(examples=["周六写着开放,到了没有人"])
    state: ComplaintState = Field(examples=["in_progress"])
    state_title: str = Field(examples=["处理中"])
    received_on: date = Field(examples=["2026-09-01"])
    due_on: date = Field(examples=["2026-09-08"])
    is_overdue: bool = Field(examples=[False])
    first_answered_on: date | None = Field(examples=[None])
    closed_on: date | None = Field(examples=[None])
    taken_by: str | None = Field(description="承办人 · Who has taken it on", examples=["tianhe"])
    synthetic: bool = Field(description="演示数据 · Made up for the demonstration", examples=[False])
    version: int = Field(examples=[2])

    @classmethod
    def of(cls, row: ComplaintRow, day: date, language: Language) -> ComplaintOut:
        state, subject = ComplaintState(row.state), ComplaintSubject(row.subject)
        return cls(
            number=row.number, station=StationRef(code=row.station_code, name=row.station_name), subject=subject,
            subject_title=title(subject, language), text=row.text, state=state, state_title=title(state, language),
            received_on=row.received_on, due_on=row.due_on, is_overdue=row.is_overdue(day),
            first_answered_on=row.first_answered_on, closed_on=row.closed_on, taken_by=row.taken_by,
            synthetic=row.synthetic, version=row.version,
        )  # fmt: skip


class StepOut(BaseModel):
    """A step, for officers. 办理步骤"""

    at: datetime = Field(examples=["2026-09-03T02:00:00Z"])
    actor: str | None = Field(description="null 为公众 · null: the public", examples=["tianhe"])
    action: ComplaintAction = Field(examples=["taken"])
    action_title: str = Field(examples=["承办"])
    text: str | None = Field(examples=[None])
    is_public: bool = Field(description="凭编号可见 · Can be read with the number", examples=[False])


class ComplaintFileOut(ComplaintOut):
    """All of a complaint. 投诉案卷"""

    contact: str | None = Field(
        description="镇街经办及以上可见,办结后按期清除 · For town officers and above", examples=["138-0000-0000"]
    )  # fmt: skip
    contact_erased_on: date | None = Field(examples=[None])
    steps: list[StepOut]

    @classmethod
    def of_file(cls, made: ComplaintFile, day: date, language: Language) -> ComplaintFileOut:
        shown = ComplaintOut.of(made.row, day, language)
        steps = []
        for step in made.steps:
            action = ComplaintAction(step.action)
            named = {"action": action, "action_title": title(action, language)}
            steps.append(StepOut(**{**vars(step), **named}))
        return cls(
            **shown.model_dump(), contact=made.contact, contact_erased_on=made.contact_erased_on, steps=steps
        )  # fmt: skip


class ComplaintList(BaseModel):
    """A page: not answered ones first, by the day that they are due."""

    next_cursor: str | None = Field(examples=[None])
    complaints: list[ComplaintOut]
