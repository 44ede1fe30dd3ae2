"""What changed between two runs: because of which stations, and what is left for data and method.

The runs' own figures are compared as they were kept. What the stations did is computed with the streets, people and
boundaries of now, on the later run's terms, as ``app.services.changes`` does; the rest of every difference came with
other data, other parameters or another method, and ``Causes`` names what differs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.models import CoverageAreaResult, CoverageRun
from app.models.vocabularies import AreaLevel
from app.repositories import runs as repo
from app.services.changes import StationChange, coverage_changes
from app.services.run_checks import as_it_was, query_of
from app.services.snapshot import Snapshot

STATIONS = "stations"
NOT_METHOD = ("as_of",)  # what tells two states of the stations apart


@dataclass(frozen=True)
class Causes:
    """``layers`` whose content differs (stations apart), ``parameters`` that differ, another version of the method."""

    layers: list[str]
    parameters: list[str]
    method: bool


@dataclass(frozen=True)
class RunRow:
    """One area, None for what a run does not have of it. ``difference == by_stations + by_data_or_method``."""

    code: str
    name: str
    population_before: int | None
    population_after: int | None
    covered_before: int | None
    covered_after: int | None
    by_stations: int

    @property
    def difference(self) -> int:
        return (self.covered_after or 0) - (self.covered_before or 0)

    @property
    def by_data_or_method(self) -> int:
        return self.difference - self.by_stations


@dataclass(frozen=True)
class RunChanges:
    """Rows by code; ``stations`` as in ``changes.ChangesAnswer``, credited with the data of now."""

    earlier: CoverageRun
    later: CoverageRun
    causes: Causes
    rows: list[RunRow]
    stations: list[StationChange]


def changes_of_runs(
    engine: Engine, session: Session, held: Snapshot, earlier: CoverageRun, later: CoverageRun, level: AreaLevel
) -> RunChanges:
    """Areas of a level that either run has. Raises NotReady, LevelNotLoaded."""
    terms = query_of(later)
    sides = []
    for run in (earlier, later):
        own = query_of(run)
        asked = replace(terms, day=own.day, known_at=own.known_at)
        sides.append((as_it_was(engine, held, asked, run)[0], asked))
    answer = coverage_changes(sides[0], sides[1], level)
    net = {row.area.code: row.gained - row.lost for row in answer.rows}
    before, after = (
        {one.area_code: one for one in repo.area_results(session, run.id) if one.level == level.value}
        for run in (earlier, later)
    )
    rows = [_row(code, before.get(code), after.get(code), net.get(code, 0)) for code in sorted(before | after)]
    return RunChanges(earlier, later, _causes(earlier, later), rows, answer.stations)


def _row(code: str, before: CoverageAreaResult | None, after: CoverageAreaResult | None, net: int) -> RunRow:
    named = after or before
    return RunRow(
        code=code,
        name=named.name if named is not None else code,
        population_before=None if before is None else before.population,
        population_after=None if after is None else after.population,
        covered_before=None if before is None else before.covered,
        covered_after=None if after is None else after.covered,
        by_stations=net,
    )


def _causes(earlier: CoverageRun, later: CoverageRun) -> Causes:
    one, other = earlier.inputs["layers"], later.inputs["layers"]
    layers = [name for name in sorted({*one, *other}) if name != STATIONS and one.get(name) != other.get(name)]
    names = sorted({*earlier.parameters, *later.parameters})
    differing = [name for name in names if earlier.parameters.get(name) != later.parameters.get(name)]
    return Causes(
        layers=layers,
        parameters=[name for name in differing if name not in NOT_METHOD],
        method=earlier.method_version != later.method_version,
    )
