"""Who reports to whom in a quarter: stations to towns, towns to districts, districts to the city.

Expected is every station that was open to the public on a day of the quarter, or has lines in it. It reports where its
figures count: to the town that holds it as known at the moment. A station in no town reports to its district; where no
towns are loaded, all do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from app.geo.opening_hours import TIME_ZONE
from app.models.vocabularies import AreaLevel, ReportLevel, ReportState, ReportTimeliness, StationStatus
from app.repositories import areas as area_repo
from app.repositories import reports as repo
from app.repositories.reports import ReportRow, StateRow, StationSpan
from app.repositories.scope import Scope
from app.repositories.training import EntryFilter
from app.repositories.training_totals import Dimension, Figures, StationPlace, station_places, sum_entries
from app.services.quarters import Quarter
from app.services.station_table import today
from app.settings import ReportSettings

CITY = Scope(AreaLevel.CITY, "*")
LEVELS = (ReportLevel.STATION, ReportLevel.TOWN, ReportLevel.DISTRICT)
Key = tuple[str, str]  # level, code of the subject


@dataclass(frozen=True)
class Subject:
    """Somebody who reports: where it lies, whom to, and what state its report is in.

    ``version`` counts the steps of its report, 0 where there was none; ``report_id`` is None then.
    """

    level: ReportLevel
    code: str
    name: str | None
    district_code: str | None
    town_code: str | None
    parent: Key | None  # None for a district: the city
    state: ReportState
    timeliness: ReportTimeliness
    due_on: date
    first_submitted_at: datetime | None
    return_reason: str | None
    version: int
    report_id: int | None
    figures: Figures

    @property
    def key(self) -> Key:
        return self.level.value, self.code

    @property
    def place(self) -> tuple[int, str]:
        """By what lists are ordered: stations first, then towns, then districts, each by code."""
        return LEVELS.index(self.level), self.code


@dataclass(frozen=True)
class ReportTree:
    """All subjects of a quarter, by level and code."""

    quarter: Quarter
    subjects: dict[Key, Subject]

    def children(self, key: Key) -> list[Subject]:
        """Those who report to a subject, by level and code."""
        return [subject for subject in self.subjects.values() if subject.parent == key]

    def above(self, key: Key) -> list[Subject]:
        """Those whom a subject's figures go on to, the nearest first."""
        found = []
        parent = self.subjects[key].parent
        while parent is not None:
            found.append(self.subjects[parent])
            parent = self.subjects[parent].parent
        return found

    def below(self, key: Key) -> list[Subject]:
        """All who report to a subject, straight or through others."""
        return [subject for subject in self.subjects.values() if any(up.key == key for up in self.above(subject.key))]


def due_on(settings: ReportSettings, level: ReportLevel, quarter: Quarter) -> date:
    """The last day on which a level reports in time."""
    days = {
        ReportLevel.STATION: settings.report_days_station,
        ReportLevel.TOWN: settings.report_days_town,
        ReportLevel.DISTRICT: settings.report_days_district,
    }
    return quarter.last_day + timedelta(days=days[level])


def report_tree(
    session: Session, quarter: Quarter, settings: ReportSettings, known_at: datetime | None = None
) -> ReportTree:
    """Everybody who reports in a quarter, in order of level and code, as was known at a moment (None: now)."""
    spans = repo.station_spans(session, quarter.first_day, quarter.last_day, known_at)
    open_codes = {span.code for span in spans if is_open_during(span, quarter)}
    sums = _sums(session, quarter, known_at)
    places = station_places(session, known_at)
    expected = [place for code, place in places.items() if code in open_codes or ("station", code) in sums]
    codes = {c for place in expected for c in (place.district_code, place.town_code) if c is not None}
    made = _Maker(
        quarter, settings, today() if known_at is None else known_at.astimezone(TIME_ZONE).date(),
        {(r.level, r.subject_code): r for r in repo.reports_of_quarter(session, CITY, str(quarter))},
        sums, repo.first_submissions(session, str(quarter), known_at),
        area_repo.names_of_codes(session, codes) if codes else {},
        None if known_at is None else repo.states_at(session, str(quarter), known_at),
    )  # fmt: skip
    subjects: dict[Key, Subject] = {}
    for place in expected:
        subjects["station", place.code] = made.subject(
            ReportLevel.STATION, place.code, place.name, (place.district_code, place.town_code), _parent(place)
        )
    for district, town in sorted(
        {(s.district_code, s.town_code) for s in expected if s.town_code is not None}, key=str
    ):
        parent = ("district", district) if district is not None else None
        subjects["town", str(town)] = made.subject(ReportLevel.TOWN, str(town), None, (district, town), parent)
    for district in sorted({s.district_code for s in expected if s.district_code is not None}):
        subjects["district", district] = made.subject(ReportLevel.DISTRICT, district, None, (district, None), None)
    return ReportTree(quarter, {s.key: s for s in sorted(subjects.values(), key=lambda subject: subject.place)})


@dataclass(frozen=True)
class _Maker:
    """What subjects are made of. ``day`` is that on which it is asked what is late; ``states`` are those at a moment,
    None: those of the rows."""

    quarter: Quarter
    settings: ReportSettings
    day: date
    rows: Mapping[Key, ReportRow]
    sums: Mapping[Key, Figures]
    submitted: Mapping[Key, datetime]
    names: Mapping[str, str | None]
    states: Mapping[Key, StateRow] | None

    def subject(
        self, level: ReportLevel, code: str, name: str | None, place: tuple[str | None, str | None], parent: Key | None
    ) -> Subject:
        key = level.value, code
        row = self.rows.get(key)
        held = StateRow(ReportState.DRAFT.value, None, 0)
        if self.states is not None:
            held = self.states.get(key, held)
        elif row is not None:
            held = StateRow(row.state, row.return_reason, row.version)
        state = ReportState(held.state)
        due, first = due_on(self.settings, level, self.quarter), self.submitted.get(key)
        return Subject(
            level, code, name or self.names.get(code), *place, parent, state,
            timeliness(state, first, due, self.day), due, first,
            held.reason if state is ReportState.RETURNED else None, held.steps,
            row.id if row is not None and held.steps else None, self.sums.get(key, Figures()),
        )  # fmt: skip


def timeliness(state: ReportState, first_submitted_at: datetime | None, due: date, day: date) -> ReportTimeliness:
    """As it is on a day: by the day (in China) of the first submission; one that was returned is not reported until it
    is sent again."""
    if first_submitted_at is not None and state in (ReportState.SUBMITTED, ReportState.ACCEPTED):
        in_time = first_submitted_at.astimezone(TIME_ZONE).date() <= due
        return ReportTimeliness.ON_TIME if in_time else ReportTimeliness.LATE
    return ReportTimeliness.DUE if day <= due else ReportTimeliness.MISSING


def is_open_during(span: StationSpan, quarter: Quarter) -> bool:
    """Was the station open to the public on a day of the quarter on which this was so? The rule is that of
    ``StationInfo.is_open_on``."""
    first = max(quarter.first_day, span.valid_from or date.min)
    last = min(quarter.last_day, (span.valid_to or date.max) - timedelta(days=1))
    if span.status == StationStatus.SUSPENDED or (span.status == StationStatus.CLOSED and span.closed_on is None):
        return False
    if span.opened_on is None and span.status != StationStatus.OPEN:
        return False
    begins = max(first, span.opened_on or date.min)
    ends = min(last, span.closed_on - timedelta(days=1)) if span.closed_on is not None else last
    return begins <= ends


def _parent(place: StationPlace) -> Key | None:
    if place.town_code is not None:
        return "town", place.town_code
    return ("district", place.district_code) if place.district_code is not None else None


def _sums(session: Session, quarter: Quarter, known_at: datetime | None) -> dict[Key, Figures]:
    """The figures of every subject: of a station its own, of an area those of its stations."""
    by = (Dimension.STATION, Dimension.TOWN, Dimension.DISTRICT)
    wanted = EntryFilter(quarters=(str(quarter),))
    found: dict[Key, Figures] = {}
    for codes, figures in sum_entries(session, CITY, wanted, by, known_at=known_at).items():
        for level, code in zip(LEVELS, codes, strict=True):
            if code is not None:
                key = level.value, str(code)
                found[key] = found[key] + figures if key in found else figures
    return found
