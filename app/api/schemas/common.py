"""Parts that several answers share."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from app.api.language import Language
from app.models.vocabularies import HostKind, StationStatus, StationType
from app.services.dataset_reads import DataNotice, NoticeSource

LngField = Field(description="经度(度),坐标系见 crs · Longitude in degrees, in crs", examples=[113.2644])
LatField = Field(description="纬度(度),坐标系见 crs · Latitude in degrees, in crs", examples=[23.1291])


class AreaRef(BaseModel):
    """An area by code and name. 区划代码与名称"""

    code: str = Field(examples=["440106"])
    name: str | None = Field(
        description="界线已不在库中时为 null · null when its boundary is no longer loaded", examples=["天河区"]
    )


class NoticeDataset(BaseModel):
    """A dataset that a notice is about."""

    id: int = Field(examples=[4])
    kind: str = Field(examples=["stations"])
    level: str | None = Field(examples=[None])
    name: str = Field(examples=["演示站点"])

    @classmethod
    def of(cls, source: NoticeSource) -> NoticeDataset:
        return cls(id=source.id, kind=source.kind.value, level=source.level and source.level.value, name=source.name)


class Notice(BaseModel):
    """数据说明:出现时,请在页面上显示 message · When present, show ``message`` to the reader."""

    synthetic: bool = Field(description="至少部分数据是合成的 · Some data was generated", examples=[True])
    message: str = Field(examples=["含合成数据(站点台账),仅供演示,不反映真实情况,不得作为依据。"])
    datasets: list[NoticeDataset]

    @classmethod
    def of(cls, notice: DataNotice | None, language: Language) -> Notice | None:
        """The notice in the reader's language; None stays None."""
        if notice is None:
            return None
        return cls(
            synthetic=notice.synthetic,
            message=language.pick(notice.message_zh, notice.message_en),
            datasets=[NoticeDataset.of(source) for source in notice.datasets],
        )


NoticeField = Field(description="数据真实、界线正式时为 null · null when data is observed and outlines official")


class Profile(BaseModel):
    """Who walks. 步行方式"""

    name: str = Field(examples=["adult"])
    speed_kmh: float = Field(examples=[4.8])
    step_free: bool = Field(description="不经台阶 · No steps on the way", examples=[False])


class Snap(BaseModel):
    """How the position was attached to the streets. 位置如何连到街道"""

    snap_m: float = Field(description="到街道的距离,米 · Metres to the street", examples=[12.3])
    edge_id: int = Field(description="街道边编号 · The piece of street", examples=[10241])
    component: int = Field(description="连通部分,0 为最大 · Connected part, 0 is the largest", examples=[0])
    lng: float = LngField
    lat: float = LatField


class StationSummary(BaseModel):
    """A station, in short. 站点摘要"""

    code: str = Field(description="站点代码 · Station code", examples=["YC440106-001"])
    name: str = Field(examples=["天河南街羊城技能加油站"])
    type: StationType = Field(description="类型 · Type", examples=["community"])
    type_title: str = Field(examples=["社区型"])
    host_kind: HostKind = Field(description="载体 · What kind of place hosts it", examples=["party_service_centre"])
    host_kind_title: str = Field(examples=["基层党群服务阵地"])
    status: StationStatus = Field(description="状态 · Status", examples=["open"])
    status_title: str = Field(examples=["运营中"])
    address: str | None = Field(examples=["天河区体育西横街 1 号"])
    district: AreaRef | None = Field(description="所在区 · District")
    town: AreaRef | None = Field(description="所在镇街 · Town or subdistrict")
    lng: float = LngField
    lat: float = LatField
    crs: str = Field(examples=["gcj02"])
    synthetic: bool = Field(description="是否合成数据 · Was it generated?", examples=[True])


class PointGeometry(BaseModel):
    """GeoJSON point, WGS84: ``[lng, lat]``."""

    type: Literal["Point"] = "Point"
    coordinates: tuple[float, float] = Field(examples=[[113.2644, 23.1291]])


class MultiPolygonGeometry(BaseModel):
    """GeoJSON multipolygon, WGS84: polygons of rings of ``[lng, lat]``, exterior rings counter-clockwise."""

    type: Literal["MultiPolygon"] = "MultiPolygon"
    coordinates: tuple[tuple[tuple[tuple[float, float], ...], ...], ...] = Field(
        examples=[[[[[113.2, 23.1], [113.3, 23.1], [113.3, 23.2], [113.2, 23.1]]]]]
    )
