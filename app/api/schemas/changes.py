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


class RunCauses(BaseModel):
    """What differs between two runs besides their stations."""

    layers: list[str] = Field(description="内容不同的数据 · Data whose content differs", examples=[["population"]])
    parameters: list[str] = Field(description="不同的参数 · Parameters that differ", examples=[["minutes"]])
    method: bool = Field(description="方法版本不同 · Another version of the method", examples=[False])


class RunChangesRow(BaseModel):
    """One area. ``difference = by_stations + by_data_or_method``, always."""

    code: str = Field(examples=["440106"])
    name: str = Field(examples=["天河区"])
    population_before: int | None = Field(description="该运行没有时为 null · null: not in that run", examples=[118000])
    population_after: int | None = Field(examples=[118500])
    covered_before: int | None = Field(examples=[96000])
    covered_after: int | None = Field(examples=[101500])
    difference: int = Field(description="covered_after - covered_before", examples=[5500])
    by_stations: int = Field(
        description="站点所致,按现有数据、后一次运行的参数计算 · "
        "What stations did, with the data of now on the later run's terms",
        examples=[5200],
    )
    by_data_or_method: int = Field(
        description="其余:数据、参数或方法不同所致,见 causes · The rest: other data, parameters or method, see causes",
        examples=[300],
    )


class RunChanges(BaseModel):
    """Two runs that were kept, and what made the difference."""

    from_run_id: str = Field(examples=["3f6c1f0a9b2d4e57"])
    to_run_id: str = Field(examples=["44a511508dcbcdc7"])
    level: AreaLevel = Field(examples=["district"])
    causes: RunCauses
    rows: list[RunChangesRow]
    stations: list[StationChanged] = Field(
        description="有变动的站点,人多者在前;其 net 之和即 by_stations 之和 · "
        "Stations that changed; their net adds up to by_stations"
    )
    data_notice: Notice | None = NoticeField


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
