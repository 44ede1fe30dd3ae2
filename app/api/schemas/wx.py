"""Answers in ``format=wx``: for the ``<map>`` of a mini-program, GCJ-02 throughout."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from app.api.schemas.common import Notice, NoticeField
from app.api.schemas.isochrones import BandProperties
from app.api.schemas.nearest import NextSession, OpenLocation
from app.geo.opening_hours import OpenState

SIMPLIFIED = (
    "为大小所限,线条至多偏离这么多米;0 为未简化 · To fit, lines are off by at most so many metres; 0 if they are whole"
)


class WxPoint(BaseModel):
    """GCJ-02."""

    latitude: float = Field(examples=[23.128865])
    longitude: float = Field(examples=[113.326122])


class WxCallout(BaseModel):
    """What stands above a marker that is tapped."""

    content: str = Field(examples=["天河南街羊城技能加油站\n步行约 7 分钟"])
    display: Literal["BYCLICK"] = Field(examples=["BYCLICK"])
    padding: int = Field(examples=[8])
    borderRadius: int = Field(examples=[6])
    fontSize: int = Field(examples=[16])
    bgColor: str = Field(examples=["#ffffff"])
    color: str = Field(examples=["#212529"])
    textAlign: Literal["left"] = Field(examples=["left"])


class WxMarker(BaseModel):
    """A marker of ``<map>``; ``iconPath`` is the mini-program's own. 图标 iconPath 由小程序自带"""

    id: int = Field(
        ge=1, le=999_999_999, description="同一站点在各回答中相同 · The same in every answer", examples=[41]
    )
    latitude: float = Field(examples=[23.128865])
    longitude: float = Field(examples=[113.326122])
    title: str = Field(examples=["天河南街羊城技能加油站"])
    code: str | None = Field(description="站点代码;起点为 null · null for the start", examples=["YC440106-001"])
    width: int = Field(examples=[28])
    height: int = Field(examples=[36])
    callout: WxCallout


class WxHit(BaseModel):
    """What a list below the map shows."""

    marker_id: int = Field(examples=[41])
    code: str = Field(examples=["YC440106-001"])
    name: str = Field(examples=["天河南街羊城技能加油站"])
    walk_minutes: float | None = Field(
        description="只知直线时为 null · null where only a straight line is known", examples=[7.4]
    )
    walk_m: float | None = Field(description="同上 · Likewise", examples=[590.4])
    straight_m: float = Field(examples=[431.0])
    state: OpenState = Field(description="出发时 · At the moment of leaving", examples=["open"])
    session: NextSession | None = Field(
        description="问及场次时:赶得上且有余位的第一个 · Where sessions are asked for: the first in time with a seat",
        examples=[None],
    )
    open_location: OpenLocation


class WxNearest(BaseModel):
    """The nearest stations."""

    markers: list[WxMarker]
    include_points: list[WxPoint]
    hits: list[WxHit] = Field(description="与 markers 同序 · In the order of the markers")
    within_reach: bool = Field(
        description="false:附近没有,hits 是更远处的 · false: nothing is within reach, hits lie beyond", examples=[True]
    )
    message: str | None = Field(
        description="要告诉用户的话 · What to tell the reader; null where the hits say it all", examples=[None]
    )
    shown: int = Field(description="标记数 · Markers", examples=[5])
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
    strokeWidth: int = Field(
        description="为挖去空洞而切开的各块为 0 · 0 for the pieces of what is cut up for its holes", examples=[1]
    )
    strokeColor: str = Field(examples=["#2b8a3e"])
    fillColor: str = Field(examples=["#2b8a3e55"])
    zIndex: int = Field(description="小圈在上 · Smaller ones lie on top", examples=[3])


class WxIsochrones(BaseModel):
    """Walking isochrones."""

    polygons: list[WxPolygon]
    markers: list[WxMarker]
    include_points: list[WxPoint]
    bands: list[BandProperties] = Field(description="最大的在前 · The largest first")
    simplified_m: float = Field(description=SIMPLIFIED, examples=[0.0])
    smallest_m2: float = Field(
        description="为大小所限,小于此面积(平方米)的块与洞略去 · To fit, smaller parts and holes are left out",
        examples=[0.0],
    )
    left_out: int = Field(description="仍放不下而略去的小块 · Small parts that even so did not fit", examples=[0])
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
    steps_total: int = Field(description="步骤总数,放得下的才列出 · Steps in all, listed as they fit", examples=[9])
    walk_minutes: float = Field(examples=[7.4])
    walk_m: float = Field(examples=[590.4])
    message: str | None = Field(examples=[None])
    open_location: OpenLocation
    simplified_m: float = Field(description=SIMPLIFIED, examples=[0.0])
    data_notice: Notice | None = NoticeField
