"""Invented inspections, ratings, complaints, an appraisal and exemplars of the demonstration city's stations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from app.demo.spec import CitySpec
from app.geo.opening_hours import TIME_ZONE
from app.models.vocabularies import (
    ComplaintAction,
    ComplaintState,
    ComplaintSubject,
    FindingSeverity,
    FindingState,
    InspectionSubject,
    RatingState,
    Standard,
    Verdict,
)
from app.repositories.quality_appraisals import list_scores
from app.repositories.quality_complaints import insert_many as insert_complaints
from app.repositories.quality_inspections import any_inspections
from app.repositories.quality_inspections import insert_many as insert_inspections
from app.repositories.quality_places import Place
from app.repositories.quality_ratings import insert_ratings
from app.services.actors import of_system
from app.services.appraisals import make_draft, publish
from app.services.exemplars import NewExemplar, add_exemplar
from app.services.loading import NewStation
from app.services.quality_checks import working_days_after
from app.services.ratings import ALPHABET
from app.settings import QualitySettings

PART_QUALITY = 14
INSPECTOR = "示范检查员"
INSPECTION_DAYS = (60, 150)  # from one to the next
PROBLEMS = {
    Standard.SIGNAGE: "示范问题:标识尺寸与规范不符",
    Standard.SERVICE: "示范问题:未公示投诉方式",
    Standard.TRAINING: "示范问题:签到记录不全",
}
COMMENTS = ("示范评论:老师讲得清楚", "示范评论:地方好找", "示范评论:晚上的课很方便", "示范评论:座位有点挤")
COMPLAINTS = {
    ComplaintSubject.OPENING: "示范投诉:开放时间与公示不一致",
    ComplaintSubject.FEES: "示范投诉:材料费没有事先说明",
    ComplaintSubject.TEACHING: "示范投诉:课程临时取消",
    ComplaintSubject.ACCESS: "示范投诉:轮椅坡道被占用",
}
FOLLOWED_UP = ("TS-20260901-7KQ4RM", date(2026, 9, 1))  # the one that the documentation asks about
APPRAISED_YEAR, PUBLISHED_ON = 2025, date(2026, 1, 30)
EXEMPLARS = 5


@dataclass(frozen=True)
class Served:
    """A station and the days on which it served: from ``first`` until before ``last``."""

    code: str
    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days

    def some_day(self, rng: np.random.Generator) -> date:
        return self.first + timedelta(days=int(rng.integers(0, self.days)))


def load_quality(session: Session, spec: CitySpec, stations: Sequence[NewStation]) -> None:
    """Write all of it up to the demonstration's day, unless there is some; the caller acts as the system.

    Settings are the defaults, whatever the environment says: the same city is the same everywhere.
    """
    if any_inspections(session):
        return
    rng = spec.generator(PART_QUALITY)
    served = served_by(spec, stations)
    if not served:
        return
    inspections: list[dict[str, Any]] = []
    findings: list[dict[str, Any]] = []
    for station in served:
        for day in _days(station, rng):
            findings += _findings(station, day, len(inspections), spec, rng)
            inspections.append(_inspection(station, day, rng))
    insert_inspections(session, inspections, findings)
    insert_ratings(session, [rating for station in served for rating in _ratings(station, rng)])
    insert_complaints(session, *_complaints(served, spec, rng))
    _appraise(session, served)


def served_by(spec: CitySpec, stations: Sequence[NewStation]) -> list[Served]:
    """The stations that have been open by the demonstration's day."""
    found = []
    for station in stations:
        last = min(station.closed_on or spec.as_of, spec.as_of)
        if station.opened_on is not None and station.opened_on < last:
            found.append(Served(station.code, station.opened_on, last))
    return found


def _days(station: Served, rng: np.random.Generator) -> Iterator[date]:
    """Days of inspection."""
    day = station.first + timedelta(days=int(rng.integers(20, 120)))
    while day < station.last:
        yield day
        day += timedelta(days=int(rng.integers(*INSPECTION_DAYS)))


def _inspection(station: Served, day: date, rng: np.random.Generator) -> dict[str, Any]:
    verdicts = [Verdict.MET, Verdict.PARTLY, Verdict.NOT_MET, Verdict.NOT_CHECKED]
    signage, service, training = (verdicts[int(k)] for k in rng.choice(4, 3, p=(0.8, 0.12, 0.03, 0.05)))
    scores = [int(score) for score in np.clip(rng.normal(86, 7, 3), 40, 100)]
    return {
        "station_code": station.code, "inspected_on": day, "inspector": INSPECTOR, "verdict_signage": signage.value,
        "verdict_service": service.value, "verdict_training": training.value, "score_construction": scores[0],
        "score_operation": scores[1], "score_service_quality": scores[2], "remarks": "示范检查",
        "evidence": ["示范检查记录"], "synthetic": True,
    }  # fmt: skip


def _findings(
    station: Served, day: date, number: int, spec: CitySpec, rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """One in three inspections finds something; most of it is remedied, some of it late."""
    if rng.random() > 0.35:
        return
    for _ in range(int(rng.integers(1, 3))):
        standard = list(Standard)[int(rng.integers(0, len(Standard)))]
        severity = list(FindingSeverity)[int(rng.choice(3, p=(0.7, 0.25, 0.05)))]
        due_on = day + timedelta(days=int(rng.choice((7, 14, 30))))
        remedied_on: date | None = day + timedelta(days=int(rng.integers(2, 36)))
        if rng.random() < 0.08 or (remedied_on is not None and remedied_on > spec.as_of):
            remedied_on = None
        closed_on = None if remedied_on is None else remedied_on + timedelta(days=int(rng.integers(1, 10)))
        if closed_on is not None and closed_on > spec.as_of:
            closed_on = None
        state = FindingState.CLOSED if closed_on else FindingState.REMEDIED if remedied_on else FindingState.OPEN
        of_subject = rng.random() < 0.25
        yield {
            "inspection": number, "station_code": station.code, "standard": None if of_subject else standard.value,
            "subject": InspectionSubject.OPERATION.value if of_subject else None, "severity": severity.value,
            "text": "示范问题:值班记录不全" if of_subject else PROBLEMS[standard], "due_on": due_on,
            "state": state.value, "remedied_on": remedied_on, "remedy_text": "示范整改" if remedied_on else None,
            "closed_on": closed_on, "closed_by": "demo" if closed_on else None,
        }  # fmt: skip


def _ratings(station: Served, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """About one a month."""
    liking = float(np.clip(rng.normal(4.2, 0.4), 2.5, 4.9))
    for _ in range(int(rng.poisson(station.days / 30))):
        stars = int(np.clip(round(rng.normal(liking, 0.8)), 1, 5))
        comment = COMMENTS[int(rng.integers(0, len(COMMENTS)))] if rng.random() < 0.25 else None
        waits = comment is not None and rng.random() < 0.2
        yield {
            "station_code": station.code, "stars": stars, "comment": comment, "by_code": bool(rng.random() < 0.6),
            "aspects": {"teaching": stars, "staff": int(np.clip(stars + rng.integers(-1, 2), 1, 5))},
            "rated_on": station.some_day(rng),
            "state": (RatingState.PENDING if waits else RatingState.PUBLISHED).value, "synthetic": True,
        }  # fmt: skip


def _complaints(
    stations: Sequence[Served], spec: CitySpec, rng: np.random.Generator
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A complaint for every other station, with its steps; answered ones are closed."""
    complaints: list[dict[str, Any]] = []
    steps: list[dict[str, Any]] = []
    numbers = {FOLLOWED_UP[0]}
    is_told = False
    for station in stations:
        if rng.random() > 0.5:
            continue
        is_first = not is_told and station.first <= FOLLOWED_UP[1] < station.last
        is_told = is_told or is_first
        received = FOLLOWED_UP[1] if is_first else station.some_day(rng)
        number = FOLLOWED_UP[0]
        while not is_first and number in numbers:
            number = f"TS-{received:%Y%m%d}-{''.join(ALPHABET[int(k)] for k in rng.integers(0, len(ALPHABET), 6))}"
        numbers.add(number)
        due_on = working_days_after(received, 5)
        answered: date | None = received + timedelta(days=int(rng.integers(1, 9)))
        if answered is not None and answered > spec.as_of:
            answered = None
        subject = list(COMPLAINTS)[int(rng.integers(0, len(COMPLAINTS)))]
        for action, day, said in (
            (ComplaintAction.RECEIVED, received, None),
            (ComplaintAction.ANSWERED, answered, "示范答复:已核实并改正。"),
            (ComplaintAction.CLOSED, answered, None),
        ):
            if day is not None:
                at = datetime.combine(day, time(10 + len(steps) % 3), TIME_ZONE)
                steps.append(_step(len(complaints), station.code, action, at, said))
        state = ComplaintState.RECEIVED if answered is None else ComplaintState.CLOSED
        complaints.append({
            "number": number, "station_code": station.code, "subject": subject.value, "text": COMPLAINTS[subject],
            "state": state.value, "received_on": received, "due_on": due_on, "first_due_on": due_on,
            "first_answered_on": answered, "closed_on": answered, "taken_by": None if answered is None else "demo",
            "synthetic": True,
        })  # fmt: skip
    return complaints, steps


def _step(number: int, station_code: str, action: ComplaintAction, at: datetime, said: str | None) -> dict[str, Any]:
    return {
        "complaint": number, "station_code": station_code, "at": at, "action": action.value, "text": said,
        "actor": None if action is ComplaintAction.RECEIVED else "demo",
        "is_public": action is ComplaintAction.ANSWERED,
    }  # fmt: skip


def _appraise(session: Session, stations: Sequence[Served]) -> None:
    """The first year is appraised and published, and its best are exemplars."""
    demo, rules = of_system("demo"), QualitySettings.model_construct()
    begun = PUBLISHED_ON.replace(month=1, day=1) - timedelta(days=rules.appraisal_days_open)
    if not any(station.first <= begun for station in stations):
        return  # nobody was open for long enough
    made = make_draft(session, demo, APPRAISED_YEAR, rules, day=PUBLISHED_ON)
    publish(session, demo, APPRAISED_YEAR, made.version, day=PUBLISHED_ON)
    for score in list_scores(session, demo.scope, Place(), APPRAISED_YEAR, limit=EXEMPLARS):
        new = NewExemplar(score.station_code, APPRAISED_YEAR, "示范:年度典型样板", "示范:年度评估名列前茅")
        add_exemplar(session, demo, new)
