"""Coverage runs: figures kept with what they were computed from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.errors import Conflict
from app.geo.coverage import METHOD_VERSION
from app.models import CoverageAreaResult, CoverageRun
from app.models.vocabularies import AreaLevel
from app.repositories import runs as run_repo
from app.services.coverage import CoverageQuery, CoverageRow, coverage_rows, run_id
from app.services.coverage_cells import CellRow, all_cell_rows
from app.services.snapshot import Snapshot
from app.services.software import software

LEVELS = (AreaLevel.CITY, AreaLevel.DISTRICT, AreaLevel.TOWN)
AREA_FIGURES = (
    "level", "name", "population", "covered", "uncovered", "off_network", "rate", "median_walk_minutes", "stations",
)  # fmt: skip
CELL_FIGURES = ("population", "covered", "uncovered", "off_network", "nearest_station", "nearest_minutes")

Step = Callable[[float, str, str], None]  # see app.services.job_kinds.Progress; may raise to break off


@dataclass(frozen=True)
class StoredRun:
    """A run and its figures by area; ``is_new`` is False when it was stored before."""

    id: str
    is_new: bool
    rows: list[CoverageRow]
    cells: int
    results_sha256: str


@dataclass(frozen=True)
class RunFigures:
    """What a run keeps: coverage by city, district and town, and by cell."""

    rows: list[CoverageRow]
    cells: list[CellRow]

    @property
    def sha256(self) -> str:
        """A hash of the figures: two runs with the same inputs have the same."""
        digest = hashlib.sha256()
        for row in self.rows:
            figures = [
                row.area.code, row.population, row.covered, row.uncovered, row.off_network, row.median_walk_minutes
            ]  # fmt: skip
            digest.update(json.dumps([*figures, row.stations]).encode())
        for cell in self.cells:
            digest.update(
                json.dumps([cell.cell, cell.covered, cell.uncovered, cell.off_network, cell.nearest_station]).encode()
            )
        return digest.hexdigest()

    def by_area(self) -> dict[str, dict[str, Any]]:
        """AREA_FIGURES by area code, as they are kept."""
        return {
            r.area.code: {
                "level": r.area.level.value, "name": r.area.name, "population": r.population, "covered": r.covered,
                "uncovered": r.uncovered, "off_network": r.off_network, "rate": r.rate,
                "median_walk_minutes": r.median_walk_minutes, "stations": r.stations,
            }
            for r in self.rows
        }  # fmt: skip

    def by_cell(self) -> dict[int, tuple[Any, ...]]:
        """CELL_FIGURES by cell, as they are kept."""
        return {c.cell: tuple(getattr(c, name) for name in CELL_FIGURES) for c in self.cells}


def no_step(share: float, message_zh: str, message_en: str) -> None:
    """Nobody wants to know."""


def run_figures(snapshot: Snapshot, query: CoverageQuery, step: Step = no_step) -> RunFigures:
    """Compute what a run keeps. Raises NotReady without people or areas, and whatever ``step`` raises."""
    snapshot.frontage  # noqa: B018  # raises before anything is computed
    step(0.1, "按区划计算", "by area")
    rows = coverage_rows(snapshot, query, [area for area in snapshot.areas.areas if area.level in LEVELS])
    step(0.4, "按格网计算", "by cell")
    return RunFigures(rows, list(all_cell_rows(snapshot, query)))


def store_run(session: Session, snapshot: Snapshot, query: CoverageQuery, step: Step = no_step) -> StoredRun:
    """Compute coverage by city, district, town and cell, and keep it; the same inputs give the same run.

    Raises NotReady without people or areas; Conflict when a run of that id holds other figures, which would mean that
    the method changed without its version.
    """
    figures = run_figures(snapshot, query, step)
    run, digest, cells = run_id(snapshot, query), figures.sha256, len(figures.cells)
    known = run_repo.get_run(session, run)
    if known is not None:
        if known.results_sha256 != digest:
            raise Conflict(
                f"运行 {run} 的结果与已保存的不一致(方法已变而版本号未变?)。",
                f"Run {run} gives other figures than those stored: did the method change without its version?",
            )
        return StoredRun(run, False, figures.rows, cells, digest)
    step(0.8, "保存", "being kept")
    run_repo.add_run(
        session,
        CoverageRun(
            id=run, method_version=METHOD_VERSION, minutes=query.minutes, profile=query.profile.name,
            parameters=query.parameters(snapshot), inputs=_inputs(snapshot),
            synthetic=any(d.synthetic for d in snapshot.stations.datasets), results_sha256=digest,
            known_at=query.known_at, software=software(session),
        ),
        [CoverageAreaResult(run_id=run, area_code=code, **held) for code, held in figures.by_area().items()],
        [(run, cell, *held) for cell, held in figures.by_cell().items()],
    )  # fmt: skip
    return StoredRun(run, True, figures.rows, cells, digest)


def _inputs(snapshot: Snapshot) -> dict[str, Any]:
    """Content hashes by layer, and the datasets with the hashes of their files."""
    alternatives = {source.dataset_id for source in snapshot.city.alternatives}  # they shape no figure of a run
    used = [d for d in snapshot.stations.datasets if d.id not in alternatives]
    datasets = [{"id": d.id, "kind": d.kind, "name": d.name, "sha256": d.sha256} for d in used]
    return {"layers": snapshot.inputs, "datasets": datasets}
