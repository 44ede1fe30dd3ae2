"""What a call answers that has started a job, or tells of one. For every route that starts one."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import JSON, personal
from app.api.described import Responses, problems
from app.api.language import language_of
from app.api.schemas.jobs import JobOut
from app.models.vocabularies import JobState
from app.repositories.jobs import JobRow

POLL_SECONDS = {JobState.QUEUED: 2, JobState.RUNNING: 1}  # after which asking again is worth while
RETRY_AFTER = {
    "Retry-After": {
        "description": "几秒后再问;已结束则没有 · Seconds until asking again; not when it is over",
        "schema": {"type": "integer"}, "required": False,
    }
}  # fmt: skip
LOCATION = {
    "Location": {"description": "任务的地址 · Where the job is", "schema": {"type": "string"}, "required": True}
}

# ``responses=`` of a call that starts a job
STARTED: Responses = {
    202: {
        "description": "已排队 · Queued: ask at Location how far it is", "content": {JSON: {}},
        "headers": {**LOCATION, **RETRY_AFTER},
    },
    **problems(400, 401, 403, 409, 413, 429),
}  # fmt: skip


def told(request: Request, row: JobRow, status: int = 200) -> Response:
    """The job as it is; while it is not over, with ``Retry-After``."""
    answer = personal(request, JobOut.of(row, language_of(request)), status=status)
    seconds = POLL_SECONDS.get(JobState(row.state))
    if seconds is not None:
        answer.headers["Retry-After"] = str(seconds)
    return answer


def started(request: Request, row: JobRow) -> Response:
    """202: the job that was queued; see ``placed``."""
    return told(request, row, 202)


def placed(answer: Response) -> Response:
    """``started``, new or kept for an idempotency key, with the ``Location`` of its job."""
    answer.headers["Location"] = f"/v1/jobs/{orjson.loads(answer.body)['id']}"
    answer.headers.setdefault("Retry-After", str(POLL_SECONDS[JobState.QUEUED]))
    return answer
