"""Seats against people."""

from __future__ import annotations

from pydantic import BaseModel, Field

from app.api.schemas.common import AreaRef, Notice, NoticeField
from app.api.schemas.coverage import Method
from app.models.vocabularies import AreaLevel


class CapacityRow(BaseModel):
    """One area."""

    code: str = Field(examples=["440106"])
    name: str = Field(examples=["天河区"])
    population: int = Field(description="居民 · Residents", examples=[2238000])
    stations: int = Field(description="其中计入的站点数 · Stations that count", examples=[35])
    stations_without_seats: int = Field(description="台账没有座位数的 · Seats unknown", examples=[2])
    seats: int = Field(description="其中站点的座位 · Seats of its stations", examples=[1650])
    stations_per_100000: float | None = Field(description="每十万居民 · Per 100,000 residents", examples=[1.564])
    seats_per_1000: float | None = Field(description="每千居民,不问远近 · Per 1,000 residents", examples=[0.737])
    reachable_seats: float = Field(
        description="分到其居民的座位(两步移动搜寻法),可来自别的区划 · "
        "Seats that fall to its residents by the two-step floating catchment, also from other areas",
        examples=[1702.4],
    )
    reachable_seats_per_1000: float | None = Field(description="每千居民 · Per 1,000 residents", examples=[0.761])


class StationCapacity(BaseModel):
    """One station, those with fewest seats to share first."""

    code: str = Field(examples=["YC440106-001"])
    name: str = Field(examples=["羊城技能加油站(天河南街道示范站)"])
    areas: list[AreaRef] = Field(description="所在区划,由大到小 · What it lies in, the largest first")
    seats: int | None = Field(examples=[45])
    weighted_people: int = Field(
        description="分享其座位的居民,近者权重高 · Who share its seats, those near counting more", examples=[61200]
    )
    seats_per_1000: float | None = Field(description="seats ÷ weighted_people × 1000", examples=[0.735])


class CapacityTable(Method):
    """Seats against people, by area and by station."""

    level: AreaLevel = Field(examples=["district"])
    within: str | None = Field(examples=[None])
    zone_minutes: list[float] = Field(description="三段步行的终点 · Ends of the zones", examples=[[5, 10, 15]])
    zone_weights: list[float] = Field(description="各段权重 · Their weights", examples=[[1.0, 0.68, 0.22]])
    rows: list[CapacityRow]
    stations: list[StationCapacity]
    data_notice: Notice | None = NoticeField
