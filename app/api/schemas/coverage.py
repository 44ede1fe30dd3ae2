"""Coverage in answers."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

from app.api.schemas.common import AreaRef, MultiPolygonGeometry, Notice, NoticeField, Profile
from app.models.vocabularies import AreaLevel, BoundaryKind, DatasetRole, StationType

COVERED = "步行到站点在 minutes 以内的居民 · Residents within the walk"
UNCOVERED = "在路网上但超过 minutes 的居民 · Residents on the network, but not within the walk"
OFF_NETWORK = "附近没有可步行道路的居民 · Residents with no walkable street near them"
STATIONS_OFF_NETWORK = (
    "stations 之中附近没有相连道路、无人能步行到达的站点 · Those of them beside no street that leads anywhere: "
    "nobody can walk to them"
)
RATE = "covered ÷ population;无居民时为 null · null where nobody lives"


class Method(BaseModel):
    """What shaped the figures; the same inputs, parameters and method give the same run_id and figures."""

    run_id: str = Field(description="数字的名字 · The name of the figures", examples=["3f6c1f0a9b2d4e57"])
    minutes: float = Field(examples=[15])
    profile: Profile
    as_of: date = Field(description="计入当日开放的站点 · Stations open on that day count", examples=["2026-11-24"])
    known_at: AwareDatetime | None = Field(
        description="所问的时点,null 为现在 · The moment that was asked about; null: now", examples=[None]
    )
    imported_since: list[str] = Field(
        description="该时点之后重新导入、因而不是当时的数据:boundaries、network、population · "
        "Layers that were imported after that moment, and so are not those of then",
        examples=[[]],
    )
    station_types: list[StationType] = Field(description="空为全部类型 · Empty: all types", examples=[[]])
    method_version: str = Field(examples=["1"])


class Figures(BaseModel):
    """``covered + uncovered + off_network = population``, always."""

    population: int = Field(description="居民 · Residents", examples=[118000])
    covered: int = Field(description=COVERED, examples=[96000])
    uncovered: int = Field(description=UNCOVERED, examples=[21500])
    off_network: int = Field(description=OFF_NETWORK, examples=[500])
    rate: float | None = Field(description=RATE, examples=[0.813559])
    stations: int = Field(description="其中计入的站点数 · Stations that count", examples=[3])
    stations_off_network: int = Field(description=STATIONS_OFF_NETWORK, examples=[0])


class Interval(BaseModel):
    """The fewest and the most people covered over all combinations of ``uncertainty``; ``covered`` lies in between."""

    low: int = Field(examples=[84000])
    high: int = Field(examples=[104000])
    rate_low: float | None = Field(description="low ÷ population", examples=[0.711864])
    rate_high: float | None = Field(description="high ÷ population", examples=[0.881356])


class MinuteBand(BaseModel):
    """People on the edge of the walk: within one minute of it."""

    gain: int = Field(description="多走一分钟才到的居民 · Reached by one minute more, not yet", examples=[4100])
    loss: int = Field(description="少走一分钟就不到的居民 · Reached, but not by one minute less", examples=[3800])
    total: int = Field(description="gain + loss", examples=[7900])


class UncertaintySource(BaseModel):
    """A population that the intervals were computed with; the main one comes first."""

    dataset_id: int = Field(examples=[3])
    name: str = Field(examples=["WorldPop"])
    sha256: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
    role: DatasetRole = Field(examples=["main"])
    synthetic: bool = Field(description="是否合成 · Was it generated?", examples=[True])


class Uncertainty(BaseModel):
    """What the intervals were taken over: every speed with every pair of limits (both together), of every source."""

    speeds_kmh: list[float] = Field(examples=[[4.32, 4.8, 5.28]])
    link_limits_m: list[float] = Field(
        description="居民离道路的上限 · How far people may live from a street", examples=[[250, 500, 1000]]
    )
    snap_limits_m: list[float] = Field(
        description="站点离道路的上限 · How far stations may be from a street", examples=[[250, 500, 1000]]
    )
    sources: list[UncertaintySource]
    combinations: int = Field(examples=[9])


class CoverageRow(Figures):
    """One area."""

    code: str = Field(examples=["440106011"])
    name: str = Field(examples=["天河南街道"])
    parent_code: str | None = Field(examples=["440106"])
    median_walk_minutes: float | None = Field(
        description="按人口加权的步行时间中位数;超过 60 分钟时为 null · Population-weighted; null beyond 60",
        examples=[8.75],
    )
    interval: Interval
    within_one_minute: MinuteBand
    boundary_kind: BoundaryKind = Field(examples=["approximate"])


class CoverageTable(Method):
    """Coverage by area, by code."""

    level: AreaLevel = Field(examples=["town"])
    within: str | None = Field(examples=[None])
    inputs: dict[str, str] = Field(
        description="各类数据内容的校验和 · Content hash by kind of data", examples=[{"network": "9f86d081884c7d65"}]
    )
    uncertainty: Uncertainty
    totals: Figures
    rows: list[CoverageRow]
    data_notice: Notice | None = NoticeField


class CoverageFeature(BaseModel):
    """GeoJSON feature; ``id`` is the area's code."""

    type: Literal["Feature"] = "Feature"
    id: str = Field(examples=["440106011"])
    geometry: MultiPolygonGeometry
    properties: CoverageRow


class CoverageFeatures(Method):
    """GeoJSON feature collection with foreign members."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    level: AreaLevel = Field(examples=["town"])
    within: str | None = Field(examples=[None])
    inputs: dict[str, str] = Field(examples=[{"network": "9f86d081884c7d65"}])
    uncertainty: Uncertainty
    totals: Figures
    features: list[CoverageFeature]
    data_notice: Notice | None = NoticeField


class CurvePoint(BaseModel):
    """People within so many minutes."""

    minutes: int = Field(examples=[15])
    covered: int = Field(examples=[9600000])
    share: float | None = Field(description="covered ÷ population", examples=[0.51])


class CoverageCurve(Method):
    """How many people within 1, 2, … 60 minutes; ``minutes`` of the question is not used."""

    area: AreaRef
    population: int = Field(examples=[18867000])
    off_network: int = Field(description=OFF_NETWORK, examples=[12000])
    points: list[CurvePoint]
    data_notice: Notice | None = NoticeField
