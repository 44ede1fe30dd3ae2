"""The nearest stations in answers, and the question: as parameters, or as a body."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from app.api.method import PROFILE_TEXT, SPEED_TEXT, ProfileName
from app.api.parameters import PLAIN_TEXT, WrittenDay, WrittenMoment
from app.api.schemas.common import Notice, NoticeField, Profile, Snap, StationSummary
from app.geo.crs import Crs
from app.geo.opening_hours import OpenState
from app.models.vocabularies import CourseForm, CourseKind, HostKind, StationType, TargetGroup
from app.services.nearest import MAX_HITS, Order
from app.services.profiles import MAX_SPEED_KMH, MIN_SPEED_KMH

MAX_MINUTES = 60
MAX_SESSION_HOURS = 24 * 62
MAX_ACCURACY_M = 2_000
FIRST_YEAR, LAST_YEAR = 2000, 2100


def _within_years(moment: datetime) -> datetime:
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise PydanticCustomError("year_range", "not within the years that are answered")
    return moment


MeantMoment = Annotated[WrittenMoment, AfterValidator(_within_years)]


class NearestFormat(StrEnum):
    JSON = "json"
    WX = "wx"


class Cost(StrEnum):
    FREE = "free"
    SUBSIDISED = "subsidised"


class NearestAsked(BaseModel):
    """All that is asked but where the position is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    crs: str | None = Field(
        default=None, examples=["gcj02"], json_schema_extra={"enum": [*(crs.value for crs in Crs), None]},
        description="lng、lat 的坐标系,有 lng、lat 时必填 · The system of lng and lat, required with them",
    )  # fmt: skip
    cell: str | None = Field(
        default=None, min_length=1, max_length=20, pattern=r"^[0-9a-fA-F]+$", examples=[None],
        description="代替 lng、lat:位置所在的 H3 网格(7 至 12 级),只知大致位置时用;accuracy 说明误差 · "
        "In place of lng and lat: the H3 cell (resolution 7 to 12) that the position is in; accuracy tells the error",
    )  # fmt: skip
    limit: int = Field(default=5, ge=1, le=MAX_HITS, description="至多几个 · At most so many", examples=[3])
    max_minutes: float = Field(
        default=60.0, gt=0, le=MAX_MINUTES, allow_inf_nan=False, examples=[30],
        description="步行至多几分钟,含此值 · Within so many minutes, inclusive",
    )  # fmt: skip
    profile: ProfileName = Field(default="adult", description=PROFILE_TEXT, examples=["adult"])
    speed_kmh: float | None = Field(
        default=None, ge=MIN_SPEED_KMH, le=MAX_SPEED_KMH, allow_inf_nan=False, description=SPEED_TEXT, examples=[None]
    )
    type: list[StationType] = Field(
        default=[], max_length=20, examples=[["community", "park"]],
        description="只要这些类型,可重复 · These types only, repeatable",
    )  # fmt: skip
    host_kind: list[HostKind] = Field(
        default=[], max_length=40, description="只要这些载体,可重复 · These hosts only", examples=[[]]
    )
    accessible: bool = Field(default=False, description="入口无障碍 · With an accessible entrance", examples=[False])
    skill: str | None = Field(
        default=None, min_length=1, max_length=50, pattern=PLAIN_TEXT, examples=["焊工"],
        description="教这项技能:课程的技能或名称中含有的文字 · Text within the skill or title of a course",
    )  # fmt: skip
    course_kind: list[CourseKind] = Field(default=[], max_length=20, description="培训内容 · Kinds", examples=[[]])
    form: list[CourseForm] = Field(
        default=[], max_length=20, description="培训形式:夜校、沙龙、技能工坊…… · Forms", examples=[["evening_school"]]
    )
    group: list[TargetGroup] = Field(
        default=[], max_length=20, examples=[["unemployed"]],
        description="面向这些人群之一(未注明人群的课程面向所有人)· For one of these groups; "
        "a course that names none is for everybody",
    )  # fmt: skip
    cost: list[Cost] = Field(
        default=[], max_length=2, description="免费,或有补贴 · Free, or subsidised", examples=[["free"]]
    )
    at: MeantMoment | None = Field(
        default=None, examples=[None],
        description="何时出发(ISO 8601,带时区);默认现在 · When one leaves, with its zone; now by default",
    )  # fmt: skip
    open_at: Literal["now"] | MeantMoment | None = Field(
        default=None, examples=["now"],
        description="只要此刻开放的站点:now 或时刻;不知道是否开放的不计入 · Only stations open at that moment; "
        "those of which it is not known do not count",
    )  # fmt: skip
    session_within_hours: float | None = Field(
        default=None, gt=0, le=MAX_SESSION_HOURS, allow_inf_nan=False, examples=[None],
        description="只要这么多小时内有赶得上且有余位的场次 · Only with a session that begins within so many hours, "
        "can be reached in time, and has a seat",
    )  # fmt: skip
    session_before: MeantMoment | None = Field(
        default=None, description="同上,至此时刻 · The same, until that moment", examples=[None]
    )
    order: Order = Field(
        default=Order.WALK, examples=["walk"],
        description="walk 按步行时间;session 按赶得上的第一个场次的开始时间 · By walk, or by the first session in time",
    )  # fmt: skip
    open_on: WrittenDay | None = Field(
        default=None, examples=[None],
        description="当日对外开放的站点;默认为出发当天 · Serving the public on that day; the day of leaving by default",
    )  # fmt: skip
    known_at: WrittenMoment | None = Field(
        default=None, examples=[None],
        description="当时所知的站点(ISO 8601,带时区);默认现在 · As was known at that moment; now by default",
    )  # fmt: skip
    accuracy_m: float | None = Field(
        default=None, gt=0, le=MAX_ACCURACY_M, allow_inf_nan=False, examples=[None],
        description="手机给出的位置误差(米):回答说明第一个站点会不会因此不同 · The uncertainty of the position: "
        "the answer tells whether it could change what comes first",
    )  # fmt: skip
    out_crs: Crs | None = Field(
        default=None, description="返回坐标的坐标系,默认同 crs · As crs by default", examples=["gcj02"]
    )
    format: NearestFormat = Field(
        default=NearestFormat.JSON, examples=["json"],
        description="wx:可直接用于小程序 map 的标记(GCJ-02)· wx: markers for the map of a mini-program",
    )  # fmt: skip


LNG_TEXT, LAT_TEXT = (
    "经度(度),属于 crs · Longitude in degrees, in crs",
    "纬度(度),属于 crs · Latitude in degrees, in crs",
)


class NearestParameters(NearestAsked):
    """The question in an address."""

    lng: float | None = Field(default=None, description=LNG_TEXT, examples=[113.2644])
    lat: float | None = Field(default=None, description=LAT_TEXT, examples=[23.1291])


class NearestQuestion(NearestAsked):
    """The same as a JSON body: the position stays out of addresses and of what servers write down."""

    lng: Annotated[float, Field(strict=True)] | None = Field(default=None, description=LNG_TEXT, examples=[113.2644])
    lat: Annotated[float, Field(strict=True)] | None = Field(default=None, description=LAT_TEXT, examples=[23.1291])


class OpenLocation(BaseModel):
    """The argument of ``wx.openLocation``: always GCJ-02."""

    latitude: float = Field(examples=[23.128865])
    longitude: float = Field(examples=[113.326122])
    name: str = Field(examples=["天河南街羊城技能加油站"])
    address: str = Field(description="没有地址时为空 · Empty without an address", examples=["天河区体育西横街 1 号"])


class HoursNow(BaseModel):
    """Open at the moment of leaving? 出发时是否开放"""

    state: OpenState = Field(description="open、closed,或 unknown(未登记或当年节假日未公布)", examples=["open"])
    until: datetime | None = Field(
        description="下一次变化;两周内没有则为 null · The next change, null where none is within two weeks",
        examples=["2026-11-24T21:00:00+08:00"],
    )
    on_arrival: OpenState = Field(description="步行到达时 · On arrival on foot", examples=["open"])


class NextSession(BaseModel):
    """A session of a course that fits. 场次"""

    id: int = Field(examples=[4711])
    course_id: int = Field(examples=[815])
    title: str = Field(examples=["焊工示范课 1"])
    kind: CourseKind = Field(examples=["skill_improvement"])
    kind_title: str = Field(examples=["职业技能提升"])
    form: CourseForm = Field(examples=["evening_school"])
    form_title: str = Field(examples=["夜校"])
    skill: str | None = Field(examples=["焊工"])
    starts_at: datetime = Field(examples=["2026-11-24T19:00:00+08:00"])
    ends_at: datetime = Field(examples=["2026-11-24T21:00:00+08:00"])
    fee_yuan: float = Field(examples=[0])
    subsidised: bool = Field(examples=[False])
    seats_left: int | None = Field(
        description="几秒前的余位;不限人数则为 null · As of some seconds ago; null without a limit", examples=[12]
    )
    reachable: bool = Field(description="按此步行时间赶得上 · Can be reached in time on foot", examples=[True])


class NearestHit(BaseModel):
    """One station and the walk to it."""

    station: StationSummary
    walk_minutes: float = Field(description="步行分钟,一位小数 · Minutes of walking", examples=[7.4])
    walk_seconds: int = Field(description="步行秒数 · Seconds of walking", examples=[443])
    walk_m: float = Field(description="步行距离,含到街道的路 · Metres walked, to and from the street", examples=[590.4])
    straight_m: float = Field(description="直线距离,米 · Metres as the crow flies", examples=[431.0])
    detour: float | None = Field(description="步行 ÷ 直线 · Walked over straight", examples=[1.37])
    hours: HoursNow
    session: NextSession | None = Field(
        description="问及场次时:赶得上且有余位的第一个 · Where sessions are asked for: the first in time with a seat",
        examples=[None],
    )
    sessions: list[NextSession] = Field(
        description="符合条件的课程接下来的两个场次,满员的也在内 · The next two that fit, full ones too"
    )
    open_location: OpenLocation


class NearbyStation(BaseModel):
    """A station as the crow flies."""

    station: StationSummary
    straight_m: float = Field(description="直线距离,米 · Metres as the crow flies", examples=[23_480.0])
    open_location: OpenLocation


class OnlineCourse(BaseModel):
    """A course that needs no way."""

    id: int = Field(examples=[815])
    station_code: str = Field(examples=["YC440106-001"])
    title: str = Field(examples=["短视频制作示范课 2"])
    kind: CourseKind = Field(examples=["skill_improvement"])
    kind_title: str = Field(examples=["职业技能提升"])
    skill: str | None = Field(examples=["短视频制作"])
    fee_yuan: float = Field(examples=[0])
    subsidised: bool = Field(examples=[False])
    online_url: str | None = Field(examples=["https://example.invalid/course"])
    next_starts_at: datetime | None = Field(
        description="下一场直播;无则为 null · The next session", examples=["2026-11-24T19:00:00+08:00"]
    )


class Accuracy(BaseModel):
    """What the uncertainty of the position does to the answer, by questions from points around it."""

    accuracy_m: float = Field(description="真实位置至多偏离这么远 · The true position is within", examples=[65.0])
    first_may_change: bool = Field(description="第一个站点可能不同 · Could change what comes first", examples=[True])
    could_be: list[str | None] = Field(
        description="可能排第一的站点,按所给位置者在前;null 为附近没有 · What could come first, null for none",
        examples=[["YC440106-001", "YC440106-007"]],
    )
    walk_seconds: tuple[int, int] | None = Field(
        description="到第一个站点的步行秒数,最短与最长 · Shortest and longest walk to the first", examples=[[380, 460]]
    )
    sampled: int = Field(description="问了多少个点 · Points that were asked from", examples=[37])
    spacing_m: float = Field(description="点间距离 · Their spacing", examples=[21.7])


class CrsHint(BaseModel):
    """The coordinates make more sense in another system."""

    crs: Crs = Field(examples=["gcj02"])
    message: str


class NearestStations(BaseModel):
    """Stations on foot, in the order asked for."""

    crs: str = Field(description="返回坐标的坐标系 · Coordinate system of the answer", examples=["gcj02"])
    day: date = Field(description="按此日是否开放筛选 · Serving the public on that day", examples=["2026-11-24"])
    at: datetime = Field(description="出发时刻 · When one leaves", examples=["2026-11-24T18:05:00+08:00"])
    order: Order = Field(examples=["walk"])
    hits: list[NearestHit] = Field(description="可能为空,见 message · May be empty, see message")
    beyond: NearestHit | None = Field(
        description="hits 为空时,更远处最近的一个 · The nearest one farther away, when hits is empty", examples=[None]
    )
    nearby: list[NearbyStation] = Field(
        description="附近没有已知街道(江海之中、邻市)时,直线最近的站点 · Nearest in a straight line, for positions "
        "that no street is known near",
        examples=[[]],
    )
    online: list[OnlineCourse] = Field(
        description="hits 为空时,符合条件的线上课程 · Online courses that fit, when hits is empty", examples=[[]]
    )
    message: str | None = Field(
        description="要告诉用户的话,多数时候为 null · What to tell the reader; mostly null", examples=[None]
    )
    hint: CrsHint | None = Field(description="坐标系可能写错 · The system may be wrong", examples=[None])
    accuracy: Accuracy | None = Field(
        description="给出 accuracy_m 或 cell 时 · Where accuracy_m or cell is given", examples=[None]
    )
    inside_area: bool = Field(description="位置在已载入的区划之内 · Inside the areas that are loaded", examples=[True])
    searched_m: float = Field(description="步行至多多少米都已找过 · Complete up to this walk", examples=[4800.0])
    snap: Snap | None = Field(description="附近没有已知街道时为 null · null where no street is known nearby")
    profile: Profile
    data_notice: Notice | None = NoticeField
