"""Where the next stations go. Computed in threads of their own number: a few at once, a few more may wait."""

from __future__ import annotations

from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import personal
from app.api.deps import LanguageDep, snapshot_then
from app.api.described import answers, problems
from app.api.language import Language
from app.api.method import method_json
from app.api.schemas.siting import SitingAnswerOut, SitingQuestionIn
from app.api.schemas.stations import COORDINATE_DECIMALS
from app.api.summaries import snapshot_notice
from app.errors import CoordinateInvalid, ErrorItem, TooManyRequests
from app.geo.crs import Crs, from_wgs84
from app.services.area_table import AreaInfo
from app.services.coverage import CoverageQuery
from app.services.positions import Position, position_in, read_crs
from app.services.profiles import resolve_profile
from app.services.siting import ChosenSite, SitingAnswer, site, solve_exact
from app.services.siting_question import Floor, GivenCandidate, SitingQuestion, Weight
from app.services.snapshot import Snapshot
from app.services.station_table import today

router = APIRouter(prefix="/siting", tags=["siting"])
AT_ONCE = 2  # in one worker: each takes a core
MOST_WAITING = 4
RETRY_AFTER_S = 20
PEOPLE_DECIMALS, RATE_DECIMALS = 1, 6
_turns = CapacityLimiter(AT_ONCE)


@router.post(
    "",
    operation_id="findSites",
    summary="选址:下一批站点建在哪里 · Siting: where the next stations go",
    response_model=SitingAnswerOut,
    responses={**answers("所选地点 · The chosen sites"), **problems(400, 404, 413, 429)},
)
async def find_sites(request: Request, language: LanguageDep, question: SitingQuestionIn) -> Response:
    """从候选地点中选出新覆盖居民最多的若干个(或最公平、或达到目标的最少个数)。立即给出贪心加交换的结果与一个上界;
    `exact` 再求证最优。人数与 `/v1/coverage` 同一算法:`adds` 与 `lost_without` 就是两次覆盖之差。条件互相冲突时为
    `rules_conflict`,指明是哪几条。

    The candidates that newly cover most residents (or are fairest, or as few as reach a rate), at once by greedy and
    exchanges with a bound that tells how far from the best that may be; `exact` goes on to the proven best. People are
    counted as in `/v1/coverage`: `adds` and `lost_without` are differences of coverage, and are fractions because
    people are spread along streets. Rules that cannot hold together are `rules_conflict`, which tells which ones.
    """
    if _turns.statistics().tasks_waiting >= MOST_WAITING:
        raise TooManyRequests(
            "正在计算的选址太多。", "Too many sitings are being computed.", retry_after_s=RETRY_AFTER_S
        )
    return await to_thread.run_sync(_found, request, language, question, limiter=_turns)


def _found(request: Request, language: Language, question: SitingQuestionIn) -> Response:
    crs, asked = _asked(question)
    snapshot = snapshot_then(request, asked.coverage.day, asked.coverage.known_at)
    if question.exact:
        answer = solve_exact(snapshot, asked, time_limit_s=question.time_limit_s)
    else:
        answer = site(snapshot, asked)
    return personal(request, siting_body(snapshot, asked, answer, crs, language))


def _asked(question: SitingQuestionIn) -> tuple[Crs, SitingQuestion]:
    """The service's question, and the system of coordinates. Raises InvalidInput, CrsRequired, CoordinateInvalid."""
    crs = Crs.WGS84 if question.candidates is None and question.crs is None else read_crs(question.crs)
    types = tuple(sorted({one.value for one in question.station_type}))
    coverage = CoverageQuery(
        resolve_profile(question.profile, question.speed_kmh), question.as_of or today(), question.minutes, types,
        question.known_at,
    )  # fmt: skip
    given = None
    if question.candidates is not None:
        given = tuple(
            GivenCandidate(one.id, one.name, _position(k, one.lng, one.lat, crs))
            for k, one in enumerate(question.candidates)
        )
    return crs, SitingQuestion(
        coverage=coverage, count=question.count, objective=question.objective, target_rate=question.target_rate,
        stages=tuple(question.stages), candidates=given, candidate_spacing_m=question.candidate_spacing_m,
        most_candidates=question.most_candidates, within=question.within, forced=tuple(question.forced),
        forbidden=tuple(question.forbidden), spacing_m=question.spacing_m,
        station_spacing_m=question.station_spacing_m,
        floors=tuple(Floor(one.area, one.sites, one.rate) for one in question.floors),
        weights=tuple(Weight(one.area, one.weight) for one in question.weights), robustness=question.robustness,
    )  # fmt: skip


def _position(k: int, lng: float, lat: float, crs: Crs) -> Position:
    try:
        return position_in(lng, lat, crs)
    except CoordinateInvalid as fault:
        items = [
            ErrorItem(
                f"candidates[{k}].{item.field}", item.message_zh, item.message_en, item.value, item.remedy_zh,
                item.remedy_en,
            )
            for item in fault.errors
        ]  # fmt: skip
        raise CoordinateInvalid(fault.message_zh, fault.message_en, errors=items) from None


def siting_body(
    snapshot: Snapshot, asked: SitingQuestion, answer: SitingAnswer, crs: Crs, language: Language
) -> dict[str, Any]:
    """See ``schemas.siting.SitingAnswerOut``."""
    proven, told = answer.proven, answer.robustness
    lng, lat = from_wgs84([s.lng for s in answer.chosen], [s.lat for s in answer.chosen], crs)
    times = [None] * len(answer.chosen) if told is None else told.chosen_in
    return {
        **method_json(answer.run_id, asked.coverage, snapshot),
        "coverage_run_id": answer.coverage_run_id,
        "objective": asked.objective,
        "crs": crs.value,
        "candidates": answer.candidates,
        "sites": [
            _site(k + 1, *parts)
            for k, parts in enumerate(zip(answer.chosen, lng.tolist(), lat.tolist(), times, strict=True))
        ],
        "gained": round(answer.gained, PEOPLE_DECIMALS),
        "proof": proven.proof,
        "value": round(proven.value, PEOPLE_DECIMALS),
        "bound": None if proven.bound is None else round(proven.bound, PEOPLE_DECIMALS),
        "gap": None if proven.gap is None else round(proven.gap, RATE_DECIMALS),
        "at_least": proven.at_least,
        "lowest_rate": None if proven.lowest is None else round(proven.lowest, RATE_DECIMALS),
        "lowest_rate_bound": None if proven.lowest_bound is None else round(proven.lowest_bound, RATE_DECIMALS),
        "areas": [
            {
                "code": one.area.code, "name": one.area.name, "level": one.area.level, "population": one.population,
                "covered_before": one.covered_before, "covered_after": one.covered_after,
                "gained": one.covered_after - one.covered_before, "rate_before": one.rate_before,
                "rate_after": one.rate_after, "sites": one.sites,
            }
            for one in answer.areas
        ],
        "stages": [
            {
                "stage": one.stage, "sites": one.sites, "gained": round(one.gained, PEOPLE_DECIMALS),
                "bound": None if one.bound is None else round(one.bound, PEOPLE_DECIMALS),
            }
            for one in answer.stages
        ],
        "robustness": None if told is None else {"scenarios": [vars(one) for one in told.scenarios]},
        "inputs": snapshot.inputs,
        "data_notice": snapshot_notice(snapshot, language, known_at=asked.coverage.known_at),
    }  # fmt: skip


def _site(rank: int, site: ChosenSite, lng: float, lat: float, chosen_in: int | None) -> dict[str, Any]:
    return {
        "rank": rank, "id": site.id, "name": site.name, "lng": round(lng, COORDINATE_DECIMALS),
        "lat": round(lat, COORDINATE_DECIMALS), "snap_m": site.snap_m, "district": _area(site.district),
        "town": _area(site.town), "adds": round(site.adds, PEOPLE_DECIMALS),
        "lost_without": round(site.lost_without, PEOPLE_DECIMALS), "forced": site.is_forced, "stage": site.stage,
        "chosen_in": chosen_in,
    }  # fmt: skip


def _area(area: AreaInfo | None) -> dict[str, str] | None:
    return None if area is None else {"code": area.code, "name": area.name}
