"""Inspections and findings."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

from app.api.language import Language
from app.api.schemas.ledger_stations import ONE_LINE
from app.api.schemas.quality_common import (
    Asked,
    Long,
    StationField,
    StationRef,
    Text,
    VersionAsked,
    VersionField,
    title,
)
from app.models.vocabularies import FindingSeverity, FindingState, InspectionSubject, Standard, Verdict
from app.repositories.quality_inspections import FindingRow, InspectionRow
from app.services.inspections import FindingFacts, InspectionFacts, InspectionView

Score = Annotated[int | None, Field(ge=0, le=100, description="0–100,未看则 null · null: not looked at", examples=[85])]
Evidence = Annotated[str, Field(min_length=1, max_length=300, pattern=ONE_LINE, examples=["现场照片 2026-05-06"])]


class InspectionAsked(Asked):
    """What was seen. 检查内容"""

    inspected_on: date = Field(examples=["2026-05-06"])
    verdict_signage: Verdict = Field(default=Verdict.NOT_CHECKED, description="规范名称标识", examples=["met"])
    verdict_service: Verdict = Field(default=Verdict.NOT_CHECKED, description="规范服务标准", examples=["partly"])
    verdict_training: Verdict = Field(default=Verdict.NOT_CHECKED, description="规范技能培训", examples=["met"])
    score_construction: Score = None
    score_operation: Score = None
    score_service_quality: Score = None
    remarks: Long | None = Field(default=None, description="说明 · Remarks", examples=["整体良好"])
    evidence: list[Evidence] = Field(default=[], max_length=20, description="文字或链接 · Texts or links")

    def facts(self) -> InspectionFacts:
        names = InspectionFacts.__dataclass_fields__
        values = {name: getattr(self, name) for name in names}
        return InspectionFacts(**{**values, "evidence": tuple(self.evidence)})


class FindingAsked(Asked):
    """What has to be remedied: about one standard or one subject. 发现的问题"""

    standard: Standard | None = Field(default=None, description="三规范之一,或填 subject", examples=["service"])
    subject: InspectionSubject | None = Field(default=None, description="检查内容之一", examples=[None])
    severity: FindingSeverity = Field(examples=["major"])
    text: Text = Field(description="问题 · What is wrong", examples=["未公示投诉方式"])
    due_on: date = Field(description="整改期限 · To be remedied by", examples=["2026-05-20"])

    def facts(self) -> FindingFacts:
        return FindingFacts(self.severity, self.text, self.due_on, self.standard, self.subject)


class FindingChange(FindingAsked):
    """A finding as it shall be. 修改问题"""

    version: int = VersionField


class NewInspection(InspectionAsked):
    """An inspection with its findings. 登记检查"""

    station: str = StationField
    findings: list[FindingAsked] = Field(default=[], max_length=50, description="发现的问题 · What is to be remedied")


class InspectionChange(InspectionAsked):
    """All that was seen, as it shall be. 修改检查"""

    version: int = VersionField


class RemedyAsked(VersionAsked):
    """It is remedied. 报告整改"""

    remedied_on: date = Field(examples=["2026-05-15"])
    text: Text = Field(description="整改情况 · What was done", examples=["已在门口公示投诉电话"])


class FindingOut(BaseModel):
    """A finding. 问题"""

    id: int = Field(examples=[3])
    inspection_id: int = Field(examples=[7])
    station: StationRef
    inspected_on: date = Field(examples=["2026-05-06"])
    standard: Standard | None = Field(examples=["service"])
    subject: InspectionSubject | None = Field(examples=[None])
    about_title: str = Field(description="所属规范或检查内容 · What it is about", examples=["规范服务标准"])
    severity: FindingSeverity = Field(examples=["major"])
    severity_title: str = Field(examples=["较重"])
    text: str = Field(examples=["未公示投诉方式"])
    due_on: date = Field(examples=["2026-05-20"])
    state: FindingState = Field(examples=["open"])
    state_title: str = Field(examples=["待整改"])
    is_overdue: bool = Field(description="逾期未整改 · Not remedied though due", examples=[False])
    remedied_on: date | None = Field(examples=[None])
    remedy_text: str | None = Field(examples=[None])
    closed_on: date | None = Field(examples=[None])
    closed_by: str | None = Field(examples=[None])
    version: int = Field(examples=[1])

    @classmethod
    def of(cls, row: FindingRow, day: date, language: Language) -> FindingOut:
        standard = Standard(row.standard) if row.standard else None
        subject = InspectionSubject(row.subject) if row.subject else None
        severity, state, about = FindingSeverity(row.severity), FindingState(row.state), standard or subject
        return cls(
            id=row.id, inspection_id=row.inspection_id, inspected_on=row.inspected_on, standard=standard,
            station=StationRef(code=row.station_code, name=row.station_name), subject=subject,
            about_title=title(about, language) if about else "", severity=severity,
            severity_title=title(severity, language), text=row.text, due_on=row.due_on, state=state,
            state_title=title(state, language), is_overdue=state is FindingState.OPEN and row.due_on < day,
            remedied_on=row.remedied_on, remedy_text=row.remedy_text, closed_on=row.closed_on,
            closed_by=row.closed_by, version=row.version,
        )  # fmt: skip


class InspectionOut(BaseModel):
    """An inspection. 检查"""

    id: int = Field(examples=[7])
    station: StationRef
    inspected_on: date = Field(examples=["2026-05-06"])
    inspector: str = Field(examples=["天河区经办"])
    verdict_signage: Verdict = Field(examples=["met"])
    verdict_service: Verdict = Field(examples=["partly"])
    verdict_training: Verdict = Field(examples=["met"])
    verdict_titles: list[str] = Field(
        description="三项结论,依次 · The three, in order", examples=[["达标", "部分达标", "达标"]]
    )  # fmt: skip
    score_construction: int | None = Field(examples=[85])
    score_operation: int | None = Field(examples=[80])
    score_service_quality: int | None = Field(examples=[90])
    remarks: str | None = Field(examples=["整体良好"])
    evidence: list[str] = Field(examples=[["现场照片 2026-05-06"]])
    findings: int = Field(description="问题数 · How many findings", examples=[1])
    findings_not_closed: int = Field(description="未销号的 · Of them not closed", examples=[1])
    is_cancelled: bool = Field(description="误录,已撤销 · Entered by mistake", examples=[False])
    synthetic: bool = Field(description="演示数据 · Made up for the demonstration", examples=[False])
    version: int = Field(examples=[1])

    @classmethod
    def of(cls, row: InspectionRow, language: Language) -> InspectionOut:
        verdicts = [Verdict(v) for v in (row.verdict_signage, row.verdict_service, row.verdict_training)]
        plain = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}
        return cls(
            **plain, station=StationRef(code=row.station_code, name=row.station_name),
            verdict_titles=[title(verdict, language) for verdict in verdicts],
        )  # fmt: skip


class InspectionDetail(InspectionOut):
    """An inspection with its findings. 检查与问题"""

    found: list[FindingOut]

    @classmethod
    def of_view(cls, view: InspectionView, day: date, language: Language) -> InspectionDetail:
        shown = InspectionOut.of(view.row, language)
        return cls(**shown.model_dump(), found=[FindingOut.of(row, day, language) for row in view.findings])


class InspectionList(BaseModel):
    """A page, the latest first."""

    next_cursor: str | None = Field(examples=[None])
    inspections: list[InspectionOut]


class FindingList(BaseModel):
    """A page, by the day that they are due."""

    next_cursor: str | None = Field(examples=[None])
    findings: list[FindingOut]
