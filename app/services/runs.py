"""Coverage runs: figures kept with what they were computed from."""

from __future__ import annotations

import hashlib
import json
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

LEVELS = (AreaLevel.CITY, AreaLevel.DISTRICT, AreaLevel.TOWN)


@dataclass(frozen=True)
class StoredRun:
    """A run and its figures by area; ``is_new`` is False when it was stored before."""

    id: str
    is_new: bool
    rows: list[CoverageRow]
    cells: int
    results_sha256: str


def store_run(session: Session, snapshot: Snapshot, query: CoverageQuery) -> StoredRun:
    """Compute coverage by city, district, town and cell, and keep it; the same inputs give the same run.

    Raises NotReady without people or areas; Conflict when a run of that id holds other figures, which would mean that
    the method changed without its version.
    """
    snapshot.frontage  # noqa: B018  # raises before anything is computed
    rows = coverage_rows(snapshot, query, [area for area in snapshot.areas.areas if area.level in LEVELS])
    cells = list(all_cell_rows(snapshot, query))
    run = run_id(snapshot, query)
    digest = _digest(rows, cells)
    known = run_repo.get_run(session, run)
    if known is not None:
        if known.results_sha256 != digest:
            raise Conflict(
                f"运行 {run} 的结果与已保存的不一致(方法已变而版本号未变?)。",
                f"Run {run} gives other figures than those stored: did the method change without its version?",
            )
        return StoredRun(run, False, rows, len(cells), digest)
    run_repo.add_run(
        session,
        CoverageRun(
            id=run, method_version=METHOD_VERSION, minutes=query.minutes, profile=query.profile.name,
            parameters=query.parameters(snapshot), inputs=_inputs(snapshot),
            synthetic=any(d.synthetic for d in snapshot.stations.datasets), results_sha256=digest,
        ),
        [
            CoverageAreaResult(
                run_id=run, area_code=r.area.code, level=r.area.level.value, name=r.area.name, population=r.population,
                covered=r.covered, uncovered=r.uncovered, off_network=r.off_network, rate=r.rate,
                median_walk_minutes=r.median_walk_minutes, stations=r.stations,
            )
            for r in rows
        ],
        [
            (run, c.cell, c.population, c.covered, c.uncovered, c.off_network, c.nearest_station, c.nearest_minutes)
            for c in cells
        ],
    )  # fmt: skip
    return StoredRun(run, True, rows, len(cells), digest)


def _inputs(snapshot: Snapshot) -> dict[str, Any]:
    """Content hashes by layer, and the datasets with the hashes of their files."""
    alternatives = {source.dataset_id for source in snapshot.city.alternatives}  # they shape no figure of a run
    used = [d for d in snapshot.stations.datasets if d.id not in alternatives]
    datasets = [{"id": d.id, "kind": d.kind, "name": d.name, "sha256": d.sha256} for d in used]
    return {"layers": snapshot.inputs, "datasets": datasets}


def _digest(rows: list[CoverageRow], cells: list[CellRow]) -> str:
    digest = hashlib.sha256()
    for row in rows:
        figures = [row.area.code, row.population, row.covered, row.uncovered, row.off_network, row.median_walk_minutes]
        digest.update(json.dumps([*figures, row.stations]).encode())
    for cell in cells:
        digest.update(
            json.dumps([cell.cell, cell.covered, cell.uncovered, cell.off_network, cell.nearest_station]).encode()
        )
    return digest.hexdigest()
