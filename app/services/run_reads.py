"""Runs as they are looked at: what was computed, from what, by what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.errors import ErrorItem, NotFound
from app.models import CoverageAreaResult, CoverageRun, Dataset
from app.repositories import runs as repo


@dataclass(frozen=True)
class RunDataset:
    """A dataset that a run was computed from; ``held`` is None when it was dropped since."""

    id: int
    kind: str
    name: str
    sha256: str
    held: Dataset | None


@dataclass(frozen=True)
class RunView:
    """A run with its figures by area (by code), how many cells it has, and its datasets."""

    run: CoverageRun
    areas: list[CoverageAreaResult]
    cells: int
    datasets: list[RunDataset]


def list_runs(session: Session, *, before: tuple[datetime, str] | None, limit: int) -> list[CoverageRun]:
    """Runs, newest first, from the one before ``before`` (its moment and id) back."""
    return repo.list_runs(session, before=before, limit=limit)


def runs_state(session: Session) -> str:
    """Names the state of the list of runs."""
    newest = repo.newest_run(session)
    return "none" if newest is None else f"{newest[0].isoformat()} {newest[1]}"


def get_run(session: Session, run_id: str) -> CoverageRun:
    """One run. Raises NotFound."""
    run = repo.get_run(session, run_id)
    if run is None:
        item = ErrorItem(
            "id", "没有这次运行", "no such run", value=run_id,
            remedy_zh="已保存的运行见 /v1/coverage/runs;覆盖数字的 run_id 只有保存后才在其中",
            remedy_en="those kept are at /v1/coverage/runs; the run_id of figures is there once they were kept",
        )  # fmt: skip
        raise NotFound(f"没有编号为 {run_id} 的运行。", f"There is no run {run_id}.", errors=[item])
    return run


def view_run(session: Session, run: CoverageRun) -> RunView:
    """A run with all that is told of it."""
    named: list[dict[str, Any]] = run.inputs["datasets"]
    held = repo.datasets_of(session, [one["id"] for one in named])
    datasets = [
        RunDataset(
            one["id"], one["kind"], one["name"], one["sha256"],
            found if (found := held.get(one["id"])) is not None and found.sha256 == one["sha256"] else None,
        )
        for one in named
    ]  # fmt: skip
    return RunView(run, repo.area_results(session, run.id), repo.count_cells(session, run.id), datasets)
