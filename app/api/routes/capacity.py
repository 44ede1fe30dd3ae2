"""Seats against people: the two-step floating catchment, by area and by station."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import cacheable
from app.api.caching import Freshness
from app.api.deps import LanguageDep, snapshot_then
from app.api.described import NOT_MODIFIED, answers, problems
from app.api.method import MethodQuery, method_json
from app.api.parameters import Within
from app.api.schemas.capacity import CapacityTable
from app.api.summaries import snapshot_notice
from app.geo.floating_catchment import ZONE_WEIGHTS
from app.models.vocabularies import AreaLevel
from app.services.capacity import capacity

router = APIRouter(prefix="/coverage", tags=["coverage"])


@router.get(
    "/capacity",
    operation_id="getCapacity",
    summary="座位与居民 · Seats against people",
    response_model=CapacityTable,
    responses={**answers("座位与居民 · Seats against people"), **NOT_MODIFIED, **problems(404)},
)
def get_capacity(
    request: Request,
    language: LanguageDep,
    method: MethodQuery,
    level: Annotated[AreaLevel, Query(description="级别 · Level", examples=["district"])] = AreaLevel.DISTRICT,
    within: Within = None,
) -> Response:
    """两步移动搜寻法(E2SFCA,Luo 与 Qi,2009):每个站点的座位由步行到得了的居民分享,近者权重高;每位居民得到各站份额之和。
    座位守恒:全部居民所得之和等于有人到得了的站点的座位之和。

    The enhanced two-step floating catchment (Luo & Qi 2009): a station's seats are shared by all who can walk to it,
    those near counting more, and every resident has the sum of the shares. Seats are conserved.
    """
    snapshot = snapshot_then(request, method.day, method.known_at)
    freshness = Freshness.of(request, f"{snapshot.version} {method.day}")
    if freshness.is_held:
        return freshness.not_modified()
    answer, areas = capacity(snapshot, method, level, within), snapshot.areas
    body = {
        **method_json(answer.run_id, method, snapshot),
        "level": level.value, "within": within, "zone_minutes": answer.zone_minutes,
        "zone_weights": list(ZONE_WEIGHTS),
        "rows": [
            {"code": row.area.code, "name": row.area.name} | {k: v for k, v in vars(row).items() if k != "area"}
            for row in answer.rows
        ],
        "stations": [
            {
                "code": one.station.code, "name": one.station.name,
                "areas": [{"code": code, "name": areas.get(code).name} for code in one.area_codes],
                "seats": one.seats, "weighted_people": one.weighted_people, "seats_per_1000": one.seats_per_1000,
            }
            for one in answer.stations
        ],
        "data_notice": snapshot_notice(snapshot, language, known_at=method.known_at),
    }  # fmt: skip
    return cacheable(body, freshness)
