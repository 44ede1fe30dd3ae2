"""Long work in answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from app.api.language import Language
from app.api.problems import ProblemItem
from app.models.vocabularies import JobState
from app.repositories.jobs import JobRow
from app.services.job_registry import KINDS

EXAMPLE_ID = "3f0c8a52-6f0e-4d0b-9a57-1d6e0f5f2c11"


class JobProblem(BaseModel):
    """Why a job failed: RFC 9457, as the answer to a request would tell it."""

    type: str = Field(examples=["/problems/not_ready"])
    title: str = Field(examples=["服务尚未就绪"])
    status: int = Field(examples=[503])
    detail: str = Field(examples=["覆盖分析需要区划和人口数据。"])
    instance: str = Field(examples=[f"/v1/jobs/{EXAMPLE_ID}"])
    code: str = Field(description="稳定的错误代码 · Stable code", examples=["not_ready"])
    errors: list[ProblemItem] = Field(examples=[[]])

    @classmethod
    def of(cls, row: JobRow, language: Language) -> JobProblem | None:
        held = row.problem
        if held is None:
            return None
        return cls(
            type=f"/problems/{held['code']}", title=language.pick(*held["title"]), status=held["status"],
            detail=language.pick(*held["detail"]), instance=path_of(row), code=held["code"],
            errors=[
                ProblemItem(
                    field=one["field"], value=one["value"], message=language.pick(*one["message"]),
                    remedy=one["remedy"][0 if language is Language.ZH else 1],
                )
                for one in held["errors"]
            ],
        )  # fmt: skip


class JobOut(BaseModel):
    """A job: how far it is, and what came of it. 任务"""

    id: UUID = Field(description="无法猜到的编号 · An id that cannot be guessed", examples=[EXAMPLE_ID])
    kind: str = Field(examples=["coverage_run"])
    kind_title: str = Field(examples=["覆盖运行"])
    state: JobState = Field(
        description="done、failed、cancelled 之后不再变 · The last three are final", examples=["running"]
    )
    state_title: str = Field(examples=["运行中"])
    progress: float = Field(description="0 到 1 · From 0 to 1", examples=[0.4])
    message: str | None = Field(description="正在做什么 · What is being done", examples=["按格网计算"])
    ahead: int | None = Field(
        description="排在前面、尚未结束的任务数;仅排队时有 · Jobs before it that are not over; while it is queued",
        examples=[None],
    )
    parameters: dict[str, Any] = Field(description="所问 · What was asked for", examples=[{"minutes": 15.0}])
    asked_by: str = Field(description="用户名 · User name", examples=["tianhe"])
    asked_at: datetime = Field(examples=["2026-11-25T02:00:00Z"])
    started_at: datetime | None = Field(
        description="最近一次开始 · When it was last begun", examples=["2026-11-25T02:00:01Z"]
    )
    cancel_asked_at: datetime | None = Field(examples=[None])
    finished_at: datetime | None = Field(examples=[None])
    attempts: int = Field(
        description="开始过几次:运行它的进程中断后会重新开始 · How often it was begun: again after a worker's death",
        examples=[1],
    )
    result: dict[str, Any] | None = Field(description="完成后的结果 · What came of it", examples=[None])
    result_path: str | None = Field(
        description="结果所在的地址 · Where the result can be looked at",
        examples=["/v1/coverage/runs/3f6c1f0a9b2d4e57"],
    )
    problem: JobProblem | None = Field(description="失败的原因 · Why it failed", examples=[None])

    @classmethod
    def of(cls, row: JobRow, language: Language) -> JobOut:
        kind, state = KINDS.get(row.kind), JobState(row.state)
        message = None
        if row.message_zh is not None and row.message_en is not None and not row.finished_at:
            message = language.pick(row.message_zh, row.message_en)
        return cls(
            id=row.id, kind=row.kind, kind_title=language.pick(kind.title_zh, kind.title_en) if kind else row.kind,
            state=state, state_title=language.pick(state.title_zh, state.title_en), progress=round(row.progress, 4),
            message=message, ahead=row.ahead if state is JobState.QUEUED else None, parameters=row.parameters,
            asked_by=row.asked_by, asked_at=row.asked_at, started_at=row.started_at,
            cancel_asked_at=row.cancel_asked_at, finished_at=row.finished_at, attempts=row.attempts,
            result=row.result, result_path=kind.link(row.result) if kind and row.result is not None else None,
            problem=JobProblem.of(row, language),
        )  # fmt: skip


class JobList(BaseModel):
    """A page, newest first."""

    next_cursor: str | None = Field(examples=[None])
    jobs: list[JobOut]


def path_of(row: JobRow) -> str:
    return f"/v1/jobs/{row.id}"
