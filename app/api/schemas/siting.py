"""Siting: the question as a body, and the answer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.api.method import PROFILE_TEXT, SPEED_TEXT, ProfileName
from app.api.parameters import PLAIN_TEXT, WrittenDay, WrittenMoment
from app.api.schemas.common import AreaRef, LatField, LngField, Notice, NoticeField
from app.api.schemas.coverage import Method
from app.geo.crs import Crs
from app.geo.siting_exact import Proof
from app.models.vocabularies import AreaLevel, StationType
from app.services.profiles import MAX_SPEED_KMH, MIN_SPEED_KMH
from app.services.siting_job import MAX_JOB_S
from app.services.siting_question import (
    DEFAULT_CANDIDATES,
    DEFAULT_SPACING_M,
    MAX_CANDIDATES,
    MAX_SITES,
    MAX_TIME_LIMIT_S,
    Objective,
)

MAX_SPACING_M = 20_000
Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=PLAIN_TEXT)]
STRICT = ConfigDict(extra="forbid", frozen=True)


class CandidateIn(BaseModel):
    """A place that is proposed; its coordinates are in ``crs``."""

    model_config = STRICT

    id: Code = Field(description="本次请求内的编号 · An id within this request", examples=["A1"])
    name: str | None = Field(
        default=None, min_length=1, max_length=200, pattern=PLAIN_TEXT, description="名称 · Name", examples=["文化站"]
    )
    lng: float = Field(
        description="经度(度),属于 crs · Longitude in degrees, in crs", examples=[113.3312], allow_inf_nan=False
    )
    lat: float = Field(
        description="纬度(度),属于 crs · Latitude in degrees, in crs", examples=[23.1379], allow_inf_nan=False
    )


class FloorIn(BaseModel):
    """A district's due: either ``sites`` or ``rate``."""

    model_config = STRICT

    area: Code = Field(description="区代码 · A district", examples=["440117"])
    sites: int | None = Field(
        default=None,
        ge=1,
        le=MAX_SITES,
        description="其中至少选这么多个 · At least so many of the chosen",
        examples=[2],
    )
    rate: float | None = Field(
        default=None, gt=0, le=1, allow_inf_nan=False, examples=[None],
        description="新旧站点合计的覆盖率至少这么高 · At least this rate, new and old stations together",
    )  # fmt: skip


class WeightIn(BaseModel):
    """People of an area count so many times."""

    model_config = STRICT

    area: Code = Field(description="区划代码,市、区或镇街 · Any area", examples=["440117"])
    weight: float = Field(
        ge=0, le=1000, allow_inf_nan=False, examples=[2.0],
        description="权重,未写的为 1;相套的区划以最小的为准 · 1 where none is given; the smallest area says",
    )  # fmt: skip


class SitingQuestionIn(BaseModel):
    """How many stations, from which candidates, under which rules."""

    model_config = STRICT

    count: int | None = Field(
        default=None, ge=1, le=MAX_SITES, description="新建几个;objective=fewest 时不写 · How many", examples=[5]
    )
    stages: list[Annotated[int, Field(ge=1, le=MAX_SITES)]] = Field(
        default=[], max_length=20, examples=[[]],
        description="各年新建个数;前一年的都在后一年之内 · How many year by year; later years keep the earlier sites",
    )  # fmt: skip
    objective: Objective = Field(
        default=Objective.PEOPLE, examples=["people"],
        description="people 新覆盖的人最多;fairest 各区最低的覆盖率最高,其次总人数;fewest 以最少个数达到 target_rate · "
        "Most people; the highest lowest rate of the districts, then people; fewest sites that reach target_rate",
    )  # fmt: skip
    target_rate: float | None = Field(
        default=None, gt=0, le=1, allow_inf_nan=False, examples=[None],
        description="要达到的全部居民的覆盖率 · The rate of all residents to reach, with objective fewest",
    )  # fmt: skip
    exact: bool = Field(
        default=False, examples=[False],
        description="求证最优解,至多 time_limit_s 秒 · Go on to the proven best, for at most time_limit_s",
    )  # fmt: skip
    time_limit_s: float = Field(
        default=10.0, gt=0, le=MAX_TIME_LIMIT_S, allow_inf_nan=False, description="秒 · Seconds", examples=[10.0]
    )
    candidates: list[CandidateIn] | None = Field(
        default=None, min_length=1, max_length=MAX_CANDIDATES, examples=[None],
        description="候选地点;不写则取周围未覆盖居民最多的路口 · "
        "Places; without any, crossings with most uncovered people around",
    )  # fmt: skip
    crs: str | None = Field(
        default=None, examples=["gcj02"], json_schema_extra={"enum": [*(crs.value for crs in Crs), None]},
        description="候选地点与回答的坐标系;有 candidates 时必填,否则默认 wgs84 · "
        "Of candidates and answer; required with candidates, else wgs84",
    )  # fmt: skip
    most_candidates: int = Field(
        default=DEFAULT_CANDIDATES, ge=1, le=MAX_CANDIDATES, examples=[500],
        description="自动生成至多几个候选地点 · Generate at most so many",
    )  # fmt: skip
    candidate_spacing_m: float = Field(
        default=DEFAULT_SPACING_M, ge=0, le=MAX_SPACING_M, allow_inf_nan=False, examples=[300],
        description="自动生成的候选地点之间的直线米数 · Straight metres between generated candidates",
    )  # fmt: skip
    within: Code | None = Field(
        default=None, description="只在此区划内生成候选地点 · Generate candidates only here", examples=["440106"]
    )
    forced: list[Code] = Field(
        default=[], max_length=MAX_SITES, description="必选候选地点的 id · Ids that have to be chosen", examples=[[]]
    )
    forbidden: list[Code] = Field(
        default=[], max_length=MAX_CANDIDATES, description="禁选的 id · Ids that may not be", examples=[[]]
    )
    spacing_m: float = Field(
        default=0.0, ge=0, le=MAX_SPACING_M, allow_inf_nan=False, examples=[800],
        description="新建站点之间至少的直线米数 · At least so many straight metres between new stations",
    )  # fmt: skip
    station_spacing_m: float = Field(
        default=0.0, ge=0, le=MAX_SPACING_M, allow_inf_nan=False, examples=[500],
        description="离现有站点至少的直线米数 · At least so many straight metres from existing stations",
    )  # fmt: skip
    floors: list[FloorIn] = Field(
        default=[], max_length=50, description="各区的下限 · Floors by district", examples=[[]]
    )
    weights: list[WeightIn] = Field(default=[], max_length=500, description="各区划的权重 · Weights", examples=[[]])
    robustness: bool = Field(
        default=False, examples=[False],
        description="步行速度、分钟数、人口来源变化时各地点入选几次 · How often each is chosen when speed, minutes or "
        "population are otherwise",
    )  # fmt: skip
    minutes: float = Field(
        default=15.0,
        gt=0,
        le=60,
        allow_inf_nan=False,
        description="步行分钟数,含此值 · Minutes, inclusive",
        examples=[15],
    )
    profile: ProfileName = Field(default="adult", description=PROFILE_TEXT, examples=["adult"])
    speed_kmh: float | None = Field(
        default=None, ge=MIN_SPEED_KMH, le=MAX_SPEED_KMH, allow_inf_nan=False, description=SPEED_TEXT, examples=[None]
    )
    as_of: WrittenDay | None = Field(
        default=None, description="计入当日开放的站点;默认今天 · Stations open on that day", examples=[None]
    )
    known_at: WrittenMoment | None = Field(
        default=None, description="当时所知;默认现在 · As was known at that moment", examples=[None]
    )
    station_type: list[StationType] = Field(
        default=[], max_length=20, description="现有站点只计这些类型 · Existing stations of these types", examples=[[]]
    )


class SitingJobIn(SitingQuestionIn):
    """The same, with more time. 作为任务时,时限可更长"""

    exact: Literal[True] = Field(default=True, description="总是求证最优解 · Always", examples=[True])
    time_limit_s: float = Field(
        default=60.0, gt=0, le=MAX_JOB_S, allow_inf_nan=False, description="求证至多几秒 · At most so many seconds",
        examples=[60],
    )  # fmt: skip


class ChosenSiteOut(BaseModel):
    """A chosen site; they come in the order of what each adds."""

    rank: int = Field(examples=[1])
    id: str = Field(examples=["node-134360"])
    name: str | None = Field(description="候选地点或街道的名称 · Of the candidate or its street", examples=["天河路"])
    lng: float = LngField
    lat: float = LatField
    snap_m: float = Field(description="到街道的距离,米 · Metres to the street", examples=[0.0])
    district: AreaRef | None
    town: AreaRef | None
    adds: float = Field(
        description="在前面的之外新覆盖的居民 · Residents newly covered beside those before", examples=[69971.1]
    )
    lost_without: float = Field(
        description="若唯独不建它,少覆盖的居民 · Residents lost if it alone is left out", examples=[65120.4]
    )
    forced: bool = Field(examples=[False])
    stage: int = Field(description="第几年 · In which year", examples=[1])
    chosen_in: int | None = Field(
        description="在 robustness.scenarios 中入选几次 · In how many of the scenarios", examples=[None]
    )


class AreaGainOut(BaseModel):
    """An area before and after, in whole people as in coverage."""

    code: str = Field(examples=["440106"])
    name: str = Field(examples=["天河区"])
    level: AreaLevel = Field(examples=["district"])
    population: int = Field(examples=[2238000])
    covered_before: int = Field(examples=[1640000])
    covered_after: int = Field(examples=[1790000])
    gained: int = Field(examples=[150000])
    rate_before: float | None = Field(examples=[0.732797])
    rate_after: float | None = Field(examples=[0.799821])
    sites: int = Field(description="选在其中的个数 · Chosen sites in it", examples=[5])


class StageOut(BaseModel):
    """The choice after a year."""

    stage: int = Field(examples=[1])
    sites: int = Field(description="累计个数 · Sites in all", examples=[20])
    gained: float = Field(description="累计新覆盖的居民 · People newly covered in all", examples=[940042.3])
    bound: float | None = Field(
        description="只看这一年、任何同样多个地点都不超过的人数;有权重时为 null · No so many sites alone exceed it",
        examples=[944136.5],
    )


class ScenarioOut(BaseModel):
    """What was otherwise."""

    speed_kmh: float = Field(examples=[4.32])
    minutes: float = Field(examples=[15])
    population: str = Field(description="人口来源 · The source", examples=["WorldPop"])
    kept_share: float | None = Field(
        description="此选择在该情形下的成效 ÷ 专为该情形所作选择的成效 · "
        "What this choice gains there, of what one made for it gains",
        examples=[0.991204],
    )


class RobustnessOut(BaseModel):
    """The question asked again, with the same candidates."""

    scenarios: list[ScenarioOut]


class SitingAnswerOut(Method):
    """The chosen sites, what they bring, and how good the choice is."""

    coverage_run_id: str = Field(
        description="建设前覆盖的 run_id · Of the coverage before", examples=["3f6c1f0a9b2d4e57"]
    )
    objective: Objective = Field(examples=["people"])
    crs: str = Field(examples=["wgs84"])
    candidates: int = Field(description="候选地点个数 · How many candidates", examples=[500])
    sites: list[ChosenSiteOut]
    gained: float = Field(description="新覆盖的居民 · Residents newly covered", examples=[1896920.6])
    proof: Proof | None = Field(
        description="optimal 已证最优;time_limit、cancelled 未及证完;null 未求证 · null: not asked for", examples=[None]
    )
    value: float = Field(description="加权的新覆盖人数 · People newly covered, weighted", examples=[1896920.6])
    bound: float | None = Field(
        description="符合条件的任何选择都不超过的值(fairest:在达到 lowest_rate 的选择之中)· No choice exceeds it "
        "(fairest: among those that reach lowest_rate); null with fewest",
        examples=[1906705.4],
    )
    gap: float | None = Field(description="(bound − value) ÷ bound", examples=[0.005132])
    at_least: int | None = Field(
        description="fewest:任何选择至少要这么多个 · Any choice needs so many", examples=[None]
    )
    lowest_rate: float | None = Field(description="fairest:各区最低的覆盖率 · The lowest rate", examples=[None])
    lowest_rate_bound: float | None = Field(
        description="fairest:任何选择都不能使它更高 · No choice raises it above", examples=[None]
    )
    areas: list[AreaGainOut] = Field(description="市,然后各区 · The city, then the districts")
    stages: list[StageOut]
    robustness: RobustnessOut | None
    inputs: dict[str, str] = Field(
        description="各层数据的内容指纹 · Content hash by layer", examples=[{"network": "9f86d081884c7d65"}]
    )
    data_notice: Notice | None = NoticeField
