"""Scenarios: what is asked, and coverage before and after."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from app.api.method import PROFILE_TEXT, SPEED_TEXT, ProfileName
from app.api.parameters import PLAIN_TEXT, WrittenDay
from app.api.schemas.common import AreaRef, Notice, NoticeField
from app.api.schemas.coverage import OFF_NETWORK, RATE, Method
from app.api.schemas.ledger_stations import LINES
from app.api.schemas.nearest import MeantMoment
from app.api.schemas.targets import MAX_ID
from app.geo.crs import Crs
from app.models.vocabularies import AreaLevel, StationType
from app.services.profiles import MAX_SPEED_KMH, MIN_SPEED_KMH
from app.services.saved_scenarios import Sharing
from app.services.scenario_changes import ChangeKind

MAX_CHANGES = 500
KIND_TEXT = (
    "add 新增、move 迁移、close 撤销、hours 改开放时间 · What happens: a station is added, moved, closed, or open at "
    "other hours"
)
CODE_TEXT = "被迁移、撤销或改时间的站点 · The station that is moved, closed, or open at other hours"
HOURS_TEXT = (
    "新的开放时间(OpenStreetMap opening_hours 写法);只在写有 open_at 时有影响 · In the form of opening hours; "
    "they matter with open_at alone"
)


class ScenarioChange(BaseModel):
    """One change. add 须有 lng、lat;move 须有 code、lng、lat;close 须有 code;hours 须有 code、opening_hours。"""

    model_config = ConfigDict(extra="forbid")

    kind: ChangeKind = Field(description=KIND_TEXT, examples=["add"])
    code: str | None = Field(
        default=None, min_length=1, max_length=64, pattern=PLAIN_TEXT, description=CODE_TEXT, examples=[None]
    )
    name: str | None = Field(
        default=None, min_length=1, max_length=100, pattern=PLAIN_TEXT, examples=["车陂街道站"],
        description="新站点的名称,照原样返回 · The name of a new station, echoed",
    )  # fmt: skip
    type: StationType | None = Field(
        default=None, description="新站点的类型,默认社区型 · Of a new station; community by default",
        examples=["community"],
    )  # fmt: skip
    lng: float | None = Field(
        default=None, allow_inf_nan=False, description="新位置 · The new place", examples=[113.3925]
    )
    lat: float | None = Field(
        default=None, allow_inf_nan=False, description="新位置 · The new place", examples=[23.1241]
    )
    opening_hours: str | None = Field(
        default=None, min_length=1, max_length=500, pattern=PLAIN_TEXT, description=HOURS_TEXT, examples=[None]
    )


class ScenarioQuestion(BaseModel):
    """The changes, and what coverage is asked for."""

    model_config = ConfigDict(extra="forbid")

    crs: str | None = Field(
        default=None, examples=["gcj02"], json_schema_extra={"enum": [*(crs.value for crs in Crs), None]},
        description="changes 中 lng、lat 的坐标系,有 lng、lat 时必填 · The system of lng and lat, required with them",
    )  # fmt: skip
    changes: list[ScenarioChange] = Field(
        min_length=1, max_length=MAX_CHANGES,
        description="一起发生的改变,顺序无关 · They happen together; their order does not matter",
    )  # fmt: skip
    minutes: float = Field(
        default=15.0, gt=0, le=60, allow_inf_nan=False, description="步行分钟数,含此值 · Minutes, inclusive",
        examples=[15],
    )  # fmt: skip
    profile: ProfileName = Field(default="adult", description=PROFILE_TEXT, examples=["adult"])
    speed_kmh: float | None = Field(
        default=None, ge=MIN_SPEED_KMH, le=MAX_SPEED_KMH, allow_inf_nan=False, description=SPEED_TEXT, examples=[None]
    )
    as_of: WrittenDay | None = Field(
        default=None, examples=[None],
        description="从当日的站点出发;默认今天 · Starting from the stations of that day; today by default",
    )  # fmt: skip
    open_at: MeantMoment | None = Field(
        default=None, examples=[None],
        description="只计此刻开放的站点(夜间、周末的覆盖);默认不问开放时间 · Count only stations open at that moment; "
        "by default hours are not looked at",
    )  # fmt: skip
    station_type: list[StationType] = Field(
        default=[], max_length=20, description="只计这些类型 · Of these types only", examples=[[]]
    )
    level: AreaLevel = Field(
        default=AreaLevel.DISTRICT, description="按哪一级区划 · By which areas", examples=["district"]
    )
    within: str | None = Field(
        default=None, min_length=1, max_length=32, pattern=PLAIN_TEXT, examples=[None],
        description="只要此区划之内的 · Only inside this area",
    )  # fmt: skip


class ScenarioState(BaseModel):
    """An area before, or after."""

    covered: int = Field(description="步行到站点在 minutes 以内的居民 · Residents within the walk", examples=[96000])
    rate: float | None = Field(description=RATE, examples=[0.813559])
    stations: int = Field(description="其中计入的站点数 · Stations that count", examples=[3])


class ScenarioFigures(BaseModel):
    """``after.covered - before.covered = gained - lost``, always."""

    population: int = Field(description="居民 · Residents", examples=[118000])
    off_network: int = Field(description=OFF_NETWORK, examples=[500])
    before: ScenarioState
    after: ScenarioState
    gained: int = Field(description="新覆盖的居民 · Residents who come to be covered", examples=[5200])
    lost: int = Field(description="不再覆盖的居民 · Residents who no longer are", examples=[0])


class ScenarioRow(ScenarioFigures):
    """One area."""

    code: str = Field(examples=["440106"])
    name: str = Field(examples=["天河区"])


class ScenarioChangeResult(BaseModel):
    """What one change does. 新覆盖的人计给改变后离他最近的站点,不再覆盖的人计给改变前最近的站点:全部相加即总数。"""

    kind: ChangeKind = Field(examples=["add"])
    code: str | None = Field(examples=[None])
    name: str | None = Field(examples=["车陂街道站"])
    type: StationType | None = Field(examples=["community"])
    lng: float | None = Field(description="照原样返回 · As it came", examples=[113.3925])
    lat: float | None = Field(examples=[23.1241])
    opening_hours: str | None = Field(examples=[None])
    gained: int = Field(
        description="因它新覆盖的居民:改变后离他们最近的是它 · Covered because of it: it is the nearest to them after",
        examples=[5200],
    )
    lost: int = Field(
        description="因它不再覆盖的居民:改变前离他们最近的是它 · No longer covered because of it: it was the nearest",
        examples=[0],
    )
    net: int = Field(description="gained - lost", examples=[5200])
    areas: list[AreaRef] = Field(
        description="新位置所在的区划,由大到小 · What the new place lies in, the largest first"
    )
    snap_m: float | None = Field(description="新位置到街道,米 · Metres to the street", examples=[12.3])


class ScenarioAnswer(Method):
    """Coverage before and after; ``run_id`` names the coverage before."""

    crs: Crs | None = Field(examples=["gcj02"])
    open_at: MeantMoment | None = Field(examples=[None])
    level: AreaLevel = Field(examples=["district"])
    within: str | None = Field(examples=[None])
    total: ScenarioFigures
    rows: list[ScenarioRow]
    changes: list[ScenarioChangeResult] = Field(description="与所问的顺序相同 · In the order of the question")
    data_notice: Notice | None = NoticeField


class ScenarioAsked(BaseModel):
    """A scenario to be kept."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100, pattern=PLAIN_TEXT, examples=["2027 年新增三站"])
    note: str | None = Field(default=None, max_length=2000, pattern=LINES, examples=["与区人社局商定的备选"])
    shared: Sharing = Field(
        default=Sharing.PRIVATE, examples=["office"],
        description="private 只有自己;office 所有登录者可看;link 另有凭链接可看 · Nobody else; all who sign in; "
        "they and whoever has the link",
    )  # fmt: skip
    question: ScenarioQuestion


class ScenarioChanged(ScenarioAsked):
    """A scenario as it shall be, and the version that was read."""

    version: int = Field(ge=1, le=MAX_ID, examples=[1])


class SavedScenario(BaseModel):
    """A scenario that is kept; its figures are computed anew whenever they are asked for."""

    id: int = Field(examples=[7])
    name: str = Field(examples=["2027 年新增三站"])
    note: str | None = Field(examples=[None])
    owner: str = Field(description="主人的用户名 · The owner's user name", examples=["planner"])
    shared: Sharing = Field(examples=["office"])
    link: str | None = Field(
        description="shared 为 link 时:不登录也能看的地址 · Where it is seen without a sign-in, when shared by link",
        examples=[None],
    )
    question: ScenarioQuestion
    version: int = Field(examples=[1])
    created_at: datetime = Field(examples=["2026-11-25T02:00:00Z"])
    updated_at: datetime = Field(examples=["2026-11-25T02:00:00Z"])


class ScenarioList(BaseModel):
    """A page, the newest first."""

    next_cursor: str | None = Field(examples=[None])
    scenarios: list[SavedScenario]


class ScenarioWithAnswer(BaseModel):
    """A scenario and what it comes to now."""

    scenario: SavedScenario
    answer: ScenarioAnswer


class ComparedScenario(ScenarioFigures):
    """One scenario, in all areas together."""

    id: int = Field(examples=[7])
    name: str = Field(examples=["2027 年新增三站"])
    changes: int = Field(description="改变的项数 · How many changes", examples=[3])


class ComparedState(ScenarioState):
    """An area after one scenario."""

    id: int = Field(description="方案编号 · The scenario", examples=[7])
    net: int = Field(description="covered 与现状之差 · Against now", examples=[5200])


class ComparedRow(BaseModel):
    """One area in all scenarios, in the order of the question."""

    code: str = Field(examples=["440106"])
    name: str = Field(examples=["天河区"])
    population: int = Field(examples=[118000])
    before: ScenarioState
    after: list[ComparedState]


class ScenarioComparison(Method):
    """Scenarios side by side, each from the same coverage; ``run_id`` names it."""

    open_at: MeantMoment | None = Field(examples=[None])
    level: AreaLevel = Field(examples=["district"])
    within: str | None = Field(examples=[None])
    scenarios: list[ComparedScenario]
    rows: list[ComparedRow]
    data_notice: Notice | None = NoticeField
