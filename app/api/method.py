"""The parameters of the walking method, the same in every call: who walks how fast, how long, on which day."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Depends, Query

from app.api.parameters import KnownAt, WrittenDay
from app.geo.coverage import METHOD_VERSION
from app.models.vocabularies import StationType
from app.services.coverage import CoverageQuery
from app.services.profiles import MAX_SPEED_KMH, MIN_SPEED_KMH, WalkingProfile, resolve_profile
from app.services.snapshot import Snapshot
from app.services.snapshot_at import imported_since
from app.services.station_table import today

ProfileName = Literal["adult", "senior", "wheelchair", "gb50180"]  # those of app.services.profiles

PROFILE_TEXT = (
    "步行方式:adult 成年人 4.8 km/h、senior 老年人 3.2 km/h、wheelchair 轮椅 3.6 km/h 且不经台阶、"
    "gb50180 国标 15 分钟生活圈 1000 米 · Adult, senior, wheelchair (no steps), or the national standard's 1,000 m"
)
SPEED_TEXT = "以此速度代替步行方式的速度,公里/小时 · Another speed than the profile's, km/h"

ProfileQuery = Annotated[ProfileName, Query(description=PROFILE_TEXT, examples=["adult"])]
SpeedQuery = Annotated[
    float | None,
    Query(ge=MIN_SPEED_KMH, le=MAX_SPEED_KMH, allow_inf_nan=False, description=SPEED_TEXT, examples=[4.5]),
]


Minutes = Annotated[
    float,
    Query(
        gt=0, le=60, allow_inf_nan=False, examples=[15], description="步行分钟数,含此值 · Minutes of walking, inclusive"
    ),
]
StationTypes = Annotated[
    list[StationType],
    Query(
        max_length=20, examples=[["community", "park"]],
        description="只计这些类型的站点,可重复 · Count stations of these types only, repeatable",
    ),
]  # fmt: skip


async def method_in_query(
    minutes: Minutes = 15.0,
    profile: ProfileQuery = "adult",
    speed_kmh: SpeedQuery = None,
    as_of: Annotated[
        WrittenDay | None,
        Query(
            examples=["2026-11-24"],
            description="只计当日对外开放的站点;默认今天(北京时间)· "
            "Count the stations open to the public on that day; today in China by default",
        ),
    ] = None,
    known_at: KnownAt = None,
    station_type: StationTypes = [],  # noqa: B006
) -> CoverageQuery:
    """What coverage depends on besides the data."""
    types = tuple(sorted({one.value for one in station_type}))
    return CoverageQuery(resolve_profile(profile, speed_kmh), as_of or today(), minutes, types, known_at)


MethodQuery = Annotated[CoverageQuery, Depends(method_in_query)]


def profile_json(profile: WalkingProfile) -> dict[str, Any]:
    """The profile as every answer names it; see ``schemas.common.Profile``."""
    return {"name": profile.name, "speed_kmh": profile.speed_kmh, "step_free": profile.step_free}


def method_json(run_id: str, method: CoverageQuery, snapshot: Snapshot) -> dict[str, Any]:
    """What shaped the figures; see ``schemas.coverage.Method``."""
    return {
        "run_id": run_id,
        "minutes": method.minutes,
        "profile": profile_json(method.profile),
        "as_of": method.day,
        "known_at": method.known_at,
        "imported_since": imported_since(snapshot, method.known_at),
        "station_types": list(method.types),
        "method_version": METHOD_VERSION,
    }
