"""Coverage runs: started as jobs, kept, and told with what they were computed from."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import cacheable, encode
from app.api.caching import Freshness
from app.api.deps import LanguageDep, SessionDep, resources_of
from app.api.described import NOT_MODIFIED, answers, problems
from app.api.idempotency import IdempotencyKey, once
from app.api.identity import ActorDep
from app.api.job_answers import STARTED, placed, started
from app.api.paging import link_to_next, moment_of_cursor, next_cursor, read_cursor
from app.api.parameters import PLAIN_TEXT, CursorQuery
from app.api.schemas.common import Notice
from app.api.schemas.jobs import JobOut
from app.api.schemas.runs import NewCoverageRun, RunList, RunOut, RunSummary
from app.errors import ErrorItem, InvalidInput
from app.services.coverage_job import COVERAGE_RUN, CoverageRunParameters
from app.services.dataset_reads import database_version
from app.services.jobs import start_job
from app.services.moments import check_known_at
from app.services.run_reads import get_run, list_runs, notice_of_runs, runs_state, view_run
from app.services.station_table import today
from app.settings import job_settings

router = APIRouter(prefix="/coverage/runs", tags=["coverage"])
Id = Annotated[
    str,
    Path(
        min_length=1, max_length=64, pattern=PLAIN_TEXT, description="运行编号 · Run id", examples=["3f6c1f0a9b2d4e57"]
    ),
]  # fmt: skip


@router.post(
    "",
    operation_id="startCoverageRun",
    summary="计算覆盖并保存为运行 · Compute coverage and keep it as a run",
    response_model=JobOut,
    status_code=202,
    responses=STARTED,
)
def start_coverage_run(
    request: Request, session: SessionDep, actor: ActorDep, asked: NewCoverageRun, key: IdempotencyKey = None
) -> Response:
    """需要镇街经办或更高的角色。立即回答 202,任务在 `Location`;完成后其 `result_path` 是这次运行。
    同样的输入与参数给出同一次运行(`is_new` 为 false)。

    For town officers and higher. Answers 202 at once; the job is at `Location`, and its `result_path`, when it is done,
    is the run. The same inputs and parameters give the same run (`is_new` is false).
    """
    check_known_at(resources_of(request).engine, asked.known_at)

    def make() -> Response:
        held = asked.model_dump() | {"as_of": asked.as_of or today()}
        parameters = CoverageRunParameters(**held)
        parameters.query()  # what cannot be computed is refused here
        return started(request, start_job(session, actor, COVERAGE_RUN, parameters, job_settings()))

    return placed(once(request, session, actor, key, encode(asked), make))


@router.get(
    "",
    operation_id="listCoverageRuns",
    summary="已保存的运行 · Runs that were kept",
    response_model=RunList,
    responses={**answers("一页运行 · A page"), **NOT_MODIFIED, **problems()},
)
def get_coverage_runs(
    request: Request,
    session: SessionDep,
    language: LanguageDep,
    limit: Annotated[int, Query(ge=1, le=200, description="每页条数 · Rows per page", examples=[50])] = 50,
    cursor: CursorQuery = None,
) -> Response:
    """新的在前 · Newest first."""
    before = _before(read_cursor(request, cursor))
    freshness = Freshness.of(request, f"{database_version(session)} {runs_state(session)}")
    if freshness.is_held:
        return freshness.not_modified()
    runs = list_runs(session, before=before, limit=limit + 1)
    last = runs[limit - 1] if len(runs) > limit else None
    following = next_cursor(request, f"{last.created_at.isoformat()} {last.id}") if last is not None else None
    notice = Notice.of(notice_of_runs(session, runs[:limit]), language)
    body = RunList(next_cursor=following, runs=[RunSummary.of(run) for run in runs[:limit]], data_notice=notice)
    return cacheable(body, freshness, headers=link_to_next(request, following))


@router.get(
    "/{id}",
    operation_id="getCoverageRun",
    summary="一次运行及其来历 · One run and what it came from",
    response_model=RunOut,
    responses={**answers("运行 · The run"), **NOT_MODIFIED, **problems(404)},
)
def get_coverage_run(request: Request, session: SessionDep, language: LanguageDep, id: Id) -> Response:
    """输入与其校验和、数据集、参数、方法与软件版本、各区划的数字。`./skillsmap coverage verify` 重新计算并逐行核对。

    Inputs with their hashes, datasets, parameters, versions of method and software, and the figures by area.
    `./skillsmap coverage verify` computes it again and compares every row.
    """
    run = get_run(session, id)
    freshness = Freshness.of(request, f"{database_version(session)} {run.id} {run.results_sha256}")
    if freshness.is_held:
        return freshness.not_modified()
    return cacheable(RunOut.told(view_run(session, run), language), freshness)


def _before(text: str | None) -> tuple[datetime, str] | None:
    if text is None:
        return None
    moment, _, run_id = text.partition(" ")
    try:
        return moment_of_cursor(moment), run_id
    except ValueError:
        pass
    item = ErrorItem("cursor", "无法识别", "is not one of this list", value=text)
    raise InvalidInput("翻页游标无法使用。", "The cursor cannot be used.", errors=[item])
