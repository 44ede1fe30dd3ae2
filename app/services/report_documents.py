"""The quarterly report of a district or of the city, as figures: what the sheet and the page are made from.

All of it is as was known at one moment, so the same moment gives the same report for ever. Two parts are told apart:
coverage rests on streets and people, which are not kept in time, and names its run; ``made_at`` is when it was made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy.orm import Session

from app.errors import ErrorItem, InvalidInput, LevelNotLoaded, NotFound, NotReady
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
from app.repositories.training_totals import Dimension, Figures, sum_entries
from app.services.actors import Actor
from app.services.coverage import CoverageAnswer
from app.services.plausibility import plausibility_warnings
from app.services.progress import progress
from app.services.quarters import FIRST, Quarter, quarters_until
from app.services.report_tree import Subject, report_tree
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


@dataclass(frozen=True)
class AreaLine:
    """One row of the report: an area (or the whole) with its stations and its training."""

    code: str | None
    name: str | None
    stations: StationCounts
    quarter: Figures
    previous_visits: int
    year_visits: int
    plan_visits: int
    state: ReportState | None = None
    timeliness: ReportTimeliness | None = None


@dataclass(frozen=True)
class Share:
    """One kind of training or group of people, with its part of the visits."""

    code: str
    figures: Figures


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
        sums = (
            (self.whole.quarter.trainee_visits, sum(part.quarter.trainee_visits for part in self.parts)),
            (self.whole.quarter.certificates, sum(part.quarter.certificates for part in self.parts)),
            (self.whole.plan_visits, sum(part.plan_visits for part in self.parts)),
            (self.whole.stations.open, sum(part.stations.open for part in self.parts)),
            (self.whole.quarter.trainee_visits, sum(one.figures.trainee_visits for one in self.kinds)),
            (self.whole.quarter.trainee_visits, sum(one.figures.trainee_visits for one in self.groups)),
        )
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

    Raises InvalidInput for an area that there is not, OutOfScope, NotFound for a quarter that is not over.
    """
    actor.require(Role.VIEWER)
    scope = _area(session, actor, area_code)
    name = area_repo.names_of_codes(session, [area_code]).get(area_code) or area_code
    below = AreaLevel.DISTRICT if scope.level is AreaLevel.CITY else AreaLevel.TOWN
    everything = Scope(AreaLevel.CITY, "*")
    within = None if scope.level is AreaLevel.CITY else scope
    spans = [
        span
        for span in repo.station_spans(session, quarter.first_day, quarter.last_day, known_at)
        if scope.holds(span.district_code, span.town_code)
    ]
    tree = report_tree(session, quarter, settings, known_at)
    subjects = [s for s in tree.subjects.values() if scope.holds(s.district_code, s.town_code)]
    dimension = Dimension.DISTRICT if below is AreaLevel.DISTRICT else Dimension.TOWN

    def sums(quarters: Sequence[Quarter], *by: Dimension) -> dict[tuple[str | None, ...], Figures]:
        wanted = EntryFilter(quarters=[str(one) for one in quarters])
        return sum_entries(session, everything, wanted, by, known_at=known_at, within=within)

    periods = _periods(quarter)
    whole = [sums(quarters).get((), Figures()) for quarters in periods]
    parts = [sums(quarters, dimension) for quarters in periods]
    lines = _parts(session, spans, quarter, below, parts, {s.key: s for s in subjects})
    coverage, run, gap = _coverage(coverage_of, scope, below)
    doubts = plausibility_warnings(session, actor, quarter, within=within, known_at=known_at)
    return QuarterlyReport(
        area_code=area_code, area_name=name, level=scope.level, quarter=quarter, known_at=known_at,
        made_by=actor.display_name,
        whole=AreaLine(
            area_code, name, count_stations(spans, quarter), whole[0], whole[1].trainee_visits,
            whole[2].trainee_visits, whole[3].trainee_visits,
        ),
        parts=lines, kinds=_shares(sums(periods[0], Dimension.KIND)),
        groups=_shares(sums(periods[0], Dimension.TARGET_GROUP)),
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
    )  # fmt: skip


def _is_open_on(span: StationSpan, day: date) -> bool:
    """The rule of ``StationInfo.is_open_on``."""
    if span.status == StationStatus.SUSPENDED or (span.status == StationStatus.CLOSED and span.closed_on is None):
        return False
    if span.closed_on is not None and span.closed_on <= day:
        return False
    return span.opened_on <= day if span.opened_on is not None else span.status == StationStatus.OPEN


def _periods(quarter: Quarter) -> list[list[Quarter]]:
    """The quarter, the one before, the year until then, the plan until then."""
    plan = list(quarters_until(quarter))
    previous = [quarter.previous] if quarter.previous >= FIRST else []
    return [[quarter], previous, [q for q in plan if q.year == quarter.year], plan]


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
    session: Session, spans: Sequence[StationSpan], quarter: Quarter, below: AreaLevel,
    sums: Sequence[dict[tuple[str | None, ...], Figures]], subjects: dict[tuple[str, str], Subject],
) -> list[AreaLine]:  # fmt: skip
    """A line for every area below, and one for what lies in none of them, if anything does."""

    def code_of(span: StationSpan) -> str | None:
        return span.district_code if below is AreaLevel.DISTRICT else span.town_code

    codes = {code_of(span) for span in spans} | {key[0] for period in sums for key in period}
    names = area_repo.names_of_codes(session, {code for code in codes if code is not None})
    lines = []
    for code in sorted(codes, key=lambda one: (one is None, one or "")):
        subject = subjects.get((below.value, code or ""))
        figures = [period.get((code,), Figures()) for period in sums]
        lines.append(
            AreaLine(
                code, names.get(code or ""), count_stations([s for s in spans if code_of(s) == code], quarter),
                figures[0], figures[1].trainee_visits, figures[2].trainee_visits, figures[3].trainee_visits,
                subject.state if subject is not None else None, subject.timeliness if subject is not None else None,
            )
        )  # fmt: skip
    return lines


def _shares(sums: dict[tuple[str | None, ...], Figures]) -> list[Share]:
    held = [Share(key[0] or "", figures) for key, figures in sums.items()]
    return sorted(held, key=lambda share: (-share.figures.trainee_visits, share.code))


def _targets(session: Session, scope: Scope, area_code: str, quarter: Quarter, known_at: datetime) -> list[TargetLine]:
    try:
        found = progress(session, None, level=scope.level, as_of=quarter.last_day, known_at=known_at, within=area_code)
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
