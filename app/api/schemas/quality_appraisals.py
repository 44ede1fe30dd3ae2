"""Yearly appraisals and exemplars."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, Field

from app.api.language import Language
from app.api.schemas.common import Notice, NoticeField
from app.api.schemas.ledger_stations import ONE_LINE
from app.api.schemas.quality_common import Asked, StationField, StationRef, Text, title
from app.models.vocabularies import AppraisalComponent, AppraisalGrade, AppraisalState, ExemplarState, StationType
from app.repositories.quality_appraisals import AppraisalRow, ScoreRow
from app.repositories.quality_exemplars import ExemplarRow
from app.services.appraisals import ScoreView
from app.services.exemplars import NewExemplar


class DraftAsked(Asked):
    """Which year. 评估年度"""

    year: int = Field(ge=2025, le=2100, examples=[2025])


class GradesOut(BaseModel):
    """From which score on a grade is given. 等级线"""

    excellent: float = Field(examples=[90.0])
    good: float = Field(examples=[80.0])
    qualified: float = Field(examples=[60.0])


class RulesOut(BaseModel):
    """What scores depend on beside the facts. 评估规则"""

    weights: dict[AppraisalComponent, int] = Field(
        description="各项权重,合计 100 · They sum to 100",
        examples=[
            {"standards": 20, "inspection": 15, "findings": 10, "training": 25, "staff_trained": 10, "rating": 10,
             "complaints": 10}
        ],
    )  # fmt: skip
    least_weight: int = Field(
        description="已知各项权重合计不足此数则不评分 · Less than this known: no score", examples=[50]
    )
    days_open: int = Field(description="当年开放满此天数才评估 · Open for so many days", examples=[90])
    visits_per_seat: float = Field(description="每座每年人次满分线 · Trainee-visits by seat and year", examples=[24.0])
    rating_prior_stars: float = Field(examples=[3.5])
    rating_prior_weight: float = Field(examples=[5.0])
    rating_weight_without_code: float = Field(examples=[0.25])
    grades: GradesOut


class AppraisalOut(BaseModel):
    """A year's appraisal. 年度评估"""

    year: int = Field(examples=[2025])
    state: AppraisalState = Field(examples=["published"])
    state_title: str = Field(examples=["已公布"])
    counted_until: date = Field(description="统计到此日 · Facts up to this day", examples=["2025-12-31"])
    computed_at: datetime = Field(examples=["2026-01-20T02:00:00Z"])
    computed_by: str = Field(examples=["city"])
    rules: RulesOut
    stations: int = Field(description="参评站点 · Stations appraised", examples=[212])
    scores_sha256: str = Field(
        description="同样的数据与规则,同样的摘要 · Names the scores", examples=["9f86d081884c7d65"]
    )
    published_on: date | None = Field(examples=["2026-01-31"])
    published_by: str | None = Field(examples=["city"])
    version: int = Field(examples=[2])

    @classmethod
    def of(cls, row: AppraisalRow, language: Language) -> AppraisalOut:
        state = AppraisalState(row.state)
        return cls(**{**vars(row), "state": state, "state_title": title(state, language)})


class AppraisalList(BaseModel):
    """All years, the latest first."""

    appraisals: list[AppraisalOut]


class ScoreOut(BaseModel):
    """A station's place in a year. 评估结果"""

    station: StationRef
    type: StationType = Field(examples=["community"])
    type_title: str = Field(examples=["社区型"])
    district_code: str | None = Field(examples=["440106"])
    town_code: str | None = Field(examples=["440106008"])
    days_open: int = Field(examples=[213])
    score: float | None = Field(description="0–100;已知太少为 null · null: too little is known", examples=[86.25])
    grade: AppraisalGrade | None = Field(examples=["good"])
    grade_title: str | None = Field(examples=["良好"])
    rank: int | None = Field(description="全市名次,同分同名次 · In the city; equal scores share a place", examples=[17])
    rank_in_type: int | None = Field(description="同类型名次 · Among its type", examples=[5])

    @classmethod
    def of(cls, row: ScoreRow, language: Language) -> ScoreOut:
        kind = StationType(row.station_type)
        grade = AppraisalGrade(row.grade) if row.grade is not None else None
        return cls(
            station=StationRef(code=row.station_code, name=row.station_name), type=kind,
            type_title=title(kind, language), district_code=row.district_code, town_code=row.town_code,
            days_open=row.days_open, score=None if row.score is None else float(row.score), grade=grade,
            grade_title=None if grade is None else title(grade, language), rank=row.rank,
            rank_in_type=row.rank_in_type,
        )  # fmt: skip


class ComponentOut(BaseModel):
    """One component with its sentence. 一项指标"""

    component: AppraisalComponent = Field(examples=["training"])
    component_title: str = Field(examples=["培训量(人次对座位)"])
    raw: float | None = Field(description="原值,未知为 null · null: not known", examples=[0.9132])
    points: float | None = Field(description="0–100", examples=[91.32])
    weight: int = Field(description="规定权重 · As the rules have it", examples=[25])
    weight_used: float = Field(
        description="实际权重:缺项由其他各项分担 · With what is missing shared out", examples=[27.7778]
    )
    contribution: float = Field(description="计入总分,各项之和即总分 · They sum to the score", examples=[25.37])
    text: str = Field(examples=["培训 980 人次;50 座、开放 325 天,满分为 1068 人次"])


class ScoreDetail(ScoreOut):
    """A score, opened: every component with its value, points, weight and sentence. 评估明细"""

    year: int = Field(examples=[2025])
    state: AppraisalState = Field(examples=["published"])
    state_title: str = Field(examples=["已公布"])
    counted_until: date = Field(examples=["2025-12-31"])
    components: list[ComponentOut]
    data_notice: Notice | None = NoticeField

    @classmethod
    def of_view(cls, view: ScoreView, notice: Notice | None, language: Language) -> ScoreDetail:
        state = AppraisalState(view.appraisal.state)
        parts = []
        for part in view.score.components:
            component = AppraisalComponent(part["component"])
            told = {
                "component_title": title(component, language),
                "text": language.pick(part["text_zh"], part["text_en"]),
            }
            parts.append(ComponentOut(**{k: v for k, v in part.items() if k not in ("text_zh", "text_en")}, **told))
        shown = ScoreOut.of(view.score, language)
        return cls(
            **shown.model_dump(), year=view.appraisal.year, state=state, state_title=title(state, language),
            counted_until=view.appraisal.counted_until, components=parts, data_notice=notice,
        )  # fmt: skip


class ScoreList(BaseModel):
    """A page of the ranking, the best first."""

    next_cursor: str | None = Field(examples=[None])
    appraisal: AppraisalOut
    data_notice: Notice | None = NoticeField
    scores: list[ScoreOut]


class ExemplarAsked(Asked):
    """A station to be shown to others as an example. 推荐典型样板"""

    station: str = StationField
    year: int = Field(ge=2025, le=2100, examples=[2026])
    title: str = Field(
        min_length=1, max_length=100, pattern=ONE_LINE, description="称号,公开 · Public",
        examples=["“产业+培训”典型样板"],
    )  # fmt: skip
    reason: Text = Field(description="理由 · Why", examples=["夜校课程覆盖周边三个园区"])

    def new(self) -> NewExemplar:
        return NewExemplar(self.station, self.year, self.title, self.reason)


class ExemplarOut(BaseModel):
    """A proposed, named or withdrawn exemplar. 典型样板"""

    id: int = Field(examples=[2])
    station: StationRef
    year: int = Field(examples=[2026])
    title: str = Field(examples=["“产业+培训”典型样板"])
    reason: str = Field(examples=["夜校课程覆盖周边三个园区"])
    state: ExemplarState = Field(examples=["proposed"])
    state_title: str = Field(examples=["区级推荐"])
    proposed_by: str = Field(examples=["tianhe"])
    decided_by: str | None = Field(examples=[None])
    withdrawn_reason: str | None = Field(examples=[None])
    version: int = Field(examples=[1])

    @classmethod
    def of(cls, row: ExemplarRow, language: Language) -> ExemplarOut:
        state = ExemplarState(row.state)
        plain = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}
        named = {"state": state, "state_title": title(state, language)}
        return cls(**{**plain, **named}, station=StationRef(code=row.station_code, name=row.station_name))


class ExemplarList(BaseModel):
    """A page, the latest first."""

    next_cursor: str | None = Field(examples=[None])
    exemplars: list[ExemplarOut]
