"""Search in questions and answers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.api.parameters import PLAIN_TEXT
from app.api.schemas.common import Notice, NoticeField, StationSummary
from app.api.schemas.nearest import LAT_TEXT, LNG_TEXT, OpenLocation
from app.api.schemas.sessions import OfferedCourse
from app.geo.crs import Crs
from app.geo.opening_hours import OpenState
from app.services.search import MAX_HITS

LONGEST = 100
QUESTION = (
    "要找的内容:站点、地址、课程、技能、人群、形式;中文一个字起,也可用全拼或首字母;空格隔开的词都须符合 · "
    "A name, address, course, skill, group or form; one character is enough, pinyin and initials will do; all words "
    "have to fit"
)


class SearchKind(StrEnum):
    STATION = "station"
    COURSE = "course"
    SKILL = "skill"


class ReadAs(StrEnum):
    """How a question was understood."""

    EXACT = "exact"
    PINYIN = "pinyin"
    INITIALS = "initials"
    FUZZY = "fuzzy"
    NONE = "none"


class SearchAsked(BaseModel):
    """All that is asked but where one is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    q: str = Field(
        min_length=1, max_length=LONGEST, pattern=PLAIN_TEXT, description=QUESTION, examples=["天河 电工 夜校"]
    )
    crs: str | None = Field(
        default=None, examples=["gcj02"], json_schema_extra={"enum": [*(crs.value for crs in Crs), None]},
        description="lng、lat 与回答的坐标系,有 lng、lat 时必填;默认 wgs84 · The system of lng, lat and of the answer, "
        "required with lng and lat; wgs84 by default",
    )  # fmt: skip
    kinds: list[SearchKind] = Field(
        default=[], max_length=3, examples=[[]], description="只要这几类,可重复;默认全部 · These only; all by default"
    )
    limit: int = Field(
        default=10, ge=1, le=MAX_HITS, description="每类至多几个 · At most so many of each", examples=[5]
    )


class SearchParameters(SearchAsked):
    """The question in an address."""

    lng: float | None = Field(default=None, description=LNG_TEXT, examples=[113.2644])
    lat: float | None = Field(default=None, description=LAT_TEXT, examples=[23.1291])


class SearchQuestion(SearchAsked):
    """The same as a JSON body: the position stays out of addresses."""

    lng: Annotated[float, Field(strict=True)] | None = Field(default=None, description=LNG_TEXT, examples=[113.2644])
    lat: Annotated[float, Field(strict=True)] | None = Field(default=None, description=LAT_TEXT, examples=[23.1291])


class MatchedText(BaseModel):
    """By what it was found."""

    field: str = Field(
        description="name、code、town、district、address、host_kind、type;或所开课程的 title、skill、"
        "industry、kind、form、group、cost · A field of the station, or of a course that it teaches",
        examples=["skill"],
    )  # fmt: skip
    text: str = Field(examples=["电工"])


class HoursState(BaseModel):
    """Open now? 现在是否开放"""

    state: OpenState = Field(examples=["open"])
    until: datetime | None = Field(
        description="下一次变化 · The next change that is known", examples=["2026-11-24T21:00:00+08:00"]
    )


class StationMatch(BaseModel):
    """A station that was found."""

    station: StationSummary
    matched: list[MatchedText]
    walk_minutes: float | None = Field(
        description="步行分钟;没有给位置,或超过 60 分钟时为 null · Without a position, or beyond an hour: null",
        examples=[7.4],
    )
    straight_m: float | None = Field(description="直线距离,米 · Metres as the crow flies", examples=[431.0])
    hours: HoursState
    open_location: OpenLocation


class ComingSession(BaseModel):
    """The next session of a course. 下一场"""

    id: int = Field(examples=[4711])
    starts_at: datetime = Field(examples=["2026-11-26T19:00:00+08:00"])
    ends_at: datetime = Field(examples=["2026-11-26T21:00:00+08:00"])
    teacher: str | None = Field(examples=["示范讲师"])
    seats: int | None = Field(description="名额;不限则为 null · null without a limit", examples=[30])
    seats_left: int | None = Field(description="余位,几秒前的 · As of some seconds ago", examples=[12])


class CourseMatch(OfferedCourse):
    """A course that was found."""

    next_session: ComingSession | None
    walk_minutes: float | None = Field(
        description="到站点的步行分钟;线上课程为 null · To its station; null for online courses", examples=[7.4]
    )


class SkillMatch(BaseModel):
    """A skill, and how many courses of how many stations teach it."""

    skill: str = Field(examples=["电工"])
    courses: int = Field(examples=[42])
    stations: int = Field(examples=[31])


class SearchAnswer(BaseModel):
    """What was found, the best first: texts that fit better, then the nearer, open and sooner ones."""

    q: str = Field(examples=["天河 电工 夜校"])
    read_as: ReadAs = Field(
        description="exact 原样;pinyin 全拼或同音字;initials 首字母;fuzzy 相近;none 没有找到 · exact: as written; "
        "pinyin, or characters that sound alike; initials; fuzzy: near in spelling; none: nothing was found",
        examples=["exact"],
    )  # fmt: skip
    understood: str | None = Field(
        description="理解成了什么;原样理解时为 null · What it was taken for; null for what was written", examples=[None]
    )
    crs: Crs = Field(description="站点坐标的坐标系 · Of the stations' coordinates", examples=["gcj02"])
    stations: list[StationMatch]
    courses: list[CourseMatch]
    skills: list[SkillMatch]
    suggestions: list[str] = Field(
        description="没有找到时,写法相近的 · Where nothing was found: near in spelling", examples=[[]]
    )
    message: str | None = Field(examples=[None])
    data_notice: Notice | None = NoticeField


class SuggestedText(BaseModel):
    """A text to search for."""

    text: str = Field(examples=["电工"])
    kind: str = Field(description="station、course、skill、address", examples=["skill"])
    code: str | None = Field(description="站点代码 · The station's code", examples=[None])


class SuggestionList(BaseModel):
    """What the question may become."""

    q: str = Field(examples=["dg"])
    suggestions: list[SuggestedText]
