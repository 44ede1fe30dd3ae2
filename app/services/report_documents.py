"""The quarterly report of a district or of the city, as figures: what the sheet and the page are made from.

All of it is as was known at one moment, so the same moment gives the same report for ever. One part is told apart:
coverage rests on streets and people, which are not kept in time, and names its run.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from app.errors import ErrorItem, InvalidInput, LevelNotLoaded, NotFound, NotReady
from app.geo.opening_hours import TIME_ZONE
from app.models.vocabularies import (
    AreaLevel,
    ReportState,
    ReportTimeliness,
    Role,
    StationStatus,
    StationType,
    TargetMeasure,
)
from app.repositories import areas as area_repo
from app.repositories import reports as repo
from app.repositories.reports import StationSpan
from app.repositories.scope import Scope
from app.repositories.training import EntryFilter
from app.repositories.training_totals import (
    Dimension,
    Figures,
    StationPlace,
    station_places,
    sum_entries,
    visits_by_quarter,
)
from app.services.actors import Actor
from app.services.coverage import CoverageAnswer
from app.services.plausibility import plausibility_warnings
from app.services.progress import progress
from app.services.quarters import Quarter, quarters_until
from app.services.report_tree import CITY, Subject, report_tree
from app.services.suggestions import read_area_scope
from app.settings import ReportSettings

CoverageOf = Callable[[AreaLevel, str], CoverageAnswer]
LATE = (ReportTimeliness.LATE, ReportTimeliness.MISSING)


@dataclass(frozen=True)
class StationCounts:
    """Stations of an area: open at the quarter's end, and what happened in it."""

    open: int = 0
    opened: int = 0
    closed: int = 0
    selected: int = 0  # until then
    plaque_hung: int = 0  # until then
    suspended: int = 0
    by_type: dict[str, int] = field(default_factory=dict)  # of those open
    by_status: dict[tuple[str, str], int] = field(default_factory=dict)  # all, by type and status


@dataclass(frozen=True)
class Visits:
    """Figures of the quarter, and the visits of the times that it is held against."""

    quarter: Figures = field(default_factory=Figures)
    previous: int = 0
    year: int = 0
    plan: int = 0

    def __add__(self, other: Visits) -> Visits:
        """Of different stations."""
        return Visits(
            self.quarter + other.quarter, self.previous + other.previous, self.year + other.year,
            self.plan + other.plan,
        )  # fmt: skip


@dataclass(frozen=True)
class AreaLine:
    """One row of the report: an area (or the whole) with its stations and its training."""

    code: str | None
    name: str | None
    stations: StationCounts
    visits: Visits
    state: ReportState | None = None
    timeliness: ReportTimeliness | None = None


@dataclass(frozen=True)
class Share:
    """One kind of training or group of people, with its part of the visits."""

    code: str
    visits: Visits


@dataclass(frozen=True)
class StationEvent:
    """A station that opened or closed in the quarter."""

    code: str
    name: str
    type: str
    area_name: str | None
    day: date
    has_opened: bool


@dataclass(frozen=True)
class TargetLine:
    """A target of the area and what was reached by the quarter's end."""

    measure: TargetMeasure
    due_on: date
    target: int
    actual: int


@dataclass(frozen=True)
class CoverageLine:
    """15-minute coverage of an area at the quarter's end."""

    code: str
    name: str
    population: int
    covered: int
    rate: float | None


@dataclass(frozen=True)
class QuarterlyReport:
    """All figures. ``coverage`` is empty where ``coverage_gap`` says why."""

    area_code: str
    area_name: str
    level: AreaLevel
    quarter: Quarter
    known_at: datetime
    made_by: str
    whole: AreaLine
    parts: list[AreaLine]
    events: list[StationEvent]
    kinds: list[Share]
    groups: list[Share]
    late: list[Subject]
    not_accepted: int
    warnings: dict[str, int]
    targets: list[TargetLine]
    coverage: list[CoverageLine]
    coverage_run: str | None
    coverage_gap: tuple[str, str] | None

    @property
    def reconciles(self) -> bool:
        """Do the parts add up to the whole, for every figure that can be added?"""
        whole = self.whole.visits
        sums = (
            (whole, sum((part.visits for part in self.parts), Visits())),
            (self.whole.stations.open, sum(part.stations.open for part in self.parts)),
            *(
                ((whole.quarter.trainee_visits, whole.quarter.certificates, whole.previous, whole.year, whole.plan),
                 (sums.quarter.trainee_visits, sums.quarter.certificates, sums.previous, sums.year, sums.plan))
                for sums in (sum((one.visits for one in shares), Visits()) for shares in (self.kinds, self.groups))
            ),
        )  # fmt: skip
        return all(whole == parts for whole, parts in sums)


def quarterly_report(
    session: Session,
    actor: Actor,
    area_code: str,
    quarter: Quarter,
    settings: ReportSettings,
    *,
    known_at: datetime,
    coverage_of: CoverageOf,
) -> QuarterlyReport:
    """The report of a district or the city, as was known at a moment.

    Raises InvalidInput for an area that there is not, OutOfScope.
    """
    actor.require(Role.VIEWER)
    scope = _area(session, actor, area_code)
    name = area_repo.names_of_codes(session, [area_code]).get(area_code) or area_code
    below = AreaLevel.DISTRICT if scope.level is AreaLevel.CITY else AreaLevel.TOWN
    within = None if scope.level is AreaLevel.CITY else scope
    spans = [
        span
        for span in repo.station_spans(session, quarter.first_day, quarter.last_day, known_at)
        if scope.holds(span.district_code, span.town_code)
    ]
    tree = report_tree(session, quarter, settings, known_at)
    subjects = [s for s in tree.subjects.values() if scope.holds(s.district_code, s.town_code)]
    sums = _sums(session, quarter, below, within, known_at)
    names = area_repo.names_of_codes(
        session, {code for code in (*sums.areas, *(_area_of(span, below) for span in spans)) if code is not None}
    )
    lines = _parts(spans, quarter, below, sums.areas, {s.key: s for s in subjects}, names)
    coverage, run, gap = _coverage(coverage_of, scope, below)
    doubts = plausibility_warnings(
        session, actor, quarter, within=within, known_at=known_at, earlier_visits=sums.earlier
    )
    return QuarterlyReport(
        area_code=area_code, area_name=name, level=scope.level, quarter=quarter, known_at=known_at,
        made_by=actor.display_name,
        whole=AreaLine(area_code, name, count_stations(spans, quarter), sum(sums.areas.values(), Visits())),
        parts=lines, events=_events(spans, quarter, below, names), kinds=_shares(sums.kinds),
        groups=_shares(sums.groups),
        late=[s for s in subjects if s.timeliness in LATE],
        not_accepted=sum(s.state is not ReportState.ACCEPTED for s in subjects),
        warnings=dict(sorted(Counter(doubt.code for doubt in doubts).items())),
        targets=_targets(session, scope, area_code, quarter, known_at), coverage=coverage, coverage_run=run,
        coverage_gap=gap,
    )  # fmt: skip


def count_stations(spans: Sequence[StationSpan], quarter: Quarter) -> StationCounts:
    """Stations by what was so of them on the quarter's last day."""
    last, first = quarter.last_day, quarter.first_day
    at_end = [s for s in spans if s.valid_to is None or s.valid_to > last]
    open_ones = [s for s in at_end if _is_open_on(s, last)]

    def until(day: date | None) -> bool:
        return day is not None and day <= last

    def during(day: date | None) -> bool:
        return day is not None and first <= day <= last

    types = Counter(span.type for span in open_ones)
    return StationCounts(
        open=len(open_ones), opened=sum(during(s.opened_on) for s in at_end),
        closed=sum(during(s.closed_on) for s in at_end), selected=sum(until(s.selected_on) for s in at_end),
        plaque_hung=sum(until(s.plaque_hung_on) for s in at_end),
        suspended=sum(s.status == StationStatus.SUSPENDED for s in at_end),
        by_type={kind.value: types.get(kind.value, 0) for kind in StationType},
        by_status=dict(Counter((s.type, s.status) for s in at_end)),
    )  # fmt: skip


def _is_open_on(span: StationSpan, day: date) -> bool:
    """The rule of ``StationInfo.is_open_on``."""
    if span.status == StationStatus.SUSPENDED or (span.status == StationStatus.CLOSED and span.closed_on is None):
        return False
    if span.closed_on is not None and span.closed_on <= day:
        return False
    return span.opened_on <= day if span.opened_on is not None else span.status == StationStatus.OPEN


@dataclass(frozen=True)
class _Sums:
    """Figures by area below, by kind and by group; visits of each quarter before, by station."""

    areas: dict[str | None, Visits]
    kinds: dict[str | None, Visits]
    groups: dict[str | None, Visits]
    earlier: dict[str, list[int]]


def _sums(session: Session, quarter: Quarter, below: AreaLevel, within: Scope | None, known_at: datetime) -> _Sums:
    """Lines of all quarters are read once, for their visits; those of the quarter again, for the rest."""
    periods = [str(one) for one in quarters_until(quarter)]
    past = visits_by_quarter(session, periods, known_at=known_at, within=within)
    places = station_places(session, known_at)
    by_area: Counter[tuple[str | None, str]] = Counter()
    earlier: dict[str, list[int]] = defaultdict(list)
    for (code, period), visits in past[Dimension.STATION].items():
        by_area[_area_of(places[code], below), period] += visits
        if period != str(quarter):
            earlier[code].append(visits)

    def with_past(dimension: Dimension, before: Mapping[Any, int]) -> dict[str | None, Visits]:
        wanted = EntryFilter(quarters=(str(quarter),))
        found = sum_entries(session, CITY, wanted, (dimension,), known_at=known_at, within=within)
        return _visits({code: figures for (code,), figures in found.items()}, before, quarter)

    return _Sums(
        with_past(Dimension.DISTRICT if below is AreaLevel.DISTRICT else Dimension.TOWN, by_area),
        with_past(Dimension.KIND, past[Dimension.KIND]),
        with_past(Dimension.TARGET_GROUP, past[Dimension.TARGET_GROUP]),
        earlier,
    )  # fmt: skip


def _visits(sums: Mapping[str | None, Figures], past: Mapping[Any, int], quarter: Quarter) -> dict[str | None, Visits]:
    """Figures of the quarter by some code, with the visits of every quarter until then put together by code."""
    found = {code: Visits(quarter=figures) for code, figures in sums.items()}
    for (code, name), visits in past.items():
        one = Visits(
            previous=visits if name == str(quarter.previous) else 0,
            year=visits if name[:4] == str(quarter.year) else 0, plan=visits,
        )  # fmt: skip
        found[code] = found.get(code, Visits()) + one
    return found


def _area_of(span: StationSpan | StationPlace, below: AreaLevel) -> str | None:
    return span.district_code if below is AreaLevel.DISTRICT else span.town_code


def _events(
    spans: Sequence[StationSpan], quarter: Quarter, below: AreaLevel, names: Mapping[str, str | None]
) -> list[StationEvent]:
    """Stations that opened or closed in the quarter, by day."""
    found = [
        StationEvent(span.code, span.name, span.type, names.get(_area_of(span, below) or ""), day, has_opened)
        for span in spans
        if span.valid_to is None or span.valid_to > quarter.last_day
        for day, has_opened in ((span.opened_on, True), (span.closed_on, False))
        if day is not None and quarter.first_day <= day <= quarter.last_day
    ]
    return sorted(found, key=lambda event: (event.day, event.code, not event.has_opened))


def _area(session: Session, actor: Actor, code: str) -> Scope:
    scope = read_area_scope(session, code, "area")
    if scope is None or scope.level is AreaLevel.TOWN:
        item = ErrorItem(
            "area", "是镇街:季度报告按区或全市编制", "is a town: quarterly reports are of a district or the city",
            value=code, remedy_zh="改用所在区的代码", remedy_en="name its district",
        )  # fmt: skip
        raise InvalidInput("区划有误。", "The area is wrong.", errors=[item])
    if actor.scope.level is AreaLevel.CITY:
        return scope
    district = code if scope.level is AreaLevel.DISTRICT else None
    actor.require_area(district, None, field="area", value=code)
    return scope


def _parts(
    spans: Sequence[StationSpan], quarter: Quarter, below: AreaLevel, placed: Mapping[str | None, Visits],
    subjects: Mapping[tuple[str, str], Subject], names: Mapping[str, str | None],
) -> list[AreaLine]:  # fmt: skip
    """A line for every area below, and one for what lies in none of them, if anything does."""
    codes = {_area_of(span, below) for span in spans} | set(placed)
    lines = []
    for code in sorted(codes, key=lambda one: (one is None, one or "")):
        subject = subjects.get((below.value, code or ""))
        counts = count_stations([s for s in spans if _area_of(s, below) == code], quarter)
        lines.append(
            AreaLine(
                code, names.get(code or ""), counts, placed.get(code, Visits()),
                subject.state if subject is not None else None, subject.timeliness if subject is not None else None,
            )
        )  # fmt: skip
    return lines


def _shares(sums: Mapping[str | None, Visits]) -> list[Share]:
    held = [Share(code or "", visits) for code, visits in sums.items()]
    return sorted(held, key=lambda share: (-share.visits.quarter.trainee_visits, -share.visits.plan, share.code))


def _targets(session: Session, scope: Scope, area_code: str, quarter: Quarter, known_at: datetime) -> list[TargetLine]:
    day = min(quarter.last_day, known_at.astimezone(TIME_ZONE).date())  # of a quarter that is not over: until now
    try:
        found = progress(session, None, level=scope.level, as_of=day, known_at=known_at, within=area_code)
    except (LevelNotLoaded, NotFound):
        return []
    return [
        TargetLine(row.measure, state.row.due_on, state.row.value, row.actual)
        for row in found.rows
        if row.area.code == area_code
        for state in row.targets
    ]


def _coverage(
    coverage_of: CoverageOf, scope: Scope, below: AreaLevel
) -> tuple[list[CoverageLine], str | None, tuple[str, str] | None]:
    """Coverage of the area and of those below; else why there is none."""
    try:
        own, inside = coverage_of(scope.level, scope.code), coverage_of(below, scope.code)
    except (NotReady, LevelNotLoaded) as fault:
        return [], None, (fault.message_zh, fault.message_en)
    rows = [row for row in own.rows if row.area.code == scope.code] + inside.rows
    lines = [CoverageLine(row.area.code, row.area.name, row.population, row.covered, row.rate) for row in rows]
    return lines, own.run_id, None
