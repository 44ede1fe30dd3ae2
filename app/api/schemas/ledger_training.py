"""The training ledger in questions and answers."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app.api.language import Language
from app.api.schemas.common import Notice, NoticeField
from app.api.schemas.ledger_stations import LINES, ONE_LINE, FieldChange
from app.models.vocabularies import CourseKind, TargetGroup
from app.repositories.training import EntryRow
from app.repositories.training_totals import Dimension, Figures
from app.services.plausibility import PlausibilityWarning
from app.services.training import FIGURE_TITLES, LARGEST, EntryEdit, EntryResult
from app.services.training_totals import TotalRow

MAX_ID = 2**53 - 1
MOST_LINES = 2_000
QUARTER = r"^20[0-9]{2}Q[1-4]$"
Whole = Annotated[int, Field(ge=0, le=LARGEST)]
Hours = Annotated[Decimal, Field(ge=0, le=LARGEST, max_digits=8, decimal_places=1)]
Reason = Annotated[str, Field(min_length=1, max_length=200, pattern=ONE_LINE)]


class EntryFigures(BaseModel):
    """What was done. 培训数据"""

    model_config = ConfigDict(extra="forbid")

    sessions_held: Whole = Field(description="班次 · Sessions held", examples=[6])
    trainee_visits: Whole = Field(description="人次 · Trainee-visits", examples=[180])
    training_hours: Hours = Field(description="学时(一位小数)· Hours, one decimal", examples=[36])
    certificates: Whole = Field(default=0, description="取证人数 · Certificates", examples=[20])
    note: str | None = Field(default=None, max_length=500, pattern=LINES, examples=[None])


class EntryIn(EntryFigures):
    """A line of the ledger. 台账一行"""

    station_code: str = Field(min_length=1, max_length=64, pattern=ONE_LINE, examples=["YC440106-001"])
    quarter: str = Field(pattern=QUARTER, examples=["2026Q3"])
    kind: CourseKind = Field(examples=["skill_improvement"])
    target_group: TargetGroup = Field(examples=["unemployed"])
    version: int | None = Field(
        default=None, ge=1, le=2**31 - 1, examples=[None],
        description="修改已有的行时:读取时的版本 · For a line that is there: the version that was read",
    )  # fmt: skip

    def edit(self) -> EntryEdit:
        values = self.model_dump(exclude={"kind", "target_group"})
        return EntryEdit(**values, kind=self.kind.value, target_group=self.target_group.value)


class EntryChange(EntryFigures):
    """The figures of a line as they shall be, and the version that was read."""

    version: int = Field(ge=1, le=2**31 - 1, examples=[1])
    reason: Reason | None = Field(default=None, examples=["漏报一班"])


class EntryBatch(BaseModel):
    """Many lines: all are written or none. 多行,全部写入或全部不写"""

    model_config = ConfigDict(extra="forbid")

    entries: list[EntryIn] = Field(min_length=1, max_length=MOST_LINES)
    reason: Reason | None = Field(default=None, examples=["第三季度填报"])
    dry_run: bool = Field(default=False, description="只检查 · Only check", examples=[False])


class EntryOut(BaseModel):
    """A line. 台账一行"""

    id: int = Field(examples=[120])
    station_code: str = Field(examples=["YC440106-001"])
    quarter: str = Field(examples=["2026Q3"])
    kind: CourseKind = Field(examples=["skill_improvement"])
    kind_title: str = Field(examples=["职业技能提升"])
    target_group: TargetGroup = Field(examples=["unemployed"])
    target_group_title: str = Field(examples=["失业人员"])
    sessions_held: int = Field(examples=[6])
    trainee_visits: int = Field(examples=[180])
    training_hours: float = Field(examples=[36.0])
    certificates: int = Field(examples=[20])
    note: str | None = Field(examples=[None])
    version: int = Field(description="修改时带上 · To be named when it is changed", examples=[1])
    known_from: AwareDatetime = Field(examples=["2026-10-03T02:15:00Z"])

    @classmethod
    def of(cls, row: EntryRow, language: Language) -> EntryOut:
        kind, group = CourseKind(row.kind), TargetGroup(row.target_group)
        return cls(
            **{**vars(row), "kind": kind, "target_group": group},
            kind_title=language.pick(kind.title_zh, kind.title_en),
            target_group_title=language.pick(group.title_zh, group.title_en),
        )


class EntryList(BaseModel):
    """A page, by station, quarter, kind and group."""

    next_cursor: str | None = Field(examples=[None])
    data_notice: Notice | None = NoticeField
    entries: list[EntryOut]


class EntrySaved(BaseModel):
    """What came of one line."""

    station_code: str = Field(examples=["YC440106-001"])
    quarter: str = Field(examples=["2026Q3"])
    kind: CourseKind = Field(examples=["skill_improvement"])
    target_group: TargetGroup = Field(examples=["unemployed"])
    outcome: str = Field(description="added、changed 或 unchanged", examples=["added"])
    changes: list[FieldChange]
    entry: EntryOut | None = Field(description="试填时为 null · null for a dry run of a new line")

    @classmethod
    def of(cls, result: EntryResult, language: Language) -> EntrySaved:
        code, quarter, kind, group = result.line
        return cls(
            station_code=code, quarter=quarter, kind=CourseKind(kind), target_group=TargetGroup(group),
            outcome=result.outcome.value,
            changes=[
                FieldChange(
                    field=n, field_title=language.pick(FIGURE_TITLES[n], n), old=_plain(old), new=_plain(new)
                )
                for n, (old, new) in result.changes.items()
            ],
            entry=None if result.entry is None else EntryOut.of(result.entry, language),
        )  # fmt: skip


class BatchSaved(BaseModel):
    """What came of all lines."""

    added: int = Field(examples=[10])
    changed: int = Field(examples=[1])
    unchanged: int = Field(examples=[0])
    dry_run: bool = Field(examples=[False])
    entries: list[EntrySaved]


class FiguresOut(BaseModel):
    """Sums. 合计"""

    sessions_held: int = Field(examples=[60])
    trainee_visits: int = Field(examples=[1800])
    training_hours: float = Field(examples=[360.0])
    certificates: int = Field(examples=[200])
    stations: int = Field(description="有台账的站点 · Stations with any line", examples=[10])

    @classmethod
    def of(cls, figures: Figures) -> FiguresOut:
        return cls(**{name: getattr(figures, name) for name in cls.model_fields})


class TotalOut(FiguresOut):
    """Sums of one part. 分项"""

    code: str | None = Field(description="不在任何此类区划之内的为 null · null: in no such area", examples=["440106"])
    title: str | None = Field(examples=["天河区"])

    @classmethod
    def of_row(cls, row: TotalRow, language: Language) -> TotalOut:
        title = None if row.name_zh is None else language.pick(row.name_zh, row.name_en or row.name_zh)
        return cls(**FiguresOut.of(row.figures).__dict__, code=row.code, title=title)


class TotalsAnswer(BaseModel):
    """The whole and its parts, which add up to it."""

    by: Dimension = Field(examples=["district_code"])
    quarters: list[str] = Field(examples=[["2026Q3"]])
    known_at: AwareDatetime | None = Field(examples=[None])
    total: FiguresOut
    rows: list[TotalOut]
    data_notice: Notice | None = NoticeField


class WarningOut(BaseModel):
    """A doubt about a line. 存疑"""

    code: str = Field(examples=["certificates_above_visits"])
    station_code: str = Field(examples=["YC440106-001"])
    station_name: str = Field(examples=["天河南街羊城技能加油站"])
    quarter: str = Field(examples=["2026Q3"])
    kind: CourseKind | None = Field(
        description="null:站点整季 · null: the station's quarter as a whole", examples=["special"]
    )
    target_group: TargetGroup | None = Field(examples=["unemployed"])
    message: str = Field(examples=["取证 30 人多于 20 人次"])

    @classmethod
    def of(cls, doubt: PlausibilityWarning, language: Language) -> WarningOut:
        values = {name: getattr(doubt, name) for name in cls.model_fields if name != "message"}
        return cls(**values, message=language.pick(doubt.message_zh, doubt.message_en))


class WarningList(BaseModel):
    """All doubts about a quarter."""

    quarter: str = Field(examples=["2026Q3"])
    total: int = Field(examples=[1])
    warnings: list[WarningOut]


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
