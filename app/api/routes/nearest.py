"""The stations that can be reached on foot from a position, nearest first.

Answered on the event loop where it is read from the reach table (some ten microseconds), in a thread where it takes a
search; written without models, since this is the call that every resident makes. See also ``app.api.one_tap``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import encode, personal
from app.api.deps import snapshot_of, snapshot_then
from app.api.described import answers, problems
from app.api.language import Language, language_of
from app.api.method import ProfileQuery, SpeedQuery, profile_json
from app.api.parameters import KnownAt, PositionQuery, WrittenDay
from app.api.schemas.nearest import MAX_MINUTES, NearestQuestion, NearestStations
from app.api.summaries import open_locations, snapshot_notice, station_summaries
from app.geo.crs import Crs, point_from_wgs84
from app.models.vocabularies import DatasetKind, StationType
from app.services.nearest import (
    MAX_HITS,
    NearestAnswer,
    NearestHit,
    NearestQuery,
    SnapEvidence,
    find_nearest,
    is_beyond_known,
    with_beyond,
)
from app.services.positions import Position, read_position
from app.services.profiles import WalkingProfile, resolve_profile
from app.services.snapshot import Snapshot
from app.services.station_table import today

router = APIRouter(prefix="/stations", tags=["stations"])
KINDS = (DatasetKind.STATIONS, DatasetKind.NETWORK, DatasetKind.BOUNDARIES)
SUMMARY = "步行最近的站点 · The nearest stations on foot"
RESPONSES = {**answers("最近的站点 · The nearest stations"), **problems()}


@router.get(
    "/nearest",
    operation_id="getNearestStations",
    summary=SUMMARY,
    response_model=NearestStations,
    responses=RESPONSES,
)
async def get_nearest_stations(
    request: Request,
    position: PositionQuery,
    limit: Annotated[int, Query(ge=1, le=MAX_HITS, description="至多几个 · At most so many", examples=[3])] = 5,
    max_minutes: Annotated[
        float,
        Query(
            gt=0, le=MAX_MINUTES, allow_inf_nan=False, examples=[30],
            description="步行至多几分钟,含此值 · Within so many minutes, inclusive",
        ),
    ] = 60.0,
    profile: ProfileQuery = "adult",
    speed_kmh: SpeedQuery = None,
    type: Annotated[
        list[StationType],
        Query(max_length=20, description="只要这些类型,可重复 · These types only, repeatable", examples=[["park"]]),
    ] = [],  # noqa: B006
    open_on: Annotated[
        WrittenDay | None,
        Query(
            examples=["2026-11-24"],
            description="当日对外开放;默认今天(北京时间)· Open to the public on that day; today in China by default",
        ),
    ] = None,
    known_at: KnownAt = None,
    out_crs: Annotated[
        Crs | None,
        Query(
            description="返回坐标的坐标系,默认同 crs · Coordinate system of the answer, as crs by default",
            examples=["gcj02"],
        ),
    ] = None,
) -> Response:  # fmt: skip
    """按步行时间排序,与覆盖分析用同一张到达表。附近没有站点时,`beyond` 是更远处最近的一个,`message` 是要告诉用户的话。

    By walking time, from the same table that coverage is counted with. With nothing nearby, `beyond` has the nearest
    station farther away, and `message` is what to tell the reader. Positions are neither kept nor logged; use POST to
    keep them out of addresses too.
    """
    query = NearestQuery(
        resolve_profile(profile, speed_kmh), open_on or today(), limit, max_minutes, tuple(one.value for one in type)
    )
    return await _answer(request, position, query, out_crs, known_at)


@router.post(
    "/nearest",
    operation_id="findNearestStations",
    summary=f"{SUMMARY}(位置不进入地址 · Position in the body)",
    response_model=NearestStations,
    responses={**RESPONSES, **problems(400, 413)},
)
async def find_nearest_stations(request: Request, question: NearestQuestion) -> Response:
    """与 GET 相同,参数写在 JSON 请求体里,位置不出现在地址中。

    The same as GET with its parameters in a JSON body, so that the position is not in the address.
    """
    position = read_position(question.lng, question.lat, question.crs)
    query = NearestQuery(
        resolve_profile(question.profile, question.speed_kmh), question.open_on or today(), question.limit,
        question.max_minutes, tuple(one.value for one in question.type),
    )  # fmt: skip
    return await _answer(request, position, query, question.out_crs, question.known_at)


async def _answer(
    request: Request, position: Position, query: NearestQuery, out_crs: Crs | None, known_at: datetime | None
) -> Response:
    language, crs = language_of(request), out_crs or position.crs
    snapshot = snapshot_of(request)
    if known_at is not None or not snapshot.stations.holds_on(query.day):
        snapshot = await run_in_threadpool(snapshot_then, request, query.day, known_at)
    body = light_body(snapshot, position, query, crs, language, known_at)
    if body is None:
        answer = await run_in_threadpool(find_nearest, snapshot, position, query)
        if not answer.hits:
            answer = await run_in_threadpool(with_beyond, snapshot, position, query, answer)
        body = _body(snapshot, answer, query, crs, language, known_at)
    return personal(request, body)


def light_body(
    snapshot: Snapshot, position: Position, query: NearestQuery, crs: Crs, language: Language,
    known_at: datetime | None = None,
) -> bytes | None:  # fmt: skip
    """The answer as it is sent, with coordinates in ``crs``; None where it takes a search, and so a thread.

    Raises NotWalkable.
    """
    if not query.is_light(snapshot):
        return None
    answer = find_nearest(snapshot, position, query)
    if not answer.hits:
        if not is_beyond_known(snapshot, query):
            return None
        answer = with_beyond(snapshot, position, query, answer)
    return _body(snapshot, answer, query, crs, language, known_at)


@dataclass(frozen=True)
class _Written:
    """What an answer says of stations (by code) and data, written once per snapshot, language and system."""

    stations: dict[str, tuple[orjson.Fragment, orjson.Fragment]]  # summary, argument of wx.openLocation
    notice: orjson.Fragment

    @classmethod
    def of(cls, snapshot: Snapshot, language: Language, crs: Crs) -> _Written:
        def write() -> _Written:
            notice = snapshot_notice(snapshot, language, KINDS)
            texts = zip(station_summaries(snapshot, language, crs), open_locations(snapshot), strict=True)
            return cls(
                stations=dict(zip(snapshot.stations.table.at, texts, strict=True)),
                notice=orjson.Fragment(b"null" if notice is None else encode(notice)),
            )

        return snapshot.cached(("nearest texts", language, crs), write)

    def hit(self, hit: NearestHit) -> dict[str, Any]:
        """See ``schemas.nearest.NearestHit``."""
        summary, location = self.stations[hit.station.code]
        return {
            "station": summary,
            "walk_minutes": hit.walk_minutes,
            "walk_seconds": hit.walk_seconds,
            "walk_m": hit.walk_m,
            "straight_m": hit.straight_m,
            "detour": hit.detour,
            "open_location": location,
        }


def _body(
    snapshot: Snapshot, answer: NearestAnswer, query: NearestQuery, crs: Crs, language: Language,
    known_at: datetime | None,
) -> bytes:  # fmt: skip
    """See ``NearestStations``."""
    written = _Written.of(snapshot, language, crs)
    notice = written.notice
    if known_at is not None:
        said = snapshot_notice(snapshot, language, KINDS, known_at)
        notice = orjson.Fragment(b"null" if said is None else encode(said))
    return orjson.dumps({
        "crs": crs.value,
        "day": query.day,
        "hits": [written.hit(hit) for hit in answer.hits],
        "beyond": None if answer.beyond is None else written.hit(answer.beyond),
        "message": _message(answer, query, language),
        "inside_area": answer.inside_area,
        "searched_m": answer.searched_m,
        "snap": snap_json(answer.snap, crs),
        "profile": _profile(query.profile),
        "data_notice": notice,
    })  # fmt: skip


@lru_cache(maxsize=64)
def _profile(profile: WalkingProfile) -> orjson.Fragment:
    return orjson.Fragment(encode(profile_json(profile)))


def snap_json(snap: SnapEvidence, crs: Crs) -> dict[str, Any]:
    """How a position was attached to the streets; see ``schemas.common.Snap``."""
    lng, lat = point_from_wgs84(snap.lng, snap.lat, crs)
    return {
        "snap_m": snap.snap_m,
        "edge_id": snap.edge_id,
        "component": snap.component,
        "lng": round(lng, 6),
        "lat": round(lat, 6),
    }


def _message(answer: NearestAnswer, query: NearestQuery, language: Language) -> str | None:
    """What the reader should be told in plain words; None where the hits say it all."""
    said: list[str] = []
    if not answer.inside_area:
        said.append(language.pick("该位置在已载入的区域之外。", "This position is outside the areas that are loaded."))
    if not answer.hits:
        minutes = f"{query.max_minutes:g}"
        said.append(
            language.pick(f"步行 {minutes} 分钟内没有开放的站点。", f"No open station within {minutes} minutes' walk.")
        )
        if answer.beyond is None:
            said.append(language.pick("步行也到不了更远的站点。", "None farther away can be walked to either."))
        else:
            name, far = answer.beyond.station.name, f"{answer.beyond.walk_minutes:.0f}"
            said.append(
                language.pick(
                    f"最近的是{name},步行约 {far} 分钟。", f"The nearest is {name}, about {far} minutes on foot."
                )
            )
    return language.pick("", " ").join(said) or None
