"""Inspections (检查) of stations and what has to be remedied (问题整改): §4.3 and §7.3 of the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.errors import ErrorItem, Forbidden, InvalidInput, NotFound
from app.models.vocabularies import FindingSeverity, FindingState, InspectionSubject, Role, Standard, Verdict
from app.repositories import quality_inspections as repo
from app.repositories.quality_inspections import FindingRow, InspectionRow
from app.repositories.quality_places import Place
from app.services.actors import Actor
from app.services.quality_checks import FIRST_DAY, begin, check_days, check_place, check_version, not_now, station_of
from app.services.station_table import today

LONGEST_TERM = timedelta(days=366)  # to remedy a finding


@dataclass(frozen=True)
class InspectionFacts:
    """What an inspector saw. Scores are 0 to 100, None where a subject was not looked at."""

    inspected_on: date
    verdict_signage: Verdict = Verdict.NOT_CHECKED
    verdict_service: Verdict = Verdict.NOT_CHECKED
    verdict_training: Verdict = Verdict.NOT_CHECKED
    score_construction: int | None = None
    score_operation: int | None = None
    score_service_quality: int | None = None
    remarks: str | None = None
    evidence: tuple[str, ...] = ()

    def columns(self) -> dict[str, Any]:
        values = {n: v.value if isinstance(v, Verdict) else v for n, v in asdict(self).items()}
        return {**values, "evidence": list(self.evidence)}

    @property
    def is_empty(self) -> bool:
        verdicts = (self.verdict_signage, self.verdict_service, self.verdict_training)
        scores = (self.score_construction, self.score_operation, self.score_service_quality)
        return all(v is Verdict.NOT_CHECKED for v in verdicts) and all(s is None for s in scores)


@dataclass(frozen=True)
class FindingFacts:
    """What has to be remedied by ``due_on``: about one standard or one subject."""

    severity: FindingSeverity
    text: str
    due_on: date
    standard: Standard | None = None
    subject: InspectionSubject | None = None

    def columns(self) -> dict[str, Any]:
        return {
            "severity": self.severity.value, "text": self.text, "due_on": self.due_on,
            "standard": self.standard and self.standard.value, "subject": self.subject and self.subject.value,
        }  # fmt: skip


@dataclass(frozen=True)
class InspectionView:
    """An inspection with its findings."""

    row: InspectionRow
    findings: list[FindingRow]


def list_inspections(
    session: Session, actor: Actor, place: Place, *, since: date | None, until: date | None, cancelled: bool,
    after: tuple[date, int] | None, limit: int,
) -> list[InspectionRow]:  # fmt: skip
    """Inspections of stations in scope, the latest first. Raises NotFound, OutOfScope, InvalidInput for the place."""
    actor.require(Role.VIEWER)
    check_place(session, actor, place)
    return repo.list_inspections(
        session, actor.scope, place, since=since, until=until, cancelled=cancelled, after=after, limit=limit
    )


def get_inspection(session: Session, actor: Actor, inspection_id: int) -> InspectionView:
    """One inspection. Raises NotFound, OutOfScope."""
    actor.require(Role.VIEWER)
    row = _inspection(session, actor, inspection_id)
    return InspectionView(row, repo.findings_of(session, inspection_id))


def add_inspection(
    session: Session, actor: Actor, station_code: str, facts: InspectionFacts, findings: Sequence[FindingFacts] = ()
) -> InspectionView:
    """Record an inspection by the actor, with its findings. Raises NotFound, OutOfScope, InvalidInput."""
    actor.require(Role.TOWN_OFFICER, write=True)
    begin(session, actor)
    station_of(session, actor, station_code)
    _check_facts(facts)
    for k, finding in enumerate(findings):
        _check_finding(finding, facts.inspected_on, f"findings.{k}.")
    values = {
        "station_code": station_code, **facts.columns(), "inspector": actor.display_name,
        "inspector_id": actor.user_id,
    }  # fmt: skip
    made = repo.insert_inspection(session, values)
    repo.insert_findings(session, [_new_finding(made, station_code, finding) for finding in findings])
    return get_inspection(session, actor, made)


def change_inspection(
    session: Session, actor: Actor, inspection_id: int, version: int, facts: InspectionFacts
) -> InspectionView:
    """Correct what was recorded. A town officer may correct own inspections only.

    Raises NotFound, OutOfScope, Forbidden, StaleVersion; Conflict for a cancelled one.
    """
    held = _to_be_changed(session, actor, inspection_id)
    check_version(held, version, facts.columns())
    _check_facts(facts)
    for finding in repo.findings_of(session, inspection_id):
        if finding.due_on < facts.inspected_on:
            check_days("inspected_on", facts.inspected_on, FIRST_DAY, finding.due_on)
    repo.update_inspection(session, inspection_id, facts.columns())
    return get_inspection(session, actor, inspection_id)


def cancel_inspection(session: Session, actor: Actor, inspection_id: int, version: int, reason: str) -> InspectionView:
    """Take back an inspection that was entered by mistake: it stays on record, and counts nowhere."""
    held = _to_be_changed(session, actor, inspection_id, reason)
    check_version(held, version, {})
    repo.update_inspection(session, inspection_id, {"is_cancelled": True})
    return get_inspection(session, actor, inspection_id)


def list_findings(
    session: Session, actor: Actor, place: Place, *, states: Sequence[FindingState], overdue: bool,
    after: tuple[date, int] | None, limit: int, day: date | None = None,
) -> list[FindingRow]:  # fmt: skip
    """Findings at stations in scope by the day that they are due; ``overdue``: not remedied though due before today."""
    actor.require(Role.VIEWER)
    check_place(session, actor, place)
    return repo.list_findings(
        session, actor.scope, place, states=[state.value for state in states],
        overdue_on=(day or today()) if overdue else None, after=after, limit=limit,
    )  # fmt: skip


def add_finding(session: Session, actor: Actor, inspection_id: int, finding: FindingFacts) -> FindingRow:
    """Add a finding to an inspection. Raises as ``change_inspection`` does."""
    held = _to_be_changed(session, actor, inspection_id)
    _check_finding(finding, held.inspected_on)
    (made,) = repo.insert_findings(session, [_new_finding(inspection_id, held.station_code, finding)])
    return _finding(session, actor, made)


def change_finding(session: Session, actor: Actor, finding_id: int, version: int, facts: FindingFacts) -> FindingRow:
    """Correct a finding, or give it another day, while it is open. Raises as ``change_inspection`` does."""
    actor.require(Role.TOWN_OFFICER, write=True)
    begin(session, actor)
    held = _finding(session, actor, finding_id)
    _require_own(actor, held.inspector_id)
    check_version(held, version, facts.columns())
    _require_state(held, FindingState.OPEN)
    _check_finding(facts, held.inspected_on)
    repo.update_finding(session, finding_id, facts.columns())
    return _finding(session, actor, finding_id)


def remedy_finding(
    session: Session, actor: Actor, finding_id: int, version: int, remedied_on: date, text: str
) -> FindingRow:
    """Report that a finding is remedied (整改). Raises NotFound, OutOfScope, StaleVersion, Conflict, InvalidInput."""
    actor.require(Role.TOWN_OFFICER, write=True)
    begin(session, actor)
    held = _finding(session, actor, finding_id)
    check_version(held, version, {"remedied_on": remedied_on, "remedy_text": text})
    _require_state(held, FindingState.OPEN)
    check_days("remedied_on", remedied_on, held.inspected_on, today())
    values = {"state": FindingState.REMEDIED.value, "remedied_on": remedied_on, "remedy_text": text}
    repo.update_finding(session, finding_id, values)
    return _finding(session, actor, finding_id)


def close_finding(session: Session, actor: Actor, finding_id: int, version: int) -> FindingRow:
    """Confirm that it is remedied (销号): by the district or above. Raises as ``remedy_finding`` does."""
    held = _to_be_judged(session, actor, finding_id, version, None)
    values = {"state": FindingState.CLOSED.value, "closed_on": today(), "closed_by": actor.username}
    repo.update_finding(session, held.id, values)
    return _finding(session, actor, finding_id)


def return_finding(session: Session, actor: Actor, finding_id: int, version: int, reason: str) -> FindingRow:
    """It is not remedied after all: open again, with the reason on record. Raises as ``remedy_finding`` does."""
    held = _to_be_judged(session, actor, finding_id, version, reason)
    values = {"state": FindingState.OPEN.value, "remedied_on": None, "remedy_text": None}
    repo.update_finding(session, held.id, values)
    return _finding(session, actor, finding_id)


def _to_be_judged(session: Session, actor: Actor, finding_id: int, version: int, reason: str | None) -> FindingRow:
    actor.require(Role.DISTRICT_OFFICER, write=True)
    begin(session, actor, reason)
    held = _finding(session, actor, finding_id)
    check_version(held, version, {})
    _require_state(held, FindingState.REMEDIED)
    return held


def _to_be_changed(session: Session, actor: Actor, inspection_id: int, reason: str | None = None) -> InspectionRow:
    actor.require(Role.TOWN_OFFICER, write=True)
    begin(session, actor, reason)
    held = _inspection(session, actor, inspection_id)
    _require_own(actor, held.inspector_id)
    if held.is_cancelled:
        raise not_now("id", "已撤销", "cancelled", "请另记一次检查", "record another inspection")
    return held


def _require_own(actor: Actor, inspector_id: int | None) -> None:
    """What the district has found is not for the town to change."""
    if actor.role.rank >= Role.DISTRICT_OFFICER.rank or (actor.user_id is not None and actor.user_id == inspector_id):
        return
    item = ErrorItem(
        "id", "不是您本人的检查", "is somebody else's inspection", remedy_zh="请由检查人或区级以上人员修改",
        remedy_en="ask the inspector, or an officer of the district",
    )  # fmt: skip
    raise Forbidden("只能修改本人的检查。", "Only your own inspections are yours to change.", errors=[item])


def _require_state(held: FindingRow, state: FindingState) -> None:
    if held.is_cancelled:
        raise not_now("id", "检查已撤销", "of a cancelled inspection", "请另记一次检查", "record another inspection")
    if held.state != state.value:
        now = FindingState(held.state)
        raise not_now(
            "state", now.title_zh, now.value, f"此操作只适用于“{state.title_zh}”", f"only for what is {state.value}"
        )


def _inspection(session: Session, actor: Actor, inspection_id: int) -> InspectionRow:
    held = repo.get_inspection(session, inspection_id)
    if held is None:
        raise NotFound(f"没有编号为 {inspection_id} 的检查。", f"There is no inspection {inspection_id}.")
    station_of(session, actor, held.station_code)
    return held


def _finding(session: Session, actor: Actor, finding_id: int) -> FindingRow:
    held = repo.get_finding(session, finding_id)
    if held is None:
        raise NotFound(f"没有编号为 {finding_id} 的问题。", f"There is no finding {finding_id}.")
    station_of(session, actor, held.station_code)
    return held


def _new_finding(inspection_id: int, station_code: str, finding: FindingFacts) -> dict[str, Any]:
    return {"inspection_id": inspection_id, "station_code": station_code, **finding.columns()}


def _check_facts(facts: InspectionFacts) -> None:
    check_days("inspected_on", facts.inspected_on, FIRST_DAY, today())
    if facts.is_empty:
        item = ErrorItem(
            "verdict_signage", "没有任何结论或分数", "no verdict and no score at all",
            remedy_zh="至少填一项三规范结论或一项分数", remedy_en="give at least one verdict or one score",
        )  # fmt: skip
        raise InvalidInput("检查没有内容。", "The inspection says nothing.", errors=[item])


def _check_finding(finding: FindingFacts, inspected_on: date, prefix: str = "") -> None:
    if (finding.standard is None) == (finding.subject is None):
        item = ErrorItem(
            f"{prefix}standard", "standard 与 subject 须恰好填一个", "exactly one of standard and subject is needed",
            remedy_zh="属于三规范的填 standard,属于检查内容的填 subject",
            remedy_en="standard for one of the three standards, else subject",
        )  # fmt: skip
        raise InvalidInput("问题类别有误。", "What the finding is about is not clear.", errors=[item])
    check_days(f"{prefix}due_on", finding.due_on, inspected_on, inspected_on + LONGEST_TERM)
