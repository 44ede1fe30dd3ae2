"""Where the next stations go. Computed in threads of their own number: a few at once, a few more may wait."""

from __future__ import annotations

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import encode, personal
from app.api.deps import LanguageDep, SessionDep, resources_of, snapshot_then
from app.api.described import answers, problems
from app.api.idempotency import IdempotencyKey, once
from app.api.identity import ActorDep
from app.api.job_answers import STARTED, placed, started
from app.api.language import Language
from app.api.method import method_json
from app.api.schemas.jobs import JobOut
from app.api.schemas.siting import SitingAnswerOut, SitingJobIn, SitingQuestionIn
from app.api.summaries import snapshot_notice
from app.errors import CoordinateInvalid, ErrorItem, TooManyRequests
from app.geo.crs import Crs
from app.services.coverage import CoverageQuery
from app.services.jobs import start_job
from app.services.moments import check_known_at
from app.services.positions import Position, position_in, read_crs
from app.services.profiles import resolve_profile
from app.services.siting import site, solve_exact
from app.services.siting_job import SITING, SitingParameters
from app.services.siting_question import Floor, GivenCandidate, SitingQuestion, Weight
from app.services.siting_told import siting_facts
from app.services.station_table import today
from app.settings import job_settings

router = APIRouter(prefix="/siting", tags=["siting"])
AT_ONCE = 2  # in one worker: each takes a core
MOST_WAITING = 4
RETRY_AFTER_S = 20
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


@router.post(
    "/jobs",
    operation_id="startSiting",
    summary="选址:求证最优,作为任务 · The proven best, as a job",
    response_model=JobOut,
    status_code=202,
    responses=STARTED,
)
def start_siting(
    request: Request, session: SessionDep, actor: ActorDep, asked: SitingJobIn, key: IdempotencyKey = None
) -> Response:
    """需要镇街经办或更高的角色。所问与 `POST /v1/siting` 相同,时限可到十分钟;任务在 `Location`,可随时取消,
    完成后 `result` 就是选址的回答。

    For town officers and higher. Asked as `POST /v1/siting`, with up to ten minutes; the job is at `Location`, can be
    cancelled, and its `result` is the answer.
    """
    crs, question = _asked(asked)
    check_known_at(resources_of(request).engine, question.coverage.known_at)

    def make() -> Response:
        parameters = SitingParameters(question=question, crs=crs, time_limit_s=asked.time_limit_s)
        return started(request, start_job(session, actor, SITING, parameters, job_settings()))

    return placed(once(request, session, actor, key, encode(asked), make))


def _found(request: Request, language: Language, question: SitingQuestionIn) -> Response:
    crs, asked = _asked(question)
    snapshot = snapshot_then(request, asked.coverage.day, asked.coverage.known_at)
    if question.exact:
        answer = solve_exact(snapshot, asked, time_limit_s=question.time_limit_s)
    else:
        answer = site(snapshot, asked)
    body = {
        **method_json(answer.run_id, asked.coverage, snapshot),
        **siting_facts(asked, answer, crs),
        "inputs": snapshot.inputs,
        "data_notice": snapshot_notice(snapshot, language, known_at=asked.coverage.known_at),
    }
    return personal(request, body)


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
