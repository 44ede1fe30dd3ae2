"""The quality of a station as everybody may see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from app.models.vocabularies import AppraisalGrade, RatingAspect, Standard, Verdict
from app.repositories import quality_complaints as complaint_repo
from app.repositories import quality_inspections as inspection_repo
from app.repositories import quality_ratings as rating_repo
from app.repositories.quality_appraisals import last_published_score
from app.repositories.quality_exemplars import named_exemplars
from app.repositories.quality_ratings import NO_RATINGS, RatingSums
from app.repositories.station_records import records_of_codes
from app.services.quality_checks import any_station
from app.services.ratings import Average, average
from app.settings import QualitySettings

MOST_COMMENTS = 20


@dataclass(frozen=True)
class StandardState:
    """One of the three standards: the latest verdict with its day, else the ledger's word without one."""

    standard: Standard
    verdict: Verdict
    checked_on: date | None


@dataclass(frozen=True)
class Comment:
    """What somebody wrote, after moderation."""

    stars: int
    text: str
    by_code: bool
    rated_on: date


@dataclass(frozen=True)
class StationQuality:
    """``grade`` is of ``graded_year``, the last that is published; ``exemplar_titles`` by year."""

    station_code: str
    station_name: str
    average: Average
    sums: RatingSums
    aspects: dict[RatingAspect, float]
    comments: list[Comment]
    standards: list[StandardState]
    last_inspected_on: date | None
    complaints_not_answered: int
    exemplar_titles: list[tuple[int, str]]
    grade: AppraisalGrade | None
    graded_year: int | None


def station_quality(session: Session, code: str, settings: QualitySettings) -> StationQuality:
    """Ratings, standards, complaints, grade and honours of a station; nothing that is hidden or personal.

    Raises NotFound.
    """
    station = any_station(session, code, "code")
    sums = rating_repo.rating_sums(session, station_code=code).get(code, NO_RATINGS)
    verdicts = inspection_repo.latest_verdicts(session, code)
    score = last_published_score(session, code)
    comments = rating_repo.published_comments(session, code, MOST_COMMENTS)
    return StationQuality(
        station_code=code,
        station_name=station.name,
        average=average(sums, settings),
        sums=sums,
        aspects={RatingAspect(name): total / count for name, (count, total) in sums.aspects.items()},
        comments=[Comment(row.stars, row.comment or "", row.by_code, row.rated_on) for row in comments],
        standards=_standards(session, code, verdicts),
        last_inspected_on=verdicts[0][3] if verdicts else None,
        complaints_not_answered=complaint_repo.count_not_done(session, code),
        exemplar_titles=[(row.year, row.title) for row in named_exemplars(session, code)],
        grade=AppraisalGrade(score.grade) if score is not None and score.grade is not None else None,
        graded_year=score.year if score is not None else None,
    )


def _standards(session: Session, code: str, verdicts: list[tuple[str, str, str, date]]) -> list[StandardState]:
    recorded = records_of_codes(session, [code])[code].values
    states = []
    for k, standard in enumerate(Standard):
        found = next((row for row in verdicts if row[k] != Verdict.NOT_CHECKED), None)
        if found is not None:
            states.append(StandardState(standard, Verdict(str(found[k])), found[3]))
            continue
        met = recorded[f"{standard.value}_met"]
        verdict = Verdict.NOT_CHECKED if met is None else Verdict.MET if met else Verdict.NOT_MET
        states.append(StandardState(standard, verdict, None))
    return states
