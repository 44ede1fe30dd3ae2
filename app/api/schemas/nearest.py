"""The nearest stations in answers, and the question as a body."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app.api.method import PROFILE_TEXT, SPEED_TEXT, ProfileName
from app.api.parameters import REQUIRED
from app.api.schemas.common import Notice, NoticeField, Profile, Snap, StationSummary
from app.geo.crs import Crs
from app.models.vocabularies import StationType
from app.services.nearest import MAX_HITS
from app.services.profiles import MAX_SPEED_KMH, MIN_SPEED_KMH

MAX_MINUTES = 60


class NearestQuestion(BaseModel):
    """The parameters of GET, as a JSON body: the position stays out of addresses and of what servers write down."""

    model_config = ConfigDict(extra="forbid")

    lng: Annotated[float, Field(strict=True)] = Field(description="经度(度)· Longitude in degrees", examples=[113.2644])
    lat: Annotated[float, Field(strict=True)] = Field(description="纬度(度)· Latitude in degrees", examples=[23.1291])
    crs: str | None = Field(
        default=None, description="必填:lng、lat 的坐标系 · Required: the system of lng and lat", examples=["gcj02"],
        json_schema_extra={**REQUIRED, "enum": [crs.value for crs in Crs]},
    )  # fmt: skip
    limit: int = Field(default=5, ge=1, le=MAX_HITS, examples=[3])
    max_minutes: float = Field(default=60.0, gt=0, le=MAX_MINUTES, allow_inf_nan=False, examples=[30])
    profile: ProfileName = Field(default="adult", description=PROFILE_TEXT, examples=["adult"])
    speed_kmh: float | None = Field(
        default=None, ge=MIN_SPEED_KMH, le=MAX_SPEED_KMH, allow_inf_nan=False, description=SPEED_TEXT, examples=[None]
    )
    type: list[StationType] = Field(default=[], max_length=20, examples=[["community", "park"]])
    open_on: date | None = Field(default=None, description="默认今天 · Today by default", examples=[None])
    known_at: AwareDatetime | None = Field(
        default=None, description="当时所知 · As was known at that moment; now by default", examples=[None]
    )
    out_crs: Crs | None = Field(default=None, description="默认同 crs · As crs by default", examples=["gcj02"])


class OpenLocation(BaseModel):
    """The argument of ``wx.openLocation``: always GCJ-02."""

    latitude: float = Field(examples=[23.128865])
    longitude: float = Field(examples=[113.326122])
    name: str = Field(examples=["天河南街羊城技能加油站"])
    address: str = Field(description="没有地址时为空 · Empty without an address", examples=["天河区体育西横街 1 号"])


class NearestHit(BaseModel):
    """One station and the walk to it."""

    station: StationSummary
    walk_minutes: float = Field(description="步行分钟,一位小数 · Minutes of walking", examples=[7.4])
    walk_seconds: int = Field(description="步行秒数 · Seconds of walking", examples=[443])
    walk_m: float = Field(description="步行距离,含到街道的路 · Metres walked, to and from the street", examples=[590.4])
    straight_m: float = Field(description="直线距离,米 · Metres as the crow flies", examples=[431.0])
    detour: float | None = Field(description="步行 ÷ 直线 · Walked over straight", examples=[1.37])
    open_location: OpenLocation


class NearestStations(BaseModel):
    """Stations by walking time, nearest first."""

    crs: str = Field(description="返回坐标的坐标系 · Coordinate system of the answer", examples=["gcj02"])
    day: date = Field(description="按此日是否开放筛选 · Open on that day", examples=["2026-11-24"])
    hits: list[NearestHit] = Field(description="可能为空,见 message · May be empty, see message")
    beyond: NearestHit | None = Field(
        description="hits 为空时,更远处最近的一个 · The nearest one farther away, when hits is empty", examples=[None]
    )
    message: str | None = Field(
        description="要告诉用户的话,多数时候为 null · What to tell the reader; mostly null", examples=[None]
    )
    inside_area: bool = Field(description="位置在已载入的区划之内 · Inside the areas that are loaded", examples=[True])
    searched_m: float = Field(description="步行至多多少米都已找过 · Complete up to this walk", examples=[4800.0])
    snap: Snap
    profile: Profile
    data_notice: Notice | None = NoticeField
