"""What looks wrong in a quarter's training lines: warnings for the one who reports and the one who accepts.

Nothing is refused because of them: a seat may be used twice, a station may teach before it is open to the public. The
thresholds are our own, and stated in every text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from sqlalchemy.orm import Session

from app.models.vocabularies import Role, StationStatus
from app.repositories import plausibility as repo
from app.repositories import reports as report_repo
from app.repositories.plausibility import LineFigures, StationSeats
from app.repositories.scope import Scope
from app.services.actors import Actor
from app.services.quarters import Quarter, quarters_until
from app.services.report_tree import is_open_during

WARNING_TITLES = {
    "visits_above_seats": ("人次超过座位×班次", "more visits than seats × sessions"),
    "certificates_above_visits": ("取证多于人次", "more certificates than visits"),
    "no_sessions": ("有人次或学时而无班次", "visits or hours without a session"),
    "no_visits": ("有班次而无人次", "sessions without a visit"),
    "not_open": ("未开放的站点有培训", "training at a station that was not open"),
    "jump": ("人次陡增", "a jump of visits"),
    "no_entries": ("运营中而无台账", "open without any line"),
}
JUMP = 5  # times the median of the quarters before
JUMP_VISITS = 50  # fewer are not looked at


@dataclass(frozen=True)
class PlausibilityWarning:
    """One doubt. ``kind`` and ``target_group`` name the line; None for the station's quarter as a whole."""

    code: str
    station_code: str
    station_name: str
    quarter: str
    kind: str | None
    target_group: str | None
    message_zh: str
    message_en: str


def plausibility_warnings(
    session: Session,
    actor: Actor,
    quarter: Quarter,
    *,
    within: Scope | None = None,
    station_code: str | None = None,
    known_at: datetime | None = None,
    earlier_visits: Mapping[str, list[int]] | None = None,
) -> list[PlausibilityWarning]:
    """Doubts about the lines of a quarter, by station: over the actor's scope, ``within`` an area or of one station.

    With ``known_at`` all of it is as was known then, so seats of courses, which are not kept in time, do not count.
    ``earlier_visits`` are those of each quarter before by station, from somebody who has summed them up already.
    """
    actor.require(Role.VIEWER)
    stations = [
        station
        for station in repo.stations_with_seats(session, actor.scope, within, known_at)
        if station_code is None or station.code == station_code
    ]
    codes = [station.code for station in stations]
    spans = report_repo.station_spans(session, quarter.first_day, quarter.last_day, known_at)
    open_codes = {span.code for span in spans if is_open_during(span, quarter)}
    lines: dict[str, list[LineFigures]] = defaultdict(list)
    for line in repo.lines_of(session, codes, str(quarter), known_at):
        lines[line.station_code].append(line)
    before: Mapping[str, list[int]] = earlier_visits or {}
    if earlier_visits is None:
        earlier = [str(one) for one in quarters_until(quarter.previous)]
        before = defaultdict(list)
        for row in repo.visits_by_quarter(session, codes, earlier, known_at):
            before[row.station_code].append(row.trainee_visits)
    found: list[PlausibilityWarning] = []
    for station in stations:
        is_open = station.code in open_codes
        for code, line_of, zh, en in _doubts(station, is_open, lines[station.code], before.get(station.code, [])):
            kind, group = (line_of.kind, line_of.target_group) if line_of is not None else (None, None)
            found.append(PlausibilityWarning(code, station.code, station.name, str(quarter), kind, group, zh, en))
    return found


Doubt = tuple[str, LineFigures | None, str, str]


def _doubts(station: StationSeats, is_open: bool, lines: list[LineFigures], before: list[int]) -> Iterator[Doubt]:
    for line in lines:
        yield from _doubts_of_line(station, line)
    visits = sum(line.trainee_visits for line in lines)
    if not lines:
        if is_open:
            yield "no_entries", None, "运营中而本季度没有台账", "it is open, and has no line in this quarter"
        return
    if not is_open:
        status = StationStatus(station.status)
        yield (
            "not_open", None, f"本季度没有一天开放(现为“{status.title_zh}”),却有 {visits} 人次",
            f"it was open on no day of this quarter (now {status.value}), yet has {visits} visits",
        )  # fmt: skip
    usual = median(before) if before else 0
    if usual and visits >= JUMP_VISITS and visits > JUMP * usual:
        yield (
            "jump", None, f"{visits} 人次,超过以往季度中位数 {usual:g} 的 {JUMP} 倍",
            f"{visits} visits are more than {JUMP} times the median of earlier quarters ({usual:g})",
        )  # fmt: skip


def _doubts_of_line(station: StationSeats, line: LineFigures) -> Iterator[Doubt]:
    visits, sessions = line.trainee_visits, line.sessions_held
    if station.seats is not None and sessions and visits > station.seats * sessions:
        yield (
            "visits_above_seats", line, f"{visits} 人次超过座位 {station.seats} × 班次 {sessions}",
            f"{visits} visits are more than {station.seats} seats × {sessions} sessions",
        )  # fmt: skip
    if line.certificates > visits:
        yield (
            "certificates_above_visits", line, f"取证 {line.certificates} 人多于 {visits} 人次",
            f"{line.certificates} certificates are more than {visits} visits",
        )  # fmt: skip
    if not sessions and (visits or line.training_hours):
        yield "no_sessions", line, "有人次或学时而没有班次", "there are visits or hours without a session"
    if sessions and not visits:
        yield "no_visits", line, f"{sessions} 个班次而没有人次", f"there are {sessions} sessions without a visit"
