"""Coverage runs and their results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import CoverageAreaResult, CoverageRun
from app.repositories.bulk import copy_in

CELL_COLUMNS = (
    "run_id", "cell", "population", "covered", "uncovered", "off_network", "nearest_station", "nearest_minutes",
)  # fmt: skip


def get_run(session: Session, run_id: str) -> CoverageRun | None:
    return session.get(CoverageRun, run_id)


def list_runs(session: Session, *, limit: int = 100) -> list[CoverageRun]:
    """Runs, newest first."""
    return list(session.scalars(select(CoverageRun).order_by(CoverageRun.created_at.desc()).limit(limit)))


def area_results(session: Session, run_id: str) -> list[CoverageAreaResult]:
    """The figures of a run by area code."""
    query = select(CoverageAreaResult).where(CoverageAreaResult.run_id == run_id)
    return list(session.scalars(query.order_by(CoverageAreaResult.area_code)))


def add_run(
    session: Session, run: CoverageRun, areas: Sequence[CoverageAreaResult], cells: Sequence[tuple[Any, ...]]
) -> None:
    """Write a run with its results by area and by cell."""
    session.add(run)
    session.flush()
    session.add_all(areas)
    session.flush()
    copy_in(session, "coverage_cell_results", CELL_COLUMNS, cells)
