"""What changed in coverage between two days, and because of which station."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import cacheable
from app.api.caching import Freshness
from app.api.deps import LanguageDep, SessionDep, resources_of, snapshot_of, snapshot_then
from app.api.described import NOT_MODIFIED, answers, problems
from app.api.method import Minutes, ProfileQuery, SpeedQuery, StationTypes, profile_json
from app.api.parameters import PLAIN_TEXT, KnownAt, Within, WrittenDay
from app.api.routes.coverage_runs import Id as RunId
from app.api.scenario_answers import figures_json
from app.api.schemas.changes import CoverageChanges, RunChanges
from app.api.schemas.common import Notice
from app.api.summaries import snapshot_notice
from app.errors import ErrorItem, InvalidInput
from app.geo.coverage import METHOD_VERSION
from app.geo.opening_hours import TIME_ZONE
from app.models.vocabularies import AreaLevel
from app.services.changes import StationChange, coverage_changes
from app.services.coverage import CoverageQuery
from app.services.profiles import resolve_profile
from app.services.run_changes import changes_of_runs
from app.services.run_reads import get_run, notice_of_runs
from app.services.snapshot import Snapshot
from app.services.snapshot_at import imported_since
from app.services.station_table import today

router = APIRouter(prefix="/coverage", tags=["coverage"])


@router.get(
    "/changes",
    operation_id="getCoverageChanges",
    summary="两日之间覆盖的变化及其原因 · What changed between two days, and why",
    response_model=CoverageChanges,
    responses={**answers("变化 · The changes"), **NOT_MODIFIED, **problems(404)},
)
def get_coverage_changes(
    request: Request,
    language: LanguageDep,
    from_day: Annotated[
        WrittenDay, Query(alias="from", description="前一日 · The earlier day", examples=["2025-12-31"])
    ],
    to_day: Annotated[
        WrittenDay | None,
        Query(alias="to", description="后一日,默认今天 · The later day; today by default", examples=["2026-11-24"]),
    ] = None,
    minutes: Minutes = 15.0,
    profile: ProfileQuery = "adult",
    speed_kmh: SpeedQuery = None,
    known_at: KnownAt = None,
    station_type: StationTypes = [],  # noqa: B006
    level: Annotated[AreaLevel, Query(description="级别 · Level", examples=["district"])] = AreaLevel.DISTRICT,
    within: Within = None,
) -> Response:
    """多覆盖或少覆盖了多少居民,逐个站点说明:新覆盖的人计给后来离他最近的站点,不再覆盖的计给原先最近的站点;与先后顺序无关,
    全部相加恰为总差。街道、人口、界线两日都用现有的。

    How many people more or fewer, station by station: who came to be covered is credited to the station nearest later,
    who ceased to be to the one that was nearest before. No order matters, and all add up to the difference exactly.
    Streets, people and boundaries are those of now on both days.
    """
    later = to_day or today()
    if later < from_day:
        raise _backwards(from_day.isoformat(), later.isoformat())
    types = tuple(sorted({one.value for one in station_type}))
    query = CoverageQuery(resolve_profile(profile, speed_kmh), later, minutes, types, known_at)
    earlier = replace(query, day=from_day)
    after, before = (snapshot_then(request, one.day, known_at) for one in (query, earlier))
    freshness = Freshness.of(request, f"{before.version} {after.version} {from_day} {later}")
    if freshness.is_held:
        return freshness.not_modified()
    answer = coverage_changes((before, earlier), (after, query), level, within)
    body = {
        "from_run_id": answer.run_ids[0], "to_run_id": answer.run_ids[1], "from_day": from_day, "to_day": later,
        "minutes": minutes, "profile": profile_json(query.profile), "station_types": list(types),
        "known_at": known_at, "method_version": METHOD_VERSION,
        "imported_since": imported_since(after, datetime.combine(from_day, time.max, TIME_ZONE)),
        "level": level.value, "within": within, "total": figures_json(answer),
        "rows": [{"code": row.area.code, "name": row.area.name, **figures_json(row)} for row in answer.rows],
        "stations": [_station(after, one) for one in answer.stations],
        "data_notice": snapshot_notice(after, language, known_at=known_at),
    }  # fmt: skip
    return cacheable(body, freshness)


@router.get(
    "/runs/{id}/changes",
    operation_id="getRunChanges",
    summary="与另一次运行相比的变化 · What changed since another run",
    response_model=RunChanges,
    responses={**answers("变化 · The changes"), **NOT_MODIFIED, **problems(404)},
)
def get_run_changes(
    request: Request,
    session: SessionDep,
    language: LanguageDep,
    id: RunId,
    since: Annotated[
        str,
        Query(
            min_length=1, max_length=64, pattern=PLAIN_TEXT, description="较早的运行 · The earlier run",
            examples=["3f6c1f0a9b2d4e57"],
        ),
    ],
    level: Annotated[AreaLevel, Query(description="级别 · Level", examples=["district"])] = AreaLevel.DISTRICT,
) -> Response:  # fmt: skip
    """两次运行所保存的数字之差,分为站点所致与数据或方法所致,恒相加为总差;`causes` 指明哪些数据、参数不同。

    The difference of the figures that were kept, parted into what the stations did and what came with other data or
    method; both add up exactly, and `causes` names what differs.
    """
    later, earlier = get_run(session, id), get_run(session, since, field="since")
    held = snapshot_of(request)
    freshness = Freshness.of(request, f"{held.version} {earlier.id} {later.id}")
    if freshness.is_held:
        return freshness.not_modified()
    found = changes_of_runs(resources_of(request).reading, session, held, earlier, later, level)
    body = {
        "from_run_id": earlier.id, "to_run_id": later.id, "level": level.value, "causes": vars(found.causes),
        "rows": [
            {**vars(row), "difference": row.difference, "by_data_or_method": row.by_data_or_method}
            for row in found.rows
        ],
        "stations": [_station(held, one) for one in found.stations],
        "data_notice": Notice.of(notice_of_runs(session, [earlier, later]), language),
    }  # fmt: skip
    return cacheable(body, freshness)


def _station(snapshot: Snapshot, one: StationChange) -> dict[str, Any]:
    """See ``schemas.changes.StationChanged``."""
    return {
        "kind": one.kind.value, "code": one.station.code, "name": one.station.name,
        "areas": [{"code": code, "name": snapshot.areas.get(code).name} for code in one.area_codes],
        "gained": one.gained, "lost": one.lost, "net": one.gained - one.lost,
    }  # fmt: skip


def _backwards(earlier: str, later: str) -> InvalidInput:
    item = ErrorItem(
        "to", f"早于 from({earlier})", f"is before from ({earlier})", value=later,
        remedy_zh="把两日对调", remedy_en="exchange the two days",
    )  # fmt: skip
    return InvalidInput("日期的先后反了。", "The days are the wrong way round.", errors=[item])
