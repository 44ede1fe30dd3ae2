"""Runs as they are looked at: what was computed, from what, by what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.errors import ErrorItem, NotFound
from app.models import CoverageAreaResult, CoverageRun, Dataset
from app.models.vocabularies import AreaLevel, DatasetKind
from app.repositories import areas as area_repo
from app.repositories import runs as repo
from app.services.dataset_reads import DataNotice, NoticeSource, notice_of


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
    """A run with its figures by area (by code), how many cells it has, its datasets, and what to say of them."""

    run: CoverageRun
    areas: list[CoverageAreaResult]
    cells: int
    datasets: list[RunDataset]
    notice: DataNotice | None


def list_runs(session: Session, *, before: tuple[datetime, str] | None, limit: int) -> list[CoverageRun]:
    """Runs, newest first, from the one before ``before`` (its moment and id) back."""
    return repo.list_runs(session, before=before, limit=limit)


def runs_state(session: Session) -> str:
    """Names the state of the list of runs."""
    newest = repo.newest_run(session)
    return "none" if newest is None else f"{newest[0].isoformat()} {newest[1]}"


def get_run(session: Session, run_id: str, field: str = "id") -> CoverageRun:
    """One run, whose id came as ``field``. Raises NotFound."""
    run = repo.get_run(session, run_id)
    if run is None:
        item = ErrorItem(
            field, "没有这次运行", "no such run", value=run_id,
            remedy_zh="已保存的运行见 /v1/coverage/runs;覆盖数字的 run_id 只有保存后才在其中",
            remedy_en="those kept are at /v1/coverage/runs; the run_id of figures is there once they were kept",
        )  # fmt: skip
        raise NotFound(f"没有编号为 {run_id} 的运行。", f"There is no run {run_id}.", errors=[item])
    return run


def view_run(session: Session, run: CoverageRun) -> RunView:
    """A run with all that is told of it."""
    datasets = _datasets_of(session, [run])
    areas, cells = repo.area_results(session, run.id), repo.count_cells(session, run.id)
    return RunView(run, areas, cells, datasets, _notice(session, [run], datasets))


def notice_of_runs(session: Session, runs: Sequence[CoverageRun]) -> DataNotice | None:
    """What to say beside several runs."""
    return _notice(session, runs, _datasets_of(session, runs))


def _datasets_of(session: Session, runs: Sequence[CoverageRun]) -> list[RunDataset]:
    """Every dataset that any of the runs names, once."""
    named: dict[tuple[int, str], dict[str, Any]] = {
        (one["id"], one["sha256"]): one for run in runs for one in run.inputs["datasets"]
    }
    held = repo.datasets_of(session, sorted({number for number, _ in named}))
    found = []
    for (number, sha256), one in named.items():
        dataset = held.get(number)
        if dataset is not None and dataset.sha256 != sha256:
            dataset = None
        found.append(RunDataset(number, one["kind"], one["name"], sha256, dataset))
    return found


def _notice(session: Session, runs: Sequence[CoverageRun], datasets: list[RunDataset]) -> DataNotice | None:
    inexact = area_repo.datasets_with_inexact_outlines(session)
    was_synthetic = any(run.synthetic for run in runs)  # said of what is no longer there, to be on the safe side
    return notice_of(
        [
            NoticeSource(
                one.id, DatasetKind(one.kind), AreaLevel(one.held.level) if one.held and one.held.level else None,
                one.name, one.held.synthetic if one.held else was_synthetic, one.id in inexact,
            )
            for one in datasets
        ]
    )  # fmt: skip
