"""What changed between two days: how many people more or fewer are covered, and because of which station.

Streets, people and boundaries are those of now on both days, so all of a difference is the stations'; it is credited to
them as ``app.geo.attribution`` does, whatever the order in which they opened and closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from app.geo.arrays import BoolArray, IntArray
from app.geo.attribution import Served, credited
from app.geo.coverage import OnEdge
from app.geo.whatif import AreaCoverage, area_coverage
from app.models.vocabularies import AreaLevel
from app.services.area_table import AreaInfo
from app.services.coverage import CoverageQuery, field_within, people_by_leaf, run_id, stations_by_leaf, whole_covered
from app.services.credits import WholeCredits, whole_credits
from app.services.scenarios import ScenarioRow, State, rows_of, together
from app.services.snapshot import Snapshot
from app.services.station_table import StationInfo


class StationChangeKind(StrEnum):
    """What happened to a station between the days."""

    OPENED = "opened"
    CLOSED = "closed"
    MOVED = "moved"


@dataclass(frozen=True)
class StationChange:
    """One station that counts on one of the days alone, or elsewhere; the people credited to it in all rows."""

    kind: StationChangeKind
    station: StationInfo
    area_codes: list[str]
    gained: int
    lost: int


@dataclass(frozen=True)
class ChangesAnswer:
    """``run_ids`` name the two coverages. In every row ``after.covered - before.covered == gained - lost``, and over
    all ``stations`` gained less lost is that of the total.
    """

    run_ids: tuple[str, str]
    rows: list[ScenarioRow]
    stations: list[StationChange]
    population: int
    off_network: int
    before: State
    after: State
    gained: int
    lost: int


@dataclass(frozen=True)
class _Side:
    """Coverage on one of the days."""

    snapshot: Snapshot
    query: CoverageQuery

    @cached_property
    def mask(self) -> BoolArray:
        return self.snapshot.open_mask(self.query.day, self.query.types)

    @cached_property
    def stations(self) -> OnEdge:
        _, places, _ = self.snapshot.variant(step_free=self.query.profile.step_free)
        return OnEdge.of(places, self.mask)

    @cached_property
    def coverage(self) -> AreaCoverage:
        snapshot, limit = self.snapshot, self.query.limit_mm
        field = field_within(snapshot, self.query, limit, self.mask)
        count = len(snapshot.areas.leaf_codes)
        return area_coverage(snapshot.network, snapshot.frontage, count, field, self.stations, limit)

    @cached_property
    def covered(self) -> IntArray:
        """Whole people by leaf."""
        return whole_covered(people_by_leaf(self.snapshot), self.coverage.by_area)

    def served(self) -> Served:
        return Served(self.coverage.field, self.stations, len(self.mask))

    def counted(self) -> dict[str, int]:
        """The numbers of the stations that count, by code."""
        table = self.snapshot.stations.table
        return {table.stations[k].code: k for k in self.mask.nonzero()[0].tolist()}


def coverage_changes(
    before: tuple[Snapshot, CoverageQuery], after: tuple[Snapshot, CoverageQuery], level: AreaLevel,
    within: str | None = None,
) -> ChangesAnswer:  # fmt: skip
    """Coverage on two days, which differ in the day alone; both snapshots are of the same city.

    Raises NotReady without people or areas, LevelNotLoaded, NotFound for an unknown ``within``.
    """
    was, now = _Side(*before), _Side(*after)
    snapshot = now.snapshot
    areas = snapshot.areas.of_level(level, within)
    gained, lost = credited(
        snapshot.network, snapshot.frontage, len(snapshot.areas.leaf_codes), was.served(), now.served(),
        now.query.limit_mm,
    )  # fmt: skip
    credits_ = whole_credits(was.covered, now.covered, gained, lost)
    stations = stations_by_leaf(was.snapshot, was.mask), stations_by_leaf(snapshot, now.mask)
    rows = rows_of(snapshot, areas, (was.covered, now.covered), stations, credits_)
    population = sum(row.population for row in rows)
    return ChangesAnswer(
        run_ids=(run_id(*before), run_id(*after)),
        rows=rows,
        stations=_stations(was, now, credits_, areas),
        population=population,
        off_network=sum(row.off_network for row in rows),
        before=together([row.before for row in rows], population),
        after=together([row.after for row in rows], population),
        gained=sum(row.gained for row in rows),
        lost=sum(row.lost for row in rows),
    )


def _stations(was: _Side, now: _Side, credits_: WholeCredits, areas: Sequence[AreaInfo]) -> list[StationChange]:
    """Most people first, then by code."""
    table = now.snapshot.areas
    gained, lost = credits_.in_areas(table, [area.code for area in areas])
    stood, stands = was.counted(), now.counted()
    changes = []
    for code in sorted(stood.keys() | stands.keys()):
        old, new = stood.get(code), stands.get(code)
        kind = _kind(was, now, old, new)
        if kind is None:
            continue
        side, number = (now, new) if new is not None else (was, old)
        held = side.snapshot.stations.table
        leaf = int(held.leaf[number]) if number is not None else -1
        changes.append(
            StationChange(
                kind=kind,
                station=held.stations[number or 0],
                area_codes=table.line_of(table.leaf_codes[leaf]) if leaf >= 0 else [],
                gained=gained[new] if new is not None else 0,
                lost=lost[old] if old is not None else 0,
            )
        )
    return sorted(changes, key=lambda change: -(change.gained + change.lost))


def _kind(was: _Side, now: _Side, old: int | None, new: int | None) -> StationChangeKind | None:
    if old is None:
        return StationChangeKind.OPENED
    if new is None:
        return StationChangeKind.CLOSED
    one, other = was.snapshot.stations.table.stations[old], now.snapshot.stations.table.stations[new]
    return None if (one.lng, one.lat) == (other.lng, other.lat) else StationChangeKind.MOVED
