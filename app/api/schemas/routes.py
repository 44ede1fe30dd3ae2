"""Walking routes in answers."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.method import PROFILE_TEXT, SPEED_TEXT, ProfileName
from app.api.parameters import REQUIRED, WrittenDay, WrittenMoment
from app.api.schemas.common import Notice, NoticeField, Profile, Snap, StationSummary
from app.api.schemas.nearest import OpenLocation
from app.geo.crs import Crs
from app.geo.directions import Compass, Side, StepKind, Turn
from app.services.profiles import MAX_SPEED_KMH, MIN_SPEED_KMH


class RouteFormat(StrEnum):
    JSON = "json"
    GEOJSON = "geojson"
    WX = "wx"


class RouteQuestion(BaseModel):
    """What is asked of a way, but for where it begins."""

    model_config = ConfigDict(extra="forbid")

    profile: ProfileName = Field(default="adult", description=PROFILE_TEXT, examples=["adult"])
    speed_kmh: float | None = Field(
        default=None, ge=MIN_SPEED_KMH, le=MAX_SPEED_KMH, allow_inf_nan=False, description=SPEED_TEXT, examples=[None]
    )
    out_crs: Crs | None = Field(default=None, description="默认同 crs · As crs by default", examples=["gcj02"])
    format: RouteFormat = Field(default=RouteFormat.JSON, examples=["json"])
    as_of: WrittenDay | None = Field(default=None, examples=[None])
    known_at: WrittenMoment | None = Field(default=None, examples=[None])


class PlacedRouteQuestion(RouteQuestion):
    """The parameters of GET as a JSON body: the position stays out of addresses."""

    lng: Annotated[float, Field(strict=True)] = Field(description="经度(度)· Longitude in degrees", examples=[113.2644])
    lat: Annotated[float, Field(strict=True)] = Field(description="纬度(度)· Latitude in degrees", examples=[23.1291])
    crs: str | None = Field(
        default=None, description="必填:lng、lat 的坐标系 · Required: the system of lng and lat", examples=["gcj02"],
        json_schema_extra={**REQUIRED, "enum": [crs.value for crs in Crs]},
    )  # fmt: skip


class LineGeometry(BaseModel):
    """Points ``[lng, lat]`` in the order walked; the coordinate system is the answer's ``crs``."""

    type: Literal["LineString"] = "LineString"
    coordinates: tuple[tuple[float, float], ...] = Field(
        min_length=2, examples=[[[113.326, 23.1285], [113.3262, 23.1291]]]
    )


class RouteStep(BaseModel):
    """One thing to do. Metres and seconds of all steps add up to the way's. 一步"""

    text: str = Field(description="可以直接显示的一句话 · A sentence to show", examples=["沿体育西路向北步行 240 米"])
    kind: StepKind = Field(description="走到街道、沿街步行、到达 · To the street, along it, arrival", examples=["walk"])
    walk_m: float = Field(description="米 · Metres", examples=[240.3])
    walk_seconds: int = Field(description="步行秒数 · Seconds of walking", examples=[180])
    name: str | None = Field(
        description="街道名,没有名称时为 null · The street; null without a name", examples=["体育西路"]
    )
    direction: Compass | None = Field(
        description="这一步开始时的方向;无法判断时为 null · Direction where it begins; null where that cannot be told",
        examples=["north"],
    )
    turn: Turn | None = Field(
        description="相对上一条街道;首条为 null · From the street before; null at the first", examples=[None]
    )
    side: Side | None = Field(
        description="到达时站点在道路哪一侧;不明显时为 null · Which side the station is on; null where none is plain",
        examples=[None],
    )
    has_steps: bool = Field(description="经过台阶 · Over steps", examples=[False])
    is_bridge: bool = Field(description="经过桥 · Over a bridge", examples=[False])
    is_tunnel: bool = Field(description="经过隧道 · Through a tunnel", examples=[False])
    first_point: int = Field(description="在线上的首点,从 0 数 · First point of the line, from 0", examples=[0])
    last_point: int = Field(description="在线上的末点,含此点 · Last point of the line, inclusive", examples=[3])


class RouteSnap(Snap):
    """How an end of the way was attached to the streets. 一端如何连到街道"""

    island_m: float | None = Field(
        description="更近处有一段不与路网相连的道路、因此未用时,到它的米数;否则为 null · "
        "Metres to a nearer street that was passed over because it is joined to nothing; null in general",
        examples=[None],
    )


class RouteFacts(BaseModel):
    """A way on foot, without its line."""

    crs: str = Field(description="一切坐标的坐标系 · Coordinate system of all coordinates", examples=["gcj02"])
    station: StationSummary
    walk_minutes: float = Field(description="步行分钟,一位小数 · Minutes of walking", examples=[7.4])
    walk_seconds: int = Field(description="与最近站点的秒数一致 · The same as in the nearest stations", examples=[443])
    walk_m: float = Field(description="步行距离,含到街道的路 · Metres walked, to and from the street", examples=[590.4])
    straight_m: float = Field(description="直线距离,米 · Metres as the crow flies", examples=[431.0])
    detour: float | None = Field(description="步行 ÷ 直线 · Walked over straight", examples=[1.37])
    steps: list[RouteStep] = Field(description="逐步指引,最后一步是到达 · What to do; arrival comes last")
    message: str | None = Field(
        description="要告诉用户的话,多数时候为 null · What to tell the reader; mostly null", examples=[None]
    )
    open_location: OpenLocation = Field(description="交给 wx.openLocation · To hand to wx.openLocation")
    inside_area: bool = Field(description="位置在已载入的区划之内 · Inside the areas that are loaded", examples=[True])
    snap: RouteSnap = Field(description="出发位置 · Of the position")
    station_snap: RouteSnap = Field(description="站点 · Of the station")
    profile: Profile
    data_notice: Notice | None = NoticeField


class WalkingRoute(RouteFacts):
    """The shortest way on foot from a position to a station."""

    line: LineGeometry = Field(description="从位置到站点的线,坐标系为 crs · From position to station, in crs")


class RouteFeature(BaseModel):
    """GeoJSON feature: the line in WGS84, all else as its properties."""

    type: Literal["Feature"] = "Feature"
    geometry: LineGeometry
    properties: RouteFacts
