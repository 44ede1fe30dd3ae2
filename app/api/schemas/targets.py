"""Targets and progress."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field

from app.api.language import Language
from app.api.schemas.common import AreaRef, Notice, NoticeField
from app.api.schemas.ledger_stations import LINES, ONE_LINE
from app.models.vocabularies import AreaLevel, TargetMeasure, TargetPace, Vocabulary
from app.repositories.progress import TreeArea
from app.services.pace import Forecast
from app.services.progress import AreaProgress, BatchProgress, Progress, TargetState, TrendPoint
from app.services.targets import SumView, TargetView

MAX_ID = 2**31 - 1
MOST = 1_000_000_000  # no city has a target beyond it
Reason = Field(default=None, max_length=500, pattern=LINES, examples=["按市局通知调整"])


def title(term: Vocabulary, language: Language) -> str:
    return language.pick(term.title_zh, term.title_en)


class NewTarget(BaseModel):
    """A target to be set. 设定目标"""

    model_config = ConfigDict(extra="forbid")

    year: int = Field(ge=2025, le=2100, examples=[2026])
    area_code: str = Field(
        min_length=1, max_length=32, pattern=ONE_LINE, examples=["440106"]
    )  # fmt: skip
    measure: TargetMeasure = Field(examples=["stations"])
    value: int = Field(ge=0, le=MOST, description="不少于 · At least", examples=[40])
    due_on: date | None = Field(
        default=None,
        description="默认年底;selected_stations 默认该批次遴选截止日 · By default the year's end, or the batch's day",
        examples=["2026-12-31"],
    )
    note: str | None = Field(default=None, max_length=500, pattern=LINES, examples=["市局分解下达"])
    reason: str | None = Reason


class TargetChange(BaseModel):
    """A target as it shall be, and the version that was read. 修改目标"""

    model_config = ConfigDict(extra="forbid")

    value: int = Field(ge=0, le=MOST, examples=[42])
    due_on: date = Field(ge=date(2025, 1, 1), le=date(2100, 12, 31), examples=["2026-12-31"])
    note: str | None = Field(default=None, max_length=500, pattern=LINES, examples=["市局分解下达"])
    reason: str | None = Reason
    version: int = Field(ge=1, le=MAX_ID, examples=[1])


class TargetOut(BaseModel):
    """A target. 目标"""

    id: int = Field(examples=[7])
    year: int = Field(examples=[2026])
    area: AreaRef
    measure: TargetMeasure = Field(examples=["stations"])
    measure_title: str = Field(examples=["建成站点数"])
    value: int = Field(description="不少于 · At least", examples=[300])
    due_on: date = Field(examples=["2026-12-31"])
    note: str | None = Field(description="出处 · Where it comes from", examples=["穗人社 2025-05-30 方案一"])
    synthetic: bool = Field(
        description="演示用的推算值,不是下达的目标 · Made up for the demonstration, set by nobody", examples=[False]
    )
    is_retired: bool = Field(description="已停用 · No longer holds", examples=[False])
    version: int = Field(examples=[1])
    updated_at: datetime = Field(examples=["2026-11-25T02:00:00Z"])

    @classmethod
    def of(cls, view: TargetView, language: Language) -> TargetOut:
        row = view.row
        measure = TargetMeasure(row.measure)
        return cls(
            id=row.id, year=row.year, area=AreaRef(code=row.area_code, name=view.area_name), measure=measure,
            measure_title=title(measure, language), value=row.value, due_on=row.due_on, note=row.note,
            synthetic=row.synthetic, is_retired=row.is_retired, version=row.version, updated_at=row.updated_at,
        )  # fmt: skip


class TargetList(BaseModel):
    """A page, by area, measure and day."""

    next_cursor: str | None = Field(examples=[None])
    targets: list[TargetOut]


class TargetSumOut(BaseModel):
    """A target beside the sum of those of the areas below. 上下级目标对照"""

    area: AreaRef
    measure: TargetMeasure = Field(examples=["stations"])
    measure_title: str = Field(examples=["建成站点数"])
    due_on: date = Field(examples=["2026-12-31"])
    value: int | None = Field(description="本级目标,没有则为 null · Its own", examples=[300])
    parts: int = Field(description="有此目标的下级区划数 · Areas below that have one", examples=[11])
    parts_value: int = Field(description="下级之和 · Their sum", examples=[300])
    difference: int | None = Field(description="下级之和减本级 · Their sum less its own", examples=[0])

    @classmethod
    def of(cls, view: SumView, language: Language) -> TargetSumOut:
        row, measure = view.row, TargetMeasure(view.row.measure)
        return cls(
            area=AreaRef(code=row.area_code, name=view.area_name), measure=measure,
            measure_title=title(measure, language), due_on=row.due_on, value=row.value, parts=row.parts,
            parts_value=row.parts_value, difference=view.difference,
        )  # fmt: skip


class TargetSums(BaseModel):
    """All of them by area, measure and day, without pages."""

    sums: list[TargetSumOut]


class TargetStateOut(BaseModel):
    """A target with what was reached by its day, once that is over. 目标与到期时的实际"""

    id: int = Field(examples=[7])
    year: int = Field(examples=[2026])
    value: int = Field(examples=[300])
    due_on: date = Field(examples=["2026-12-31"])
    note: str | None = Field(examples=["穗人社 2025-05-30 方案一"])
    synthetic: bool = Field(examples=[False])
    actual_when_due: int | None = Field(description="未到期为 null · null before its day", examples=[None])
    is_met: bool | None = Field(description="未到期为 null · null before its day", examples=[None])

    @classmethod
    def of(cls, state: TargetState) -> TargetStateOut:
        row = state.row
        return cls(
            id=row.id, year=row.year, value=row.value, due_on=row.due_on, note=row.note, synthetic=row.synthetic,
            actual_when_due=state.actual_when_due, is_met=state.is_met,
        )  # fmt: skip


class TrendOut(BaseModel):
    """Planned and actual at a quarter's end, or on the day asked about. 季末的计划与实际"""

    quarter: str | None = Field(description="null 为 as_of 当日 · null on as_of itself", examples=["2026Q3"])
    on: date = Field(examples=["2026-09-30"])
    actual: int = Field(examples=[280])
    expected: float | None = Field(examples=[287.4])

    @classmethod
    def of(cls, point: TrendPoint) -> TrendOut:
        return cls(quarter=point.quarter, on=point.on, actual=point.actual, expected=_rounded(point.expected))


class ForecastOut(BaseModel):
    """预测:按最近四个季度末的直线斜率外推,不是承诺 · A straight line on from the last four quarters, no promise."""

    due_on: date = Field(examples=["2026-12-31"])
    value: float = Field(examples=[301.5])
    per_quarter: float = Field(description="每季度增加 · More by quarter", examples=[12.4])
    reaches_on: date | None = Field(
        description="按此何日达成;已达成或遥不可及为 null · When it is reached; null when it is already, or never",
        examples=["2026-12-20"],
    )
    first: date = Field(description="所用首个季度末 · First quarter's end used", examples=["2025-12-31"])
    last: date = Field(description="所用末个季度末 · Last quarter's end used", examples=["2026-09-30"])
    method: str = Field(examples=["最近四个季度末的最小二乘直线,自最近的实际值外推"])

    @classmethod
    def of(cls, made: Forecast | None, language: Language) -> ForecastOut | None:
        if made is None:
            return None
        method = language.pick(
            "最近四个季度末的最小二乘直线,自最近的实际值外推",
            "least-squares line through the ends of the last four quarters, carried on from the latest figure",
        )
        return cls(
            due_on=made.due_on, value=round(made.value, 1), per_quarter=round(made.per_quarter, 1),
            reaches_on=made.reaches_on, first=made.first, last=made.last, method=method,
        )  # fmt: skip


class AreaProgressOut(BaseModel):
    """One measure in one area. 一个区划的一项指标"""

    area: AreaRef
    measure: TargetMeasure = Field(examples=["stations"])
    measure_title: str = Field(examples=["建成站点数"])
    counted_until: date = Field(
        description="实际数统计到此日:人次到最近一个完整季度末 · What actual counts up to", examples=["2026-11-25"]
    )
    actual: int = Field(examples=[290])
    target: TargetStateOut | None = Field(description="下一个到期的目标,全部到期则为最后一个 · The next that is due")
    share: float | None = Field(description="actual / target.value", examples=[0.966667])
    expected: float | None = Field(
        description="到 counted_until 应有:各目标日之间直线 · What should be there by then", examples=[294.9]
    )
    difference: float | None = Field(description="actual − expected", examples=[-4.9])
    pace: TargetPace = Field(examples=["behind"])
    pace_title: str = Field(examples=["慢于进度"])
    targets: list[TargetStateOut]
    trend: list[TrendOut]
    forecast: ForecastOut | None

    @classmethod
    def of(cls, row: AreaProgress, language: Language) -> AreaProgressOut:
        states = [TargetStateOut.of(state) for state in row.targets]
        target = next((s for s in states if row.target is not None and s.id == row.target.id), None)
        return cls(
            area=_area(row.area), measure=row.measure, measure_title=title(row.measure, language),
            counted_until=row.counted_until, actual=row.actual, target=target,
            share=None if row.share is None else round(row.share, 6), expected=_rounded(row.expected),
            difference=_rounded(row.difference), pace=row.pace, pace_title=title(row.pace, language), targets=states,
            trend=[TrendOut.of(point) for point in row.trend], forecast=ForecastOut.of(row.forecast, language),
        )  # fmt: skip


class BatchOut(BaseModel):
    """Selection of one batch in one area. 一个批次的遴选"""

    area: AreaRef
    batch: int = Field(description="批次 · Batch", examples=[1])
    due_on: date = Field(examples=["2025-06-30"])
    is_over: bool = Field(description="已过截止日 · Its day is past", examples=[True])
    in_time: int = Field(description="按时遴选 · Selected in time", examples=[28])
    late: int = Field(description="逾期遴选 · Selected late", examples=[2])
    not_selected: int = Field(description="尚未遴选 · Not selected yet", examples=[0])

    @classmethod
    def of(cls, row: BatchProgress) -> BatchOut:
        return cls(
            area=_area(row.area), batch=row.batch, due_on=row.due_on, is_over=row.is_over, in_time=row.in_time,
            late=row.late, not_selected=row.not_selected,
        )  # fmt: skip


class NotPlaced(BaseModel):
    """What lies in no area of the level, and so in no row. 不在任何该级区划内的"""

    measure: TargetMeasure = Field(examples=["stations"])
    actual: int = Field(examples=[0])


class ProgressOut(BaseModel):
    """Planned against actual. 计划与实际"""

    as_of: date = Field(examples=["2026-11-25"])
    known_at: datetime | None = Field(description="null 为现在 · null: now", examples=[None])
    level: AreaLevel = Field(examples=["district"])
    within: str | None = Field(examples=[None])
    data_notice: Notice | None = NoticeField
    progress: list[AreaProgressOut]
    batches: list[BatchOut]
    districts: int = Field(description="范围内的区 · Districts inside", examples=[11])
    districts_without_station: list[AreaRef] = Field(description="没有开放站点的区 · Those with no open station")
    not_placed: list[NotPlaced]

    @classmethod
    def of(cls, made: Progress, within: str | None, notice: Notice | None, language: Language) -> ProgressOut:
        return cls(
            as_of=made.as_of, known_at=made.known_at, level=made.level, within=within, data_notice=notice,
            progress=[AreaProgressOut.of(row, language) for row in made.rows],
            batches=[BatchOut.of(row) for row in made.batches], districts=len(made.districts),
            districts_without_station=[_area(area) for area in made.without_station],
            not_placed=[NotPlaced(measure=m, actual=n) for m, n in made.not_placed.items()],
        )  # fmt: skip


def _area(area: TreeArea) -> AreaRef:
    return AreaRef(code=area.code, name=area.name)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
