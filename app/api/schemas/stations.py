"""Stations in answers."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, Field

from app.api.language import Language
from app.api.schemas.common import AreaRef, LatField, LngField, Notice, NoticeField, PointGeometry
from app.api.schemas.ledger_stations import PublicRecord
from app.models.vocabularies import HostKind, StationStatus, StationType, Vocabulary
from app.services.islands import Attached
from app.services.station_reads import AreaName, StationView

COORDINATE_DECIMALS = 7  # a centimetre


class Cells(BaseModel):
    """The H3 cells that hold the station, resolutions 7 to 10, as text."""

    r7: str = Field(examples=["87411cb1bffffff"])
    r8: str = Field(examples=["88411cb1b1fffff"])
    r9: str = Field(examples=["89411cb1b0fffff"])
    r10: str = Field(examples=["8a411cb1b01ffff"])


class StationFacts(BaseModel):
    """What is the same in JSON and in GeoJSON."""

    code: str = Field(description="站点代码 · Station code", examples=["YC440106-001"])
    name: str = Field(examples=["天河南街羊城技能加油站"])
    type: StationType = Field(description="类型 · Type", examples=["community"])
    type_title: str = Field(examples=["社区型"])
    host_kind: HostKind = Field(description="载体 · What kind of place hosts it", examples=["party_service_centre"])
    host_kind_title: str = Field(examples=["基层党群服务阵地"])
    status: StationStatus = Field(description="状态 · Status", examples=["open"])
    status_title: str = Field(examples=["运营中"])
    address: str | None = Field(examples=["天河区体育西横街 1 号"])
    selected_on: date | None = Field(description="遴选日期 · Selected", examples=["2025-06-30"])
    plaque_hung_on: date | None = Field(description="挂牌日期 · Plaque hung", examples=["2025-08-15"])
    opened_on: date | None = Field(description="开放日期 · Opened", examples=["2025-09-01"])
    closed_on: date | None = Field(description="关闭日期 · Closed", examples=[None])
    dataset_id: int = Field(description="所属数据集,见 /v1/datasets · Its dataset", examples=[4])
    synthetic: bool = Field(description="是否合成数据 · Was it generated?", examples=[True])


class Station(StationFacts):
    """A station. 站点"""

    district: AreaRef | None = Field(description="所在区 · District")
    town: AreaRef | None = Field(description="所在镇街 · Town or subdistrict")
    lng: float = LngField
    lat: float = LatField
    crs: str = Field(description="lng、lat 的坐标系 · Coordinate system of lng and lat", examples=["wgs84"])
    h3: Cells

    @classmethod
    def of(cls, view: StationView, language: Language) -> Station:
        row = view.row
        return cls(
            **_facts(view, language).__dict__,
            district=_area(view.district),
            town=_area(view.town),
            lng=round(view.lng, COORDINATE_DECIMALS),
            lat=round(view.lat, COORDINATE_DECIMALS),
            crs=view.crs.value,
            h3=Cells(r7=f"{row.h3_r7:x}", r8=f"{row.h3_r8:x}", r9=f"{row.h3_r9:x}", r10=f"{row.h3_r10:x}"),
        )


class Attachment(BaseModel):
    """How the station is attached to the streets. 站点如何连到街道"""

    on_network: bool = Field(
        description="false:附近没有相连的道路,无人能步行到达 · false: beside no street that leads anywhere",
        examples=[True],
    )
    snap_m: float | None = Field(description="到所连街道的米数 · Metres to the street", examples=[8.4])
    island_m: float | None = Field(
        description="更近处有一段不与路网相连的道路、因此未用时,到它的米数 · "
        "Metres to a nearer street that was passed over because it is joined to nothing",
        examples=[None],
    )

    @classmethod
    def of(cls, told: Attached) -> Attachment:
        return cls(on_network=told.on_network, snap_m=told.snap_m, island_m=told.island_m)


class StationWalkable(BaseModel):
    """For everybody, and for those who take no steps."""

    everywhere: Attachment
    step_free: Attachment


class StationAnswer(Station):
    """One station: what is published of it, how it is attached to the streets, what has to be said of the data."""

    record: PublicRecord
    walkable: StationWalkable | None = Field(
        description="没有路网、或路网尚未更新时为 null · null without a network, or until it is up to date"
    )
    data_notice: Notice | None = NoticeField


class StationList(BaseModel):
    """A page of stations, by code."""

    total: int = Field(description="符合条件的总数,不只本页 · Of the whole list, not only this page", examples=[300])
    next_cursor: str | None = Field(
        description="下一页的 cursor;null 表示已是最后一页 · The next page's cursor; null on the last page",
        examples=["WyI0ZjUzY2RhMThjMmIiLCJHWi0wMTAwIl0"],
    )
    crs: str = Field(description="本页坐标的坐标系 · Coordinate system of this page", examples=["wgs84"])
    data_notice: Notice | None = NoticeField
    stations: list[Station]


class StationProperties(StationFacts):
    """A station in GeoJSON: flat, as map programs like it."""

    district_code: str | None = Field(examples=["440106"])
    district_name: str | None = Field(examples=["天河区"])
    town_code: str | None = Field(examples=["440106011"])
    town_name: str | None = Field(examples=["天河南街道"])
    h3_r7: str = Field(examples=["87411cb1bffffff"])
    h3_r8: str = Field(examples=["88411cb1b1fffff"])
    h3_r9: str = Field(examples=["89411cb1b0fffff"])
    h3_r10: str = Field(examples=["8a411cb1b01ffff"])


class StationFeature(BaseModel):
    """GeoJSON feature; ``id`` is the station code."""

    type: Literal["Feature"] = "Feature"
    id: str = Field(examples=["YC440106-001"])
    geometry: PointGeometry
    properties: StationProperties

    @classmethod
    def of(cls, view: StationView, language: Language) -> StationFeature:
        """From a view in WGS84."""
        row = view.row
        properties = StationProperties(
            **_facts(view, language).__dict__,
            district_code=row.district_code,
            district_name=view.district and view.district.name,
            town_code=row.town_code,
            town_name=view.town and view.town.name,
            h3_r7=f"{row.h3_r7:x}",
            h3_r8=f"{row.h3_r8:x}",
            h3_r9=f"{row.h3_r9:x}",
            h3_r10=f"{row.h3_r10:x}",
        )
        point = (round(view.lng, COORDINATE_DECIMALS), round(view.lat, COORDINATE_DECIMALS))
        return cls(id=row.code, geometry=PointGeometry(coordinates=point), properties=properties)


class StationFeatures(BaseModel):
    """GeoJSON feature collection with three foreign members."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    total: int = Field(examples=[300])
    next_cursor: str | None = Field(examples=["WyI0ZjUzY2RhMThjMmIiLCJHWi0wMTAwIl0"])
    data_notice: Notice | None = NoticeField
    features: list[StationFeature]


def _facts(view: StationView, language: Language) -> StationFacts:
    row = view.row
    kind, host, status = StationType(row.type), HostKind(row.host_kind), StationStatus(row.status)
    return StationFacts(
        code=row.code, name=row.name, type=kind, type_title=title(kind, language), host_kind=host,
        host_kind_title=title(host, language), status=status, status_title=title(status, language),
        address=row.address, selected_on=row.selected_on, plaque_hung_on=row.plaque_hung_on, opened_on=row.opened_on,
        closed_on=row.closed_on, dataset_id=row.dataset_id, synthetic=view.synthetic,
    )  # fmt: skip


def title(term: Vocabulary, language: Language) -> str:
    """A term of a vocabulary as people read it."""
    return language.pick(term.title_zh, term.title_en)


def _area(area: AreaName | None) -> AreaRef | None:
    return None if area is None else AreaRef(code=area.code, name=area.name)
