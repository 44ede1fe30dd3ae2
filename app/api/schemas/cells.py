"""Cells and gaps in answers."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from app.api.schemas.common import AreaRef, MultiPolygonGeometry, Notice, NoticeField
from app.api.schemas.coverage import COVERED, OFF_NETWORK, RATE, UNCOVERED, Method
from app.models.vocabularies import AreaLevel

STATION = "最近站点的代码;步行到不了任何站点时为 null · Its code; null where none can be walked to"
MINUTES = "到最近站点的步行分钟,不论多远 · Minutes to the nearest station, however far"


class Cell(BaseModel):
    """A cell of H3 that people live in."""

    h3: str = Field(examples=["89411cb1b0fffff"])
    area_code: str = Field(description="所在最小一级区划 · The smallest area that it is in", examples=["440106011"])
    lng: float = Field(description="中心,WGS84 · Centre", examples=[113.326122])
    lat: float = Field(description="中心,WGS84 · Centre", examples=[23.128865])
    population: float = Field(description="居民,非整数 · Residents, not whole", examples=[1203.512])
    covered: float = Field(description=COVERED, examples=[1203.512])
    uncovered: float = Field(description=UNCOVERED, examples=[0.0])
    off_network: float = Field(description=OFF_NETWORK, examples=[0.0])
    covered_share: float | None = Field(description=RATE, examples=[1.0])
    nearest_station: str | None = Field(description=STATION, examples=["YC440106-001"])
    nearest_minutes: float | None = Field(description=MINUTES, examples=[6.42])


class CellList(Method):
    """Cells with coverage."""

    crs: str = Field(examples=["wgs84"])
    resolution: int = Field(description="H3 分辨率 · H3 resolution", examples=[9])
    total: int = Field(examples=[1])
    cells: list[Cell]
    data_notice: Notice | None = NoticeField


class CellFeature(BaseModel):
    """GeoJSON feature: the hexagon; ``id`` is the H3 index."""

    type: Literal["Feature"] = "Feature"
    id: str = Field(examples=["89411cb1b0fffff"])
    geometry: MultiPolygonGeometry
    properties: Cell


class CellFeatures(Method):
    """GeoJSON feature collection with foreign members."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    crs: str = Field(examples=["wgs84"])
    resolution: int = Field(examples=[9])
    total: int = Field(examples=[1])
    features: list[CellFeature]
    data_notice: Notice | None = NoticeField


class GapReasons(BaseModel):
    """Why: every one of ``people`` counted once. 原因,每人只计一次"""

    no_station_near: int = Field(
        description="直线距离也超出步行范围:附近没有站点 · Even a straight line to the nearest station is too long",
        examples=[4100],
    )
    cut_off: int = Field(
        description="直线够近,但要绕行(江河、铁路、围墙) · Near in a straight line, but the way goes around",
        examples=[1110],
    )
    steps_only: int = Field(
        description="只因途中有台阶(wheelchair) · Because of steps alone, for step-free profiles", examples=[0]
    )
    off_network: int = Field(description=OFF_NETWORK, examples=[0])


class Gap(BaseModel):
    """A contiguous gap: neighbouring cells where few are within the walk."""

    id: str = Field(description="其中未覆盖最多的一格 · Its cell with most people", examples=["89411cb1b0fffff"])
    people: int = Field(description="其中步行范围之外的居民 · Residents in it not within the walk", examples=[5210])
    population: int = Field(description="其中全部居民 · All residents in it", examples=[6100])
    off_network: int = Field(description=OFF_NETWORK, examples=[0])
    lng: float = Field(description="人口重心,WGS84 · Centre of its people", examples=[113.326122])
    lat: float = Field(description="人口重心,WGS84 · Centre of its people", examples=[23.128865])
    areas: list[AreaRef] = Field(description="所跨的最小一级区划 · The smallest areas that it touches")
    nearest_station: str | None = Field(description=STATION, examples=["YC440106-001"])
    nearest_minutes: float | None = Field(description=MINUTES, examples=[17.8])
    detour: float | None = Field(
        description="到最近站点的步行与直线之比,按其中居民加权;走不到则为 null · "
        "The walk to the nearest station over the straight line, of its people; null where none can be walked to",
        examples=[1.62],
    )
    reasons: GapReasons
    cells: list[str] = Field(description="H3 索引 · H3 indexes", examples=[["89411cb1b0fffff"]])


class GapList(Method):
    """Gaps, most people first."""

    crs: str = Field(examples=["wgs84"])
    level: AreaLevel = Field(description="缺口不跨越此级边界 · Gaps end at borders of this level", examples=["town"])
    within: str | None = Field(examples=[None])
    min_population: int = Field(examples=[100])
    min_share: float = Field(examples=[0.5])
    resolution: int = Field(examples=[9])
    total: int = Field(description="缺口总数,不只列出的 · All gaps, not only those listed", examples=[84])
    total_people: int = Field(description="全部缺口中步行范围之外的居民 · In all of them", examples=[812000])
    gaps: list[Gap]
    data_notice: Notice | None = NoticeField


class GapFeature(BaseModel):
    """GeoJSON feature: the outline around the cells of a gap."""

    type: Literal["Feature"] = "Feature"
    id: str = Field(examples=["89411cb1b0fffff"])
    geometry: MultiPolygonGeometry
    properties: Gap


class GapFeatures(Method):
    """GeoJSON feature collection with foreign members."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    crs: str = Field(examples=["wgs84"])
    level: AreaLevel = Field(examples=["town"])
    within: str | None = Field(examples=[None])
    min_population: int = Field(examples=[100])
    min_share: float = Field(examples=[0.5])
    resolution: int = Field(examples=[9])
    total: int = Field(examples=[84])
    total_people: int = Field(examples=[812000])
    features: list[GapFeature]
    data_notice: Notice | None = NoticeField
