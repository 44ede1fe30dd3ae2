"""``skillsmap jobs work``: the process that long work is done in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.runtime import home_folder, say

if TYPE_CHECKING:
    from app.services.job_kinds import JobKind

NICE = 10  # residents' questions come first

jobs_app = typer.Typer(no_args_is_help=True, help="任务:耗时的计算 · Jobs: long work.")


@jobs_app.callback()
def jobs() -> None:
    """任务:耗时的计算 · Jobs: long work."""


@jobs_app.command("work")
def work(
    once: Annotated[bool, typer.Option("--once", help="做完排队的就结束 · End when the queue is empty.")] = False,
    parent: Annotated[int | None, typer.Option("--parent", hidden=True)] = None,
) -> None:
    """运行任务(`up` 与 `serve` 自带一个)· Work on jobs; `up` and `serve` bring one such process of their own."""
    from app.db.processes import die_with_parent

    if parent is not None:
        die_with_parent(parent)
    from app.api import logs
    from app.db.engine import make_engine, usable_role
    from app.db.open import open_database
    from app.services.job_worker import Worker, world_of
    from app.settings import home_settings, job_settings, service_settings

    home_folder()
    logs.configure(service_settings().log_level)
    os.nice(NICE)
    with open_database(notify=say) as url:
        role = usable_role(url)
        engine = make_engine(url, role=role)
        try:
            Worker(
                url=url, role=role, world=world_of(engine, home_settings()), kinds=all_kinds, settings=job_settings(),
                poll_seconds=service_settings().poll_seconds, describe=logs.describe,
            ).work(once=once)  # fmt: skip
        finally:
            engine.dispose()


def all_kinds() -> Mapping[str, JobKind[Any]]:
    """Loaded with the first job, and all that computes with them."""
    from app.services.job_registry import KINDS

    return KINDS
