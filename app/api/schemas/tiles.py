"""TileJSON in answers."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from app.api.schemas.common import Notice, NoticeField


class VectorLayer(BaseModel):
    """The one layer of a tile set."""

    id: str = Field(description="图层名 · Name of the layer in the tiles", examples=["stations"])
    description: str = Field(examples=["站点"])
    minzoom: int = Field(examples=[0])
    maxzoom: int = Field(examples=[14])
    fields: dict[str, str] = Field(
        description="属性及其类型 · Properties and their kinds", examples=[{"code": "String", "name": "String"}]
    )


class TileJson(BaseModel):
    """TileJSON 3.0.0: what MapLibre, QGIS and others need to show a layer. 瓦片集说明"""

    tilejson: Literal["3.0.0"] = "3.0.0"
    name: str = Field(examples=["站点"])
    description: str = Field(examples=["羊城技能地图:站点"])
    version: str = Field(description="软件版本 · Of the software", examples=["0.1.0"])
    scheme: Literal["xyz"] = "xyz"
    tiles: list[str] = Field(examples=[["http://127.0.0.1:8000/v1/tiles/stations/{z}/{x}/{y}.mvt"]])
    minzoom: int = Field(examples=[0])
    maxzoom: int = Field(description="更大的级别由地图放大 · Maps enlarge beyond", examples=[14])
    bounds: tuple[float, float, float, float] = Field(
        description="西、南、东、北,WGS84 · West, south, east, north", examples=[[112.9, 22.4, 114.1, 23.95]]
    )
    center: tuple[float, float, int] = Field(
        description="经度、纬度、级别 · Longitude, latitude, zoom", examples=[[113.5, 23.2, 9]]
    )
    attribution: str = Field(
        description="地图上应显示的来源,含数据说明 · To be shown on the map: sources and the data notice",
        examples=["含合成数据(站点台账),仅供演示,不反映真实情况,不得作为依据。"],
    )
    vector_layers: list[VectorLayer]
    as_of: str = Field(
        description="覆盖按当日开放的站点 · Coverage by stations open on that day", examples=["2026-11-24"]
    )
    data_notice: Notice | None = NoticeField
