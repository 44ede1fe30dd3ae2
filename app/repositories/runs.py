"""Coverage runs and their results."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text, tuple_
from sqlalchemy.orm import Session

from app.models import CoverageAreaResult, CoverageCellResult, CoverageRun, Dataset
from app.repositories.bulk import copy_in

CELL_COLUMNS = (
    "run_id", "cell", "population", "covered", "uncovered", "off_network", "nearest_station", "nearest_minutes",
)  # fmt: skip


def get_run(session: Session, run_id: str) -> CoverageRun | None:
    return session.get(CoverageRun, run_id)


def list_runs(session: Session, *, before: tuple[datetime, str] | None = None, limit: int = 100) -> list[CoverageRun]:
    """Runs, newest first, from the one before ``before`` (its moment and id) back."""
    query = select(CoverageRun).order_by(CoverageRun.created_at.desc(), CoverageRun.id.desc()).limit(limit)
    if before is not None:
        query = query.where(tuple_(CoverageRun.created_at, CoverageRun.id) < tuple_(*before))
    return list(session.scalars(query))


def newest_run(session: Session) -> tuple[datetime, str] | None:
    """Moment and id of the newest run; runs are only ever added."""
    query = select(CoverageRun.created_at, CoverageRun.id)
    row = session.execute(query.order_by(CoverageRun.created_at.desc(), CoverageRun.id.desc()).limit(1)).one_or_none()
    return None if row is None else (row.created_at, row.id)


def area_results(session: Session, run_id: str) -> list[CoverageAreaResult]:
    """The figures of a run by area code."""
    query = select(CoverageAreaResult).where(CoverageAreaResult.run_id == run_id)
    return list(session.scalars(query.order_by(CoverageAreaResult.area_code)))


def cell_results(session: Session, run_id: str) -> dict[int, tuple[Any, ...]]:
    """By cell what CELL_COLUMNS say of it, without run and cell."""
    columns = [getattr(CoverageCellResult, name) for name in CELL_COLUMNS[1:]]
    rows = session.execute(select(*columns).where(CoverageCellResult.run_id == run_id))
    return {row[0]: tuple(row[1:]) for row in rows}


def count_cells(session: Session, run_id: str) -> int:
    """How many cells a run has figures of."""
    return session.scalar(select(func.count()).where(CoverageCellResult.run_id == run_id)) or 0


def datasets_of(session: Session, ids: Sequence[int]) -> dict[int, Dataset]:
    """Datasets by id, current or not; those that were dropped are missing."""
    return {dataset.id: dataset for dataset in session.scalars(select(Dataset).where(Dataset.id.in_(ids)))}


def server_versions(session: Session) -> dict[str, str]:
    """Versions of PostgreSQL and PostGIS."""
    row = session.execute(text("SELECT current_setting('server_version'), postgis_lib_version()")).one()
    return {"postgresql": row[0].split()[0], "postgis": row[1]}


def add_run(
    session: Session, run: CoverageRun, areas: Sequence[CoverageAreaResult], cells: Sequence[tuple[Any, ...]]
) -> None:
    """Write a run with its results by area and by cell."""
    session.add(run)
    session.flush()
    session.add_all(areas)
    session.flush()
    copy_in(session, "coverage_cell_results", CELL_COLUMNS, cells)
