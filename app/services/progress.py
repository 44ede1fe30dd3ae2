"""Planned against actual, by area, on any day, as was known at any moment.

What counts on a day: stations that are open on it; selections made by it; districts with an open station on it; and
trainee-visits (人次) of all quarters since 2025Q2 that are over by it, since figures are kept by quarter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from app.errors import ErrorItem, InvalidInput, LevelNotLoaded, Unauthenticated
from app.models.vocabularies import AreaLevel, TargetMeasure, TargetPace
from app.repositories import progress as repo
from app.repositories.progress import DayCount, TreeArea
from app.repositories.targets import TargetRow, targets_at
from app.services.actors import Actor
from app.services.pace import Forecast, Point, expected_at, forecast, pace_of
from app.services.plan import BATCH_DUE, quarter_ends
from app.services.quarters import parse_quarter, quarter_of
from app.services.station_table import today
from app.services.targets import inside

MEASURES_OF_TOWNS = (TargetMeasure.STATIONS, TargetMeasure.TRAINEE_VISITS, TargetMeasure.SELECTED_STATIONS)


@dataclass(frozen=True)
class TargetState:
    """A target, and where its day is over what was reached by then."""

    row: TargetRow
    actual_when_due: int | None

    @property
    def is_met(self) -> bool | None:
        return None if self.actual_when_due is None else self.actual_when_due >= self.row.value


@dataclass(frozen=True)
class TrendPoint:
    """The end of a quarter, or the day that was asked about (``quarter`` None)."""

    quarter: str | None
    on: date
    actual: int
    expected: float | None


@dataclass(frozen=True)
class AreaProgress:
    """One measure in one area. ``target`` is the next that is due, or the last that was; ``share`` of its value.

    ``expected`` is on the line between the due days, on ``counted_until``: the last day that ``actual`` knows of.
    """

    area: TreeArea
    measure: TargetMeasure
    counted_until: date
    actual: int
    target: TargetRow | None
    share: float | None
    expected: float | None
    difference: float | None
    pace: TargetPace
    targets: list[TargetState]
    trend: list[TrendPoint]
    forecast: Forecast | None


@dataclass(frozen=True)
class BatchProgress:
    """Selection (遴选) of one batch in one area, against its day."""

    area: TreeArea
    batch: int
    due_on: date
    is_over: bool
    in_time: int
    late: int
    not_selected: int


@dataclass(frozen=True)
class Progress:
    """The whole answer. ``districts`` are those inside, ``without_station`` those of them with none open.

    ``not_placed``: by measure, what lies in no area of the level, and so in no row.
    """

    as_of: date
    known_at: datetime | None
    level: AreaLevel
    rows: list[AreaProgress]
    batches: list[BatchProgress]
    districts: list[TreeArea]
    without_station: list[TreeArea]
    not_placed: dict[TargetMeasure, int]


def progress(
    session: Session, actor: Actor | None, *, level: AreaLevel, as_of: date | None = None,
    known_at: datetime | None = None, within: str | None = None, measure: TargetMeasure | None = None,
) -> Progress:  # fmt: skip
    """Progress of all areas of a level (inside ``within``). Towns are for officers, in their scope.

    ``known_at`` is a moment that is past (see ``moments``). Raises InvalidInput for a day to come, an area that there
    is not, a measure that towns do not have; LevelNotLoaded; Unauthenticated and OutOfScope for towns.
    """
    day = as_of or today()
    _check_day(day)
    tree = repo.area_tree(session)
    areas = _asked_areas(tree, actor, level, within)
    places = Places(tree, level)
    codes = [area.code for area in areas]
    held = defaultdict(list)
    for row in targets_at(session, codes, known_at):
        held[row.area_code, row.measure].append(row)
    due = {row.due_on for rows in held.values() for row in rows if row.due_on <= day}
    days = sorted({*quarter_ends(day), *due, day})
    rows, not_placed = [], {}
    for one in _asked_measures(level, measure):
        counts = _counts(session, one, days, known_at)
        series, elsewhere = places.series(counts, covered=one is TargetMeasure.DISTRICTS_COVERED)
        not_placed[one] = elsewhere.get(day, 0)
        rows += [_area_progress(area, one, day, series[area.code], held[area.code, one.value]) for area in areas]
    asked = {area.code for area in areas}
    districts, without = _districts(tree, within, repo.open_stations(session, [day], known_at))
    return Progress(
        as_of=day, known_at=known_at, level=level, rows=rows, districts=districts, without_station=without,
        batches=[b for b in _batches(session, places, day, known_at) if b.area.code in asked], not_placed=not_placed,
    )  # fmt: skip


class Places:
    """Which area of a level holds what was counted in a district and town."""

    def __init__(self, tree: Sequence[TreeArea], level: AreaLevel) -> None:
        self.areas = {area.code: area for area in tree if area.level == level.value}
        self._parents = {area.code: area.parent_code for area in tree}
        self._level = level

    def of(self, district_code: str | None, town_code: str | None) -> str | None:
        """The code of the area; None where no loaded one holds it."""
        code = town_code if self._level is AreaLevel.TOWN else district_code
        if self._level is AreaLevel.CITY and code is not None:
            code = self._parents.get(code)
        return code if code in self.areas else None

    def series(
        self, counts: Iterable[DayCount], *, covered: bool
    ) -> tuple[dict[str, dict[date, int]], dict[date, int]]:  # fmt: skip
        """By area and day, and by day what is in none. ``covered``: districts with any instead of all together."""
        found: dict[str, dict[date, int]] = {code: defaultdict(int) for code in self.areas}
        elsewhere: dict[date, int] = defaultdict(int)
        seen: set[tuple[date, str | None]] = set()
        for row in counts:
            area = self.of(row.district_code, row.town_code)
            if covered:
                if area is None or row.count == 0 or (row.day, row.district_code) in seen:
                    continue
                seen.add((row.day, row.district_code))
            (elsewhere if area is None else found[area])[row.day] += 1 if covered else row.count
        return found, elsewhere


def _counts(session: Session, measure: TargetMeasure, days: list[date], known_at: datetime | None) -> list[DayCount]:
    if measure is TargetMeasure.SELECTED_STATIONS:
        return repo.selected_stations(session, days, known_at)
    if measure is TargetMeasure.TRAINEE_VISITS:
        counted = []
        for row in repo.visits_by_quarter(session, known_at):
            quarter = parse_quarter(row.quarter)
            if quarter is not None:  # the table's CHECK lets no other form in
                counted += [
                    DayCount(day, row.district_code, row.town_code, row.visits)
                    for day in days
                    if quarter.last_day <= day
                ]
        return counted
    return repo.open_stations(session, days, known_at)


def _area_progress(
    area: TreeArea, measure: TargetMeasure, day: date, counted: dict[date, int], targets: list[TargetRow]
) -> AreaProgress:
    counted_until = day
    if measure is TargetMeasure.TRAINEE_VISITS:  # the last day of the last quarter that is over
        counted_until = max(quarter_ends(day), default=day)
    actual = counted.get(day, 0)
    target = next((row for row in targets if row.due_on >= day), targets[-1] if targets else None)
    line = [(row.due_on, row.value) for row in targets]
    expected = expected_at(line, counted_until)
    points = [Point(end, counted.get(end, 0)) for end in quarter_ends(day)]
    trend = [TrendPoint(str(quarter_of(p.on)), p.on, p.value, expected_at(line, p.on)) for p in points]
    if counted_until == day and (not points or points[-1].on != day):
        trend.append(TrendPoint(None, day, actual, expected))
    ahead = None
    if measure is not TargetMeasure.DISTRICTS_COVERED and target is not None:
        ahead = forecast(points, Point(counted_until, actual), target.due_on, target.value)
    return AreaProgress(
        area=area, measure=measure, counted_until=counted_until, actual=actual, target=target,
        share=actual / target.value if target is not None and target.value > 0 else None, expected=expected,
        difference=None if expected is None else actual - expected,
        pace=pace_of(actual, expected, target.value if target else None, target is not None and target.due_on < day),
        targets=[TargetState(r, counted.get(r.due_on, 0) if r.due_on <= day else None) for r in targets],
        trend=trend, forecast=ahead,
    )  # fmt: skip


def _batches(session: Session, places: Places, day: date, known_at: datetime | None) -> list[BatchProgress]:
    sums: dict[tuple[str, int], list[int]] = {
        (code, batch): [0, 0, 0] for code in places.areas for batch in BATCH_DUE
    }  # fmt: skip
    for row in repo.batch_counts(session, day, known_at, BATCH_DUE):
        code = places.of(row.district_code, row.town_code)
        if code is not None:
            held = sums[code, row.batch]
            for k, value in enumerate((row.in_time, row.late, row.not_selected)):
                held[k] += value
    return [
        BatchProgress(places.areas[code], batch, BATCH_DUE[batch], BATCH_DUE[batch] < day, *counts)
        for (code, batch), counts in sums.items()
    ]


def _districts(
    tree: list[TreeArea], within: str | None, counts: list[DayCount]
) -> tuple[list[TreeArea], list[TreeArea]]:
    """The districts inside (or the one around), and those of them without an open station."""
    districts = [area for area in tree if area.level == AreaLevel.DISTRICT.value]
    if within is not None:
        asked = {area.code for area in inside(tree, within, "within")}
        around = {area.parent_code for area in tree if area.code == within and area.level == AreaLevel.TOWN.value}
        districts = [area for area in districts if area.code in asked | around]
    covered = {row.district_code for row in counts if row.count > 0}
    return districts, [area for area in districts if area.code not in covered]


def _asked_areas(tree: list[TreeArea], actor: Actor | None, level: AreaLevel, within: str | None) -> list[TreeArea]:
    if level is AreaLevel.TOWN and actor is None:
        item = ErrorItem(
            "level", "镇街的进度只供经办人员查看", "progress of towns is for officers", value=level.value,
            remedy_zh="登录,或用 level=district", remedy_en="sign in, or ask for level=district",
        )  # fmt: skip
        raise Unauthenticated("镇街的进度需要登录后查看。", "Progress of towns needs a sign-in.", errors=[item])
    areas = inside(tree, within, "within") if within is not None else tree
    areas = [area for area in areas if area.level == level.value]
    if not any(area.level == level.value for area in tree):
        raise LevelNotLoaded(f"尚未导入{level.title_zh}级区划。", f"No areas of level {level.value} are loaded.")
    if level is not AreaLevel.TOWN or actor is None:
        return areas
    mine = [area for area in areas if actor.scope.holds(area.parent_code, area.code)]
    if areas and not mine:
        outside = areas[0]
        actor.require_area(outside.parent_code, outside.code, field="within", value=within or outside.code)
    return mine


def _asked_measures(level: AreaLevel, measure: TargetMeasure | None) -> Sequence[TargetMeasure]:
    offered = MEASURES_OF_TOWNS if level is AreaLevel.TOWN else tuple(TargetMeasure)
    if measure is None:
        return offered
    if measure not in offered:
        item = ErrorItem(
            "measure", "不适用于镇街", "is not a measure of towns", value=measure.value,
            remedy_zh="用 level=district 或 city", remedy_en="ask for level=district or city",
        )  # fmt: skip
        raise InvalidInput("镇街没有此项指标。", "Towns have no such measure.", errors=[item])
    return (measure,)


def _check_day(day: date) -> None:
    if day > today():
        item = ErrorItem(
            "as_of", "是将来的日期", "is a day to come", value=day.isoformat(),
            remedy_zh=f"至多到今天({today()}),预测见 forecast", remedy_en=f"at most {today()}; see forecast",
        )  # fmt: skip
        raise InvalidInput("将来的进度无从得知。", "Progress of days to come is not known.", errors=[item])
