"""Is a run what it says? Computed again from what the database holds, and compared row by row."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.geo.coverage import METHOD_VERSION
from app.models import CoverageAreaResult, CoverageRun
from app.repositories import runs as repo
from app.services.coverage import CoverageQuery
from app.services.profiles import WalkingProfile, resolve_profile
from app.services.run_reads import get_run
from app.services.runs import AREA_FIGURES, CELL_FIGURES, RunFigures, run_figures
from app.services.snapshot import Snapshot, ensure_snapshot
from app.services.snapshot_at import snapshot_at
from app.services.software import software
from app.settings import HomeSettings, MethodSettings, method_settings

METHOD = "method"
COMPARED = tuple(name for name in AREA_FIGURES if name != "name")  # an area that was renamed is the same area
RECORD = "record"


class CheckVerdict(StrEnum):
    """``EQUAL``: the same inputs give the same figures. ``DIFFERS``: they do not, or the record was altered.
    ``INPUTS_CHANGED``: the database no longer holds what the run was computed from, so nothing can be said.
    """

    EQUAL = "equal"
    DIFFERS = "differs"
    INPUTS_CHANGED = "inputs_changed"


@dataclass(frozen=True)
class Difference:
    """A figure of an area (``row``: its code) or a cell (in hexadecimal) that is kept otherwise than it is computed.

    A row that is missing on one side has None for all its figures there.
    """

    row: str
    figure: str
    kept: Any
    computed: Any


@dataclass(frozen=True)
class Check:
    """What checking a run found.

    ``changed``: the layers (and ``method``) that are not those of the run, as far as the database can give them back.
    ``since``: the layers that changed since then, but that the history of the ledger gives back. ``stations_known_at``
    is the moment that stations were taken as known at, None where it is now.
    """

    run_id: str
    verdict: CheckVerdict
    changed: list[str]
    since: list[str]
    stations_known_at: datetime | None
    areas: int
    cells: int
    record: list[Difference]
    area_differences: list[Difference]
    cell_differences: list[Difference]
    software_then: dict[str, str] | None
    software_now: dict[str, str]


def check_run(engine: Engine, home: HomeSettings, run_id: str) -> Check:
    """Compute a run again and compare it. Raises NotFound; NotReady without streets, people or areas."""
    with Session(engine) as session:
        run = get_run(session, run_id)
        kept_areas = repo.area_results(session, run_id)
        kept_cells = repo.cell_results(session, run_id)
        now = software(session)
    query = query_of(run)
    held = ensure_snapshot(engine, home, settings_of(run))
    snapshot, moment = as_it_was(engine, held, query, run)
    changed = _changed(run, snapshot)
    figures = run_figures(snapshot, query)
    record = _record_differences(run, figures, is_comparable=not changed)
    areas = _area_differences(kept_areas, figures)
    cells = _cell_differences(kept_cells, figures)
    is_altered = any(one.figure == "id" for one in record)
    if changed and not is_altered:
        verdict = CheckVerdict.INPUTS_CHANGED
    else:
        verdict = CheckVerdict.DIFFERS if record or areas or cells else CheckVerdict.EQUAL
    return Check(
        run_id=run_id, verdict=verdict, changed=changed,
        since=[layer for layer in _changed(run, held) if layer not in changed],
        stations_known_at=moment, areas=len(kept_areas), cells=len(kept_cells), record=record,
        area_differences=areas, cell_differences=cells, software_then=run.software, software_now=now,
    )  # fmt: skip


def query_of(run: CoverageRun) -> CoverageQuery:
    """The question that a run answers, as of the moment that it was asked about."""
    held = run.parameters
    profile = resolve_profile(held["profile"], held["speed_kmh"])
    own = WalkingProfile(profile.name, profile.title_zh, profile.title_en, held["speed_kmh"], held["step_free"])
    day = date.fromisoformat(held["as_of"])
    return CoverageQuery(own, day, held["minutes"], tuple(held["station_types"]), run.known_at)


def settings_of(run: CoverageRun) -> MethodSettings:
    """The limits that a run was computed with: those of now where they are the same."""
    now = method_settings()
    then = {name: run.parameters[name] for name in now.shaping_figures()}
    return now if then == now.shaping_figures() else now.model_copy(update=then)


def as_it_was(
    engine: Engine, held: Snapshot, query: CoverageQuery, run: CoverageRun
) -> tuple[Snapshot, datetime | None]:  # fmt: skip
    """The snapshot with the run's stations: those of now, else as was known when the run was asked for or made."""
    wanted = run.inputs["layers"].get("stations")
    for moment in (query.known_at, run.created_at):
        found = snapshot_at(engine, held, query.day, moment)
        if found.inputs["stations"] == wanted:
            return found, moment
    return snapshot_at(engine, held, query.day, query.known_at), query.known_at


def _changed(run: CoverageRun, snapshot: Snapshot) -> list[str]:
    layers: dict[str, str] = run.inputs["layers"]
    found = [name for name in sorted({*layers, *snapshot.inputs}) if layers.get(name) != snapshot.inputs.get(name)]
    return [*found, METHOD] if run.method_version != METHOD_VERSION else found


def _record_differences(run: CoverageRun, figures: RunFigures, *, is_comparable: bool) -> list[Difference]:
    """What the record says of itself: its id is a hash of what it names, its checksum one of its figures."""
    found = []
    named = {"inputs": run.inputs["layers"], "parameters": run.parameters, "method": run.method_version}
    own_id = hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:16]
    if own_id != run.id:
        found.append(Difference(RECORD, "id", run.id, own_id))
    for name, kept, told in (("minutes", run.minutes, "minutes"), ("profile", run.profile, "profile")):
        if kept != run.parameters[told]:
            found.append(Difference(RECORD, name, kept, run.parameters[told]))
    if is_comparable and run.results_sha256 != figures.sha256:
        found.append(Difference(RECORD, "results_sha256", run.results_sha256, figures.sha256))
    return found


def _area_differences(kept: list[CoverageAreaResult], figures: RunFigures) -> list[Difference]:
    stored = {row.area_code: {name: getattr(row, name) for name in COMPARED} for row in kept}
    computed = {code: {name: held[name] for name in COMPARED} for code, held in figures.by_area().items()}
    return _differences(stored, computed)


def _cell_differences(kept: dict[int, tuple[Any, ...]], figures: RunFigures) -> list[Difference]:
    stored = {f"{cell:x}": dict(zip(CELL_FIGURES, held, strict=True)) for cell, held in kept.items()}
    computed = {f"{cell:x}": dict(zip(CELL_FIGURES, held, strict=True)) for cell, held in figures.by_cell().items()}
    return _differences(stored, computed)


def _differences(kept: dict[str, dict[str, Any]], computed: dict[str, dict[str, Any]]) -> list[Difference]:
    found = []
    for row in sorted({*kept, *computed}):
        ours, theirs = kept.get(row, {}), computed.get(row, {})
        for figure in ours or theirs:
            if ours.get(figure) != theirs.get(figure) or not ours or not theirs:
                found.append(Difference(row, figure, ours.get(figure), theirs.get(figure)))
    return found
