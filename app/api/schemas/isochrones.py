"""Isochrones in answers."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from app.api.schemas.common import MultiPolygonGeometry, Notice, NoticeField, Profile, Snap, StationSummary

PEOPLE = "步行此分钟数以内的居民,累计;没有人口数据时为 null · Residents within, cumulative; null without people"


class BandProperties(BaseModel):
    """What lies within so many minutes."""

    minutes: float = Field(examples=[15])
    population: int | None = Field(description=PEOPLE, examples=[38211])
    area_km2: float = Field(description="轮廓面积,平方公里 · Area of the outline", examples=[2.31])


class BandFeature(BaseModel):
    """GeoJSON feature: the outline of what can be reached."""

    type: Literal["Feature"] = "Feature"
    geometry: MultiPolygonGeometry
    properties: BandProperties


class Isochrones(BaseModel):
    """GeoJSON feature collection, the largest band first, so that it can be drawn in order; with foreign members."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[BandFeature]
    snap: Snap | None = Field(description="从站点出发时为 null;WGS84 · null from a station; WGS84")
    station: StationSummary | None = Field(description="从位置出发时为 null;WGS84 · null from a position; WGS84")
    profile: Profile
    crs: str = Field(description="一切坐标的坐标系 · Of all coordinates", examples=["wgs84"])
    data_notice: Notice | None = NoticeField


class HexBand(BaseModel):
    """People within so many minutes."""

    minutes: float = Field(examples=[15])
    population: int | None = Field(description=PEOPLE, examples=[38211])


class ReachedCell(BaseModel):
    """An H3 cell that reached streets run through."""

    h3: str = Field(examples=["8a411cb1b01ffff"])
    minutes: float = Field(description="到格内街道的最短步行 · The shortest walk to its streets", examples=[6.31])


class IsochroneHexes(BaseModel):
    """Cells with their minutes instead of outlines."""

    resolution: int = Field(examples=[10])
    bands: list[HexBand]
    cells: list[ReachedCell]
    snap: Snap | None = Field(description="从站点出发时为 null;WGS84 · null from a station; WGS84")
    station: StationSummary | None = Field(description="从位置出发时为 null;WGS84 · null from a position; WGS84")
    profile: Profile
    crs: str = Field(examples=["wgs84"])
    data_notice: Notice | None = NoticeField
