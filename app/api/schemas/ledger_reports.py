"""Quarterly reports in questions and answers."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app.api.language import Language
from app.api.schemas.common import Notice, NoticeField
from app.api.schemas.ledger_stations import ONE_LINE
from app.api.schemas.ledger_training import QUARTER, FiguresOut, WarningOut
from app.models.vocabularies import ReportLevel, ReportState, ReportTimeliness
from app.repositories.reports import EventRow
from app.services.report_tree import Subject
from app.services.reports import ReportView, Step

Code = Annotated[str, Field(min_length=1, max_length=64, pattern=ONE_LINE)]
Text = Annotated[str, Field(min_length=1, max_length=500, pattern=ONE_LINE)]
MOST = 500


class StepIn(BaseModel):
    """One step for one or several reports of a level: all or none. 报表步骤,可多份一起"""

    model_config = ConfigDict(extra="forbid")

    step: Step = Field(description="submit 报送、return 退回、accept 接收", examples=["submit"])
    level: ReportLevel = Field(examples=["town"])
    quarter: str = Field(pattern=QUARTER, examples=["2026Q3"])
    codes: list[Code] = Field(
        min_length=1, max_length=MOST, description="站点、镇街或区的代码", examples=[["440106011"]]
    )
    reason: Text | None = Field(default=None, description="退回时必填 · Required for a return", examples=[None])
    versions: dict[Code, Annotated[int, Field(ge=0, le=2**31 - 1)]] = Field(
        default={}, max_length=MOST, examples=[{"440106011": 2}],
        description="读取时的版本(可选):已有变更则为 409 · Versions that were read: 409 when one has changed",
    )  # fmt: skip
    missing: dict[Code, Text] = Field(
        default={}, max_length=MOST, examples=[{"YC440106-007": "装修停业"}],
        description="报送时:缺报的下级及其原因 · With a submission: those below that are missing, and why",
    )  # fmt: skip


class ReportOut(BaseModel):
    """A report's state and figures. 报表状态与数据"""

    level: ReportLevel = Field(examples=["town"])
    level_title: str = Field(examples=["镇街"])
    code: str = Field(examples=["440106011"])
    name: str | None = Field(examples=["天河南街道"])
    quarter: str = Field(examples=["2026Q3"])
    district_code: str | None = Field(examples=["440106"])
    town_code: str | None = Field(examples=["440106011"])
    state: ReportState = Field(examples=["submitted"])
    state_title: str = Field(examples=["已报送"])
    timeliness: ReportTimeliness = Field(examples=["on_time"])
    timeliness_title: str = Field(examples=["按时"])
    due_on: date = Field(examples=["2026-10-08"])
    first_submitted_at: AwareDatetime | None = Field(examples=["2026-10-06T01:30:00Z"])
    return_reason: str | None = Field(description="最近一次退回的原因 · Why it was returned last", examples=[None])
    version: int = Field(description="尚未报送过为 0 · 0: never submitted", examples=[1])
    figures: FiguresOut

    @classmethod
    def of(cls, subject: Subject, quarter: str, language: Language) -> ReportOut:
        return cls(
            level=subject.level, level_title=language.pick(subject.level.title_zh, subject.level.title_en),
            code=subject.code, name=subject.name, quarter=quarter, district_code=subject.district_code,
            town_code=subject.town_code, state=subject.state,
            state_title=language.pick(subject.state.title_zh, subject.state.title_en), timeliness=subject.timeliness,
            timeliness_title=language.pick(subject.timeliness.title_zh, subject.timeliness.title_en),
            due_on=subject.due_on, first_submitted_at=subject.first_submitted_at,
            return_reason=subject.return_reason, version=subject.version, figures=FiguresOut.of(subject.figures),
        )  # fmt: skip


class ReportList(BaseModel):
    """A page: stations first, then towns, then districts, each by code."""

    quarter: str = Field(examples=["2026Q3"])
    total: int = Field(examples=[40])
    counts: dict[str, int] = Field(
        description="各状态与时效的份数,不只本页 · By state and timeliness, of the whole list",
        examples=[{"draft": 2, "submitted": 3, "returned": 0, "accepted": 35, "late": 1, "missing": 2}],
    )
    next_cursor: str | None = Field(examples=[None])
    data_notice: Notice | None = NoticeField
    reports: list[ReportOut]


class EventOut(BaseModel):
    """One step. 步骤"""

    at: AwareDatetime = Field(examples=["2026-10-06T01:30:00Z"])
    by: str = Field(examples=["tianhe"])
    from_state: ReportState = Field(examples=["draft"])
    to_state: ReportState = Field(examples=["submitted"])
    reason: str | None = Field(examples=[None])

    @classmethod
    def of(cls, row: EventRow) -> EventOut:
        return cls(
            at=row.at, by=row.by, from_state=ReportState(row.from_state), to_state=ReportState(row.to_state),
            reason=row.reason,
        )  # fmt: skip


class Difference(BaseModel):
    """A figure that is not the one that was submitted. 与报送时不同的数据"""

    field: str = Field(examples=["trainee_visits"])
    submitted: Any = Field(examples=[180])
    now: Any = Field(examples=[200])


class ReportDetail(BaseModel):
    """One report with those below it, its steps, and doubts about its lines."""

    report: ReportOut
    children: list[ReportOut]
    reconciles: bool = Field(description="下级之和等于本级 · Those below add up to it", examples=[True])
    differences: list[Difference]
    missing: dict[str, str] = Field(description="报送时缺报的下级 · Those below that were missing", examples=[{}])
    events: list[EventOut]
    warnings: list[WarningOut]
    known_at: AwareDatetime | None = Field(examples=[None])
    data_notice: Notice | None = NoticeField

    @classmethod
    def of(
        cls, view: ReportView, warnings: list[WarningOut], known_at: Any, notice: Notice | None, language: Language
    ) -> ReportDetail:
        quarter = str(view.tree.quarter)
        return cls(
            report=ReportOut.of(view.subject, quarter, language),
            children=[ReportOut.of(child, quarter, language) for child in view.children],
            reconciles=view.reconciles,
            differences=[Difference(field=n, submitted=a, now=b) for n, (a, b) in view.differences.items()],
            missing=view.missing, events=[EventOut.of(event) for event in view.events],
            warnings=warnings, known_at=known_at, data_notice=notice,
        )  # fmt: skip


class StepTaken(BaseModel):
    """The reports after the step."""

    reports: list[ReportOut]


class Reminder(BaseModel):
    """Somebody who has still to report. 待催报"""

    report: ReportOut
    days_left: int = Field(description="负数为逾期天数 · Negative: days overdue", examples=[-3])
    responsible: list[str] = Field(description="经办人员 · Who answers for it", examples=[["天河南街道经办"]])


class ReminderList(BaseModel):
    """Those who are overdue or due soon, the most overdue first."""

    quarter: str = Field(examples=["2026Q3"])
    reminders: list[Reminder]


class DocumentTable(BaseModel):
    """A table of the report. 报告中的一张表"""

    title: str = Field(examples=["各区划站点与培训"])
    headings: list[str] = Field(examples=[["代码", "区划", "运营站点"]])
    rows: list[list[Any]] = Field(examples=[[["440106", "天河区", 31]]])
    total: list[Any] | None = Field(examples=[None])
    note: str | None = Field(examples=[None])


class QuarterlyDocument(BaseModel):
    """The quarterly report of a district or the city. 季度报告"""

    title: str = Field(examples=["天河区2026年第三季度“羊城技能加油站”季度报告"])
    area: str = Field(examples=["440106"])
    quarter: str = Field(examples=["2026Q3"])
    known_at: AwareDatetime = Field(
        description="以此时点再问,数字相同 · Asked again with it, the figures are the same",
        examples=["2026-10-20T00:00:00Z"],
    )
    made_at: AwareDatetime = Field(examples=["2026-10-20T00:00:00Z"])
    made_by: str = Field(description="制表人 · Who made it", examples=["天河区经办"])
    reconciles: bool = Field(description="各分项之和等于合计 · All parts add up", examples=[True])
    coverage_run: str | None = Field(examples=["9f86d081884c7d65"])
    tables: list[DocumentTable]
    notes: list[str] = Field(examples=[["数据以 2026-10-20T00:00:00+00:00 时所知为准。"]])
    data_notice: Notice | None = NoticeField
