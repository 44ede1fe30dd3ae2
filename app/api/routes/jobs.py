"""Long work: how far it is, what came of it, and calling it off. Started by the calls that it is for."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import JSON, personal
from app.api.deps import LanguageDep, SessionDep
from app.api.described import answers, problems
from app.api.identity import ActorDep
from app.api.job_answers import RETRY_AFTER, told
from app.api.paging import link_to_next, next_cursor, read_cursor
from app.api.parameters import PLAIN_TEXT, CursorQuery
from app.api.schemas.jobs import EXAMPLE_ID, JobList, JobOut
from app.errors import ErrorItem, InvalidInput
from app.models.vocabularies import JobState
from app.services.jobs import cancel_job, get_job, list_jobs

router = APIRouter(prefix="/jobs", tags=["jobs"])
MAX_NUMBER = 2**63 - 1
Id = Annotated[UUID, Path(description="任务编号 · The job's id", examples=[EXAMPLE_ID])]


@router.get(
    "",
    operation_id="listJobs",
    summary="我的任务 · My jobs",
    response_model=JobList,
    responses={**answers("一页任务 · A page"), **problems(401)},
)
def get_jobs(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    state: Annotated[JobState | None, Query(description="状态 · State", examples=["running"])] = None,
    kind: Annotated[
        str | None,
        Query(min_length=1, max_length=64, pattern=PLAIN_TEXT, description="种类 · Kind", examples=["coverage_run"]),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="每页条数 · Rows per page", examples=[50])] = 50,
    cursor: CursorQuery = None,
) -> Response:
    """自己启动的任务,新的在前;管理员看到所有人的 · Newest first; administrators see everybody's."""
    before = _before(read_cursor(request, cursor))
    rows = list_jobs(session, actor, state=state, kind=kind, before=before, limit=limit + 1)
    following = next_cursor(request, str(rows[limit - 1].number)) if len(rows) > limit else None
    body = JobList(next_cursor=following, jobs=[JobOut.of(row, language) for row in rows[:limit]])
    answer = personal(request, body)
    answer.headers.update(link_to_next(request, following))
    return answer


@router.get(
    "/{id}",
    operation_id="getJob",
    summary="一项任务 · One job",
    response_model=JobOut,
    responses={
        200: {"description": "任务 · The job", "content": {JSON: {}}, "headers": RETRY_AFTER},
        **problems(401, 404),
    },
)
def get_one_job(request: Request, session: SessionDep, actor: ActorDep, id: Id) -> Response:
    """未结束时按 `Retry-After` 再问;失败的任务也是 200,原因在 `problem`。

    Ask again after `Retry-After` until it is over. A job that failed is a 200, too: why is in `problem`.
    """
    return told(request, get_job(session, actor, id))


@router.post(
    "/{id}/cancel",
    operation_id="cancelJob",
    summary="取消任务 · Cancel a job",
    response_model=JobOut,
    responses={
        200: {"description": "任务 · The job", "content": {JSON: {}}, "headers": RETRY_AFTER},
        **problems(400, 401, 403, 404, 409, 413),
    },
)
def cancel_one_job(request: Request, session: SessionDep, actor: ActorDep, id: Id) -> Response:
    """排队的立即取消;运行中的一两秒内停下(此前 `state` 仍为 `running`,恰好完成的则为 `done`)。
    再次取消没有影响;已完成或已失败的为 409 `job_finished`。

    A queued one is cancelled at once. A running one stops within a second or two: until then it is `running`, and
    `done` if it just made it. Cancelled again it stays cancelled; one that is done or failed is 409 `job_finished`.
    """
    return told(request, cancel_job(session, actor, id))


def _before(text: str | None) -> int | None:
    if text is None:
        return None
    if text.isascii() and text.isdigit() and 0 < int(text) <= MAX_NUMBER:
        return int(text)
    item = ErrorItem("cursor", "无法识别", "is not one of this list", value=text)
    raise InvalidInput("翻页游标无法使用。", "The cursor cannot be used.", errors=[item])
