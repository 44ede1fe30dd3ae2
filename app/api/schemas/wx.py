"""Answers in ``format=wx``: for the ``<map>`` of a mini-program, GCJ-02 throughout."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from app.api.schemas.common import Notice, NoticeField
from app.api.schemas.nearest import OpenLocation


class WxPoint(BaseModel):
    """GCJ-02."""

    latitude: float = Field(examples=[23.128865])
    longitude: float = Field(examples=[113.326122])


class WxMarker(BaseModel):
    """A marker of ``<map>``."""

    id: int = Field(
        ge=1, le=999_999_999, description="同一站点在各回答中相同 · The same in every answer", examples=[41]
    )
    latitude: float = Field(examples=[23.128865])
    longitude: float = Field(examples=[113.326122])
    title: str = Field(examples=["天河南街羊城技能加油站"])
    code: str | None = Field(description="站点代码;起点为 null · null for the start", examples=["YC440106-001"])
    width: int = Field(examples=[28])
    height: int = Field(examples=[36])
    callout: dict[str, Any] = Field(
        examples=[{"content": "天河南街羊城技能加油站\n步行约 7 分钟", "display": "BYCLICK"}]
    )


class WxHit(BaseModel):
    """What a list below the map shows."""

    marker_id: int = Field(examples=[41])
    code: str = Field(examples=["YC440106-001"])
    name: str = Field(examples=["天河南街羊城技能加油站"])
    walk_minutes: float | None = Field(description="直线最近的为 null · null where only a straight line is known")
    straight_m: float = Field(examples=[431.0])
    state: str | None = Field(description="open、closed、unknown", examples=["open"])
    open_location: OpenLocation


class WxNearest(BaseModel):
    """The nearest stations."""

    markers: list[WxMarker]
    include_points: list[WxPoint]
    hits: list[WxHit] = Field(description="与 markers 同序 · In the order of the markers")
    message: str | None = Field(examples=[None])
    shown: int = Field(examples=[5])
    data_notice: Notice | None = NoticeField


class WxStations(BaseModel):
    """A page of stations."""

    markers: list[WxMarker]
    total: int = Field(examples=[278])
    shown: int = Field(description="因大小所限只含这些 · As many as fit", examples=[100])
    next_cursor: str | None = Field(examples=[None])
    data_notice: Notice | None = NoticeField


class WxPolygon(BaseModel):
    """A polygon of ``<map>``, without holes."""

    points: list[WxPoint]
    minutes: float = Field(examples=[15.0])
    strokeWidth: int = Field(examples=[1])
    strokeColor: str = Field(examples=["#2b8a3e"])
    fillColor: str = Field(examples=["#2b8a3e55"])
    zIndex: int = Field(description="小圈在上 · Smaller ones lie on top", examples=[3])


class WxIsochrones(BaseModel):
    """Walking isochrones."""

    polygons: list[WxPolygon]
    markers: list[WxMarker]
    include_points: list[WxPoint]
    bands: list[dict[str, float]] = Field(examples=[[{"minutes": 15.0, "population": 38211, "area_km2": 1.4}]])
    simplified_m: float = Field(description="轮廓简化到多少米 · Outlines are simplified to", examples=[5.0])
    data_notice: Notice | None = NoticeField


class WxPolyline(BaseModel):
    """A polyline of ``<map>``."""

    points: list[WxPoint]
    color: str = Field(examples=["#1c7ed6"])
    width: int = Field(examples=[6])
    arrowLine: bool = Field(examples=[True])
    dottedLine: bool = Field(examples=[False])


class WxStep(BaseModel):
    """One instruction."""

    text: str = Field(examples=["向东步行 8 米到道路上"])
    walk_m: float = Field(examples=[8.1])


class WxRoute(BaseModel):
    """The walking way."""

    polyline: list[WxPolyline]
    markers: list[WxMarker]
    include_points: list[WxPoint]
    steps: list[WxStep]
    walk_minutes: float = Field(examples=[7.4])
    walk_m: float = Field(examples=[590.4])
    message: str | None = Field(examples=[None])
    open_location: OpenLocation
    data_notice: Notice | None = NoticeField
