"""What changed between two days."""

from __future__ import annotations

from datetime import date

from pydantic import AwareDatetime, BaseModel, Field

from app.api.schemas.common import AreaRef, Notice, NoticeField, Profile
from app.api.schemas.scenarios import ScenarioFigures, ScenarioRow
from app.models.vocabularies import AreaLevel, StationType
from app.services.changes import StationChangeKind


class StationChanged(BaseModel):
    """One station. 新覆盖的人计给后来离他最近的站点,不再覆盖的人计给原先最近的站点。"""

    kind: StationChangeKind = Field(
        description="opened 只在后一日计入;closed 只在前一日计入;moved 两日都在、位置不同 · It counts on the later day "
        "alone, on the earlier alone, or on both at different places",
        examples=["opened"],
    )
    code: str = Field(examples=["YC440106-001"])
    name: str = Field(examples=["羊城技能加油站(天河南街道示范站)"])
    areas: list[AreaRef] = Field(description="所在区划,由大到小 · What it lies in, the largest first")
    gained: int = Field(description="因它新覆盖的居民 · Covered because of it", examples=[5200])
    lost: int = Field(description="因它不再覆盖的居民 · No longer covered because of it", examples=[0])
    net: int = Field(description="gained - lost", examples=[5200])


class CoverageChanges(BaseModel):
    """Two coverages that differ in the day alone, and what made the difference."""

    from_run_id: str = Field(examples=["3f6c1f0a9b2d4e57"])
    to_run_id: str = Field(examples=["44a511508dcbcdc7"])
    from_day: date = Field(examples=["2025-12-31"])
    to_day: date = Field(examples=["2026-11-24"])
    minutes: float = Field(examples=[15])
    profile: Profile
    station_types: list[StationType] = Field(examples=[[]])
    known_at: AwareDatetime | None = Field(examples=[None])
    method_version: str = Field(examples=["1"])
    imported_since: list[str] = Field(
        description="前一日之后导入过的数据(boundaries、network、population):"
        "两日都按现有的这些数据计算,差异全部来自站点 · "
        "Layers imported after the earlier day: both days are computed with what there is now, so that all of the "
        "difference is the stations'",
        examples=[[]],
    )
    level: AreaLevel = Field(examples=["district"])
    within: str | None = Field(examples=[None])
    total: ScenarioFigures
    rows: list[ScenarioRow]
    stations: list[StationChanged] = Field(
        description="有变动的站点,人多者在前;gained 与 lost 相加即总数 · "
        "Stations that changed, most people first; they add up"
    )
    data_notice: Notice | None = NoticeField
