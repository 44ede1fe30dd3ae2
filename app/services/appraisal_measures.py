"""What a yearly appraisal measures of a station, each with a sentence that says how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from app.models.vocabularies import AppraisalComponent, FindingSeverity, Standard, StationStatus, Verdict
from app.repositories.quality_facts import FindingFact, InspectionFact, StationFacts, StationPhase
from app.repositories.quality_ratings import NO_RATINGS, RatingSums
from app.services.appraisal_scores import Measured, points
from app.services.ratings import average
from app.settings import QualitySettings

SHARES = {Verdict.MET: Fraction(1), Verdict.PARTLY: Fraction(1, 2), Verdict.NOT_MET: Fraction(0)}
SEVERITIES = {FindingSeverity.MINOR: 1, FindingSeverity.MAJOR: 2, FindingSeverity.CRITICAL: 3}


@dataclass(frozen=True)
class YearFacts:
    """All that is looked at for one station. ``visits`` is None where no station at all has reported training."""

    station: StationFacts
    days_open: int
    inspections: Sequence[InspectionFact] = ()
    findings: Sequence[FindingFact] = ()
    visits: int | None = None
    ratings: RatingSums = NO_RATINGS
    complaints: tuple[int, int] = (0, 0)  # due, and answered in time


def days_open(phases: Sequence[StationPhase], first: date, last: date) -> int:
    """How many days from ``first`` to ``last`` a station was open, by the rule of ``StationInfo.is_open_on``."""
    total = 0
    for phase in phases:
        if phase.status == StationStatus.SUSPENDED:
            continue
        if phase.status == StationStatus.CLOSED and phase.closed_on is None:
            continue
        if phase.opened_on is None and phase.status != StationStatus.OPEN:
            continue
        begin = max(day for day in (first, phase.valid_from, phase.opened_on) if day is not None)
        ends = [last + timedelta(days=1), phase.valid_to, phase.closed_on]
        total += max(0, (min(day for day in ends if day is not None) - begin).days)
    return total


def measure(facts: YearFacts, year: int, settings: QualitySettings) -> list[Measured]:
    """All components of a station, in their order."""
    return [
        _standards(facts),
        _inspection(facts),
        _findings(facts),
        _training(facts, year, settings),
        _staff_trained(facts),
        _rating(facts, settings),
        _complaints(facts),
    ]


def _standards(facts: YearFacts) -> Measured:
    """三规范: of each standard the latest verdict of the year, else what the ledger says of it."""
    shares: list[Fraction] = []
    told_zh, told_en = [], []
    recorded = (facts.station.signage_met, facts.station.service_met, facts.station.training_met)
    for k, standard in enumerate(Standard):
        found = next((i for i in facts.inspections if i.verdicts[k] != Verdict.NOT_CHECKED), None)
        if found is not None:
            verdict = Verdict(found.verdicts[k])
            source_zh, source_en = f"{found.inspected_on} 检查", f"inspected {found.inspected_on}"
        elif recorded[k] is not None:
            verdict = Verdict.MET if recorded[k] else Verdict.NOT_MET
            source_zh, source_en = "台账", "ledger"
        else:
            continue
        shares.append(SHARES[verdict])
        told_zh.append(f"{standard.title_zh}{verdict.title_zh}({source_zh})")
        told_en.append(f"{standard.title_en.lower()} {verdict.title_en.lower()} ({source_en})")
    if not shares:
        return _unknown(AppraisalComponent.STANDARDS, "三规范均未检查", "no standard was checked")
    share = sum(shares, Fraction(0)) / len(shares)
    return Measured(
        AppraisalComponent.STANDARDS, round(float(share), 4), points(share), "、".join(told_zh), "; ".join(told_en)
    )


def _inspection(facts: YearFacts) -> Measured:
    """The mean of the year's inspections, of each the mean of the subjects that were scored."""
    means = []
    for inspection in facts.inspections:
        scored = [score for score in inspection.scores if score is not None]
        if scored:
            means.append(Fraction(sum(scored), len(scored)))
    if not means:
        return _unknown(AppraisalComponent.INSPECTION, "当年没有打分的检查", "no inspection of the year gave scores")
    mean = sum(means, Fraction(0)) / len(means)
    return Measured(
        AppraisalComponent.INSPECTION, round(float(mean), 2), points(mean / 100),
        f"当年 {len(means)} 次检查平均 {float(mean):.1f} 分",
        f"{len(means)} inspection(s) of the year, {float(mean):.1f} on average",
    )  # fmt: skip


def _findings(facts: YearFacts) -> Measured:
    """Findings due in the year that were remedied by their day; a critical one weighs three times a minor one."""
    if not facts.findings:
        if not facts.inspections:
            return _unknown(AppraisalComponent.FINDINGS, "当年没有检查", "there was no inspection in the year")
        return Measured(
            AppraisalComponent.FINDINGS, 1.0, points(1), "当年检查没有到期的问题", "inspected, and no finding was due"
        )
    weights = [SEVERITIES[FindingSeverity(f.severity)] for f in facts.findings]
    done = sum(w for w, f in zip(weights, facts.findings, strict=True) if f.is_in_time)
    share, count = Fraction(done, sum(weights)), sum(f.is_in_time for f in facts.findings)
    return Measured(
        AppraisalComponent.FINDINGS, round(float(share), 4), points(share),
        f"到期问题 {len(facts.findings)} 项,按期整改 {count} 项(按严重程度加权 {float(share):.0%})",
        f"{len(facts.findings)} finding(s) due, {count} remedied in time ({float(share):.0%} weighted by severity)",
    )  # fmt: skip


def _training(facts: YearFacts, year: int, settings: QualitySettings) -> Measured:
    """Trainee-visits against seats, for the part of the year in which the station was open."""
    component, seats = AppraisalComponent.TRAINING, facts.station.seats
    if facts.visits is None:
        return _unknown(component, "当年全市没有培训台账", "no training was reported by any station in the year")
    if not seats:
        return _unknown(component, "台账没有座位数", "the ledger does not say how many seats there are")
    days = (date(year + 1, 1, 1) - date(year, 1, 1)).days
    asked = seats * Fraction(settings.appraisal_visits_per_seat) * facts.days_open / days
    rate = Fraction(facts.visits) / asked if asked else Fraction(0)
    return Measured(
        component, round(float(rate), 4), points(rate),
        f"培训 {facts.visits} 人次;{seats} 座、开放 {facts.days_open} 天,满分为 {float(asked):.0f} 人次",
        f"{facts.visits} trainee-visits; {seats} seats open for {facts.days_open} days have all points at "
        f"{float(asked):.0f}",
    )  # fmt: skip


def _staff_trained(facts: YearFacts) -> Measured:
    """岗前培训率, which the plan wants to be 100 % (§4.3)."""
    staff, trained = facts.station.staff_count, facts.station.staff_trained_count
    if not staff or trained is None:
        return _unknown(AppraisalComponent.STAFF_TRAINED, "台账没有工作人员数", "the ledger has no number of staff")
    share = Fraction(trained, staff)
    return Measured(
        AppraisalComponent.STAFF_TRAINED, round(float(share), 4), points(share),
        f"工作人员 {staff} 人,岗前培训 {trained} 人", f"{trained} of {staff} staff trained before starting",
    )  # fmt: skip


def _rating(facts: YearFacts, settings: QualitySettings) -> Measured:
    """The Bayesian average of the year's ratings: one star has no points, five have all."""
    made = average(facts.ratings, settings)
    if made.stars is None:
        return _unknown(AppraisalComponent.RATING, "当年没有评价", "nobody rated it in the year")
    return Measured(
        AppraisalComponent.RATING, round(made.stars, 4), points((Fraction(made.stars) - 1) / 4),
        f"{made.ratings} 次评价(加权 {made.weight:g} 次),平均 {made.stars:.2f} 星"
        f"(向 {settings.rating_prior_stars:g} 星收缩)",
        f"{made.ratings} rating(s) that weigh {made.weight:g}, {made.stars:.2f} stars on average "
        f"(shrunk towards {settings.rating_prior_stars:g})",
    )  # fmt: skip


def _complaints(facts: YearFacts) -> Measured:
    """Complaints answered by the day that they were due."""
    due, answered = facts.complaints
    if due == 0:
        return _unknown(AppraisalComponent.COMPLAINTS, "当年没有到期的投诉", "no complaint was due in the year")
    share = Fraction(answered, due)
    return Measured(
        AppraisalComponent.COMPLAINTS, round(float(share), 4), points(share),
        f"到期投诉 {due} 件,按期答复 {answered} 件", f"{answered} of {due} complaint(s) answered in time",
    )  # fmt: skip


def _unknown(component: AppraisalComponent, text_zh: str, text_en: str) -> Measured:
    return Measured(
        component, None, None, f"{text_zh}:不计入,其权重由其他各项按比例分担",
        f"{text_en}: left out, and its weight goes to the others in proportion",
    )  # fmt: skip
