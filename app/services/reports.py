"""The steps of a quarterly report: submitted, returned with a reason, accepted; from the station up to the city.

A draft becomes submitted; what is submitted is accepted or returned; what is returned is submitted again; what was
accepted may still be returned. Figures stand still while a report above them is submitted or accepted. Whoever returns
a report takes back with it those that it went on to: one that is only submitted, if he might have submitted it; one
that is accepted, if he might have accepted it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from app.errors import Conflict, ErrorItem, InvalidInput, NotFound, StaleVersion
from app.models.vocabularies import ReportLevel, ReportState, Role
from app.repositories import reports as repo
from app.repositories.context import ledger_moment
from app.repositories.reports import EventRow, ReportRow
from app.repositories.training_totals import Figures
from app.services.acting import act_as
from app.services.actors import Actor
from app.services.quarters import Quarter
from app.services.report_tree import ReportTree, Subject, report_tree
from app.settings import ReportSettings

SUBMITS = {
    ReportLevel.STATION: Role.TOWN_OFFICER,
    ReportLevel.TOWN: Role.TOWN_OFFICER,
    ReportLevel.DISTRICT: Role.DISTRICT_OFFICER,
}
DECIDES = {
    ReportLevel.STATION: Role.TOWN_OFFICER,
    ReportLevel.TOWN: Role.DISTRICT_OFFICER,
    ReportLevel.DISTRICT: Role.CITY_OFFICER,
}


class Step(StrEnum):
    SUBMIT = "submit"
    RETURN = "return"
    ACCEPT = "accept"


BEGINS: dict[Step, tuple[ReportState, ...]] = {
    Step.SUBMIT: (ReportState.DRAFT, ReportState.RETURNED),
    Step.RETURN: (ReportState.SUBMITTED, ReportState.ACCEPTED),
    Step.ACCEPT: (ReportState.SUBMITTED,),
}
ENDS = {
    Step.SUBMIT: ReportState.SUBMITTED, Step.RETURN: ReportState.RETURNED, Step.ACCEPT: ReportState.ACCEPTED
}  # fmt: skip


@dataclass(frozen=True)
class StepQuestion:
    """One step for several subjects of a level: all of them or none.

    ``versions`` by code, where the caller has seen some; ``missing`` says why one below is not in the report.
    """

    step: Step
    level: ReportLevel
    codes: Sequence[str]
    reason: str | None = None
    versions: Mapping[str, int] | None = None
    missing: Mapping[str, str] | None = None


@dataclass(frozen=True)
class ReportView:
    """One report with those below it and its steps. ``differences`` are figures that are not those submitted."""

    subject: Subject
    children: list[Subject]
    events: list[EventRow]
    missing: dict[str, str]
    differences: dict[str, tuple[Any, Any]]
    tree: ReportTree

    @property
    def reconciles(self) -> bool:
        """Do the figures of those below add up to this one's?"""
        return not self.children or self.subject.figures == sum((c.figures for c in self.children), Figures())


def take_step(
    session: Session, actor: Actor, quarter: Quarter, question: StepQuestion, settings: ReportSettings
) -> list[ReportRow]:
    """Take a step; the reports after it, in the order of the codes.

    Raises Forbidden, OutOfScope, NotFound, InvalidInput (a return without reason), Conflict, StaleVersion.
    """
    role = (SUBMITS if question.step is Step.SUBMIT else DECIDES)[question.level]
    actor.require(role, write=True)
    act_as(session, actor, reason=question.reason)
    ledger_moment(session)  # one writer at a time: no line changes between this look and the step
    tree = report_tree(session, quarter, settings)
    if question.step is Step.RETURN and not (question.reason or "").strip():
        raise _invalid(
            "reason", "退回须写明原因", "a return needs a reason", None, "写明要改什么", "say what is to be mended"
        )
    subjects = [_subject(tree, actor, question.level, code) for code in question.codes]
    faults: list[ErrorItem] = []
    for subject in subjects:
        faults += _check_state(subject, question)
        faults += _check_below(tree, subject, question) if question.step is Step.SUBMIT else []
        faults += _check_above(tree, actor, subject) if question.step is Step.RETURN else []
    if faults:
        stale = all(item.field.endswith("version") for item in faults)
        kind = StaleVersion if stale else Conflict
        raise kind("报表不能如此变更,未作任何改动。", "The step cannot be taken; nothing was changed.", errors=faults)
    for subject in subjects:
        _write(session, actor, tree, subject, question)
        if question.step is Step.RETURN:
            for upper in tree.above(subject.key):
                if upper.state in (ReportState.SUBMITTED, ReportState.ACCEPTED):
                    _return_upper(session, actor, quarter, upper, subject, question.reason)
    return [_kept(session, question.level, code, quarter) for code in question.codes]


def view_report(
    session: Session, actor: Actor, quarter: Quarter, level: ReportLevel, code: str, settings: ReportSettings,
    known_at: datetime | None = None,
) -> ReportView:  # fmt: skip
    """One report as was known at a moment (None: now). Raises NotFound, OutOfScope."""
    actor.require(Role.VIEWER)
    tree = report_tree(session, quarter, settings, known_at)
    subject = _subject(tree, actor, level, code)
    events = [] if subject.report_id is None else repo.events_of(session, [subject.report_id], until=known_at)
    sent = next((event for event in reversed(events) if event.to_state == ReportState.SUBMITTED), None)
    frozen, now = sent.totals if sent is not None else None, totals_json(subject.figures)
    differences = {n: (frozen[n], now[n]) for n in now if frozen is not None and frozen.get(n) != now[n]}
    missing = sent.missing if sent is not None else {}
    return ReportView(subject, tree.children(subject.key), events, missing, differences, tree)


def list_reports(
    session: Session, actor: Actor, quarter: Quarter, settings: ReportSettings, known_at: datetime | None = None
) -> list[Subject]:
    """Everybody in the actor's scope who reports in a quarter, by level (stations first) and code."""
    actor.require(Role.VIEWER)
    tree = report_tree(session, quarter, settings, known_at)
    return [s for s in tree.subjects.values() if actor.scope.holds(s.district_code, s.town_code)]


def totals_json(figures: Figures) -> dict[str, Any]:
    """Figures as they are kept with a submission."""
    return {
        "sessions_held": figures.sessions_held, "trainee_visits": figures.trainee_visits,
        "training_hours": float(figures.training_hours), "certificates": figures.certificates,
        "stations": figures.stations,
    }  # fmt: skip


def _subject(tree: ReportTree, actor: Actor, level: ReportLevel, code: str) -> Subject:
    subject = tree.subjects.get((level.value, code))
    if subject is None:
        item = ErrorItem(
            "code", f"本季度没有这个{level.title_zh}的报表", f"no {level.value} of this code reports in this quarter",
            value=code, remedy_zh="报表清单见 /v1/ledger/reports", remedy_en="/v1/ledger/reports lists all reports",
        )  # fmt: skip
        raise NotFound(f"没有 {code} 的报表。", f"There is no report of {code}.", errors=[item])
    actor.require_area(subject.district_code, subject.town_code, field="code", value=code)
    return subject


def _check_state(subject: Subject, question: StepQuestion) -> list[ErrorItem]:
    items = []
    if subject.state not in BEGINS[question.step]:
        possible = "、".join(state.title_zh for state in BEGINS[question.step])
        items.append(
            ErrorItem(
                f"{subject.code}.state", f"现为“{subject.state.title_zh}”", f"is {subject.state.value} now",
                value=question.step.value, remedy_zh=f"此步骤须在“{possible}”时进行",
                remedy_en=f"this step begins at {' or '.join(BEGINS[question.step])}",
            )
        )  # fmt: skip
    seen = (question.versions or {}).get(subject.code)
    version = subject.version
    if seen is not None and seen != version:
        items.append(
            ErrorItem(
                f"{subject.code}.version", f"报表已有变更,现为版本 {version}",
                f"has changed, it is version {version} now",
                value=str(seen), remedy_zh="重新读取后再操作", remedy_en="read it anew",
            )
        )  # fmt: skip
    return items


def _check_below(tree: ReportTree, subject: Subject, question: StepQuestion) -> list[ErrorItem]:
    """Everybody below has been accepted, or it is said why he is missing."""
    told = question.missing or {}
    return [
        ErrorItem(
            f"{subject.code}.{child.code}", f"{child.name or child.code} 的报表为“{child.state.title_zh}”",
            f"the report of {child.name or child.code} is {child.state.value}", value=child.code,
            remedy_zh="先接收其报表,或在 missing 中写明缺报原因",
            remedy_en="accept it first, or say in missing why it is not there",
        )
        for child in tree.children(subject.key)
        if child.state is not ReportState.ACCEPTED and not (told.get(child.code) or "").strip()
    ]  # fmt: skip


def _check_above(tree: ReportTree, actor: Actor, subject: Subject) -> list[ErrorItem]:
    """Those that it went on to are returned with it: so he must be one who may return those."""
    return [
        ErrorItem(
            f"{subject.code}.state", f"{upper.name or upper.code} 的报表已是“{upper.state.title_zh}”",
            f"the report of {upper.name or upper.code} is {upper.state.value} already", value=upper.code,
            remedy_zh="请上级先退回其报表", remedy_en="ask those above to return that one first",
        )
        for upper in tree.above(subject.key)
        if upper.state in (ReportState.SUBMITTED, ReportState.ACCEPTED) and not _may_take_back(actor, upper)
    ]  # fmt: skip


def _may_take_back(actor: Actor, subject: Subject) -> bool:
    role = (DECIDES if subject.state is ReportState.ACCEPTED else SUBMITS)[subject.level]
    return actor.role.rank >= role.rank and actor.scope.holds(subject.district_code, subject.town_code)


def _write(session: Session, actor: Actor, tree: ReportTree, subject: Subject, question: StepQuestion) -> None:
    moment = ledger_moment(session)
    to_state = ENDS[question.step]
    values: dict[str, Any] = {
        "state": to_state.value, "district_code": subject.district_code, "town_code": subject.town_code,
    }  # fmt: skip
    totals, told = None, {}
    if question.step is Step.SUBMIT:
        totals = totals_json(subject.figures)
        below = {child.code for child in tree.children(subject.key) if child.state is not ReportState.ACCEPTED}
        told = {code: why for code, why in (question.missing or {}).items() if code in below}
        values |= {
            "submitted_at": moment, "submitted_by": actor.username, "totals": totals, "missing": told,
            "return_reason": None,
        }  # fmt: skip
    else:
        reason = question.reason if question.step is Step.RETURN else None
        values |= {"decided_at": moment, "decided_by": actor.username, "return_reason": reason}
    _put(session, actor, tree.quarter, subject, to_state, values, question.reason, totals, told)


def _return_upper(
    session: Session, actor: Actor, quarter: Quarter, upper: Subject, cause: Subject, reason: str | None
) -> None:
    held = repo.find_report(session, upper.level.value, upper.code, str(quarter))
    if held is None or held.state == ReportState.RETURNED:
        return  # returned a moment ago, with another one of this call
    why = f"{cause.name or cause.code}:{reason}"
    values = {
        "state": ReportState.RETURNED.value, "decided_at": ledger_moment(session), "decided_by": actor.username,
        "return_reason": why,
    }  # fmt: skip
    _put(session, actor, quarter, upper, ReportState.RETURNED, values, why)


def _put(
    session: Session, actor: Actor, quarter: Quarter, subject: Subject, to_state: ReportState,
    values: Mapping[str, Any], reason: str | None, totals: dict[str, Any] | None = None,
    missing: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    row = repo.put_report(session, (subject.level.value, subject.code, str(quarter)), values)
    repo.add_event(
        session,
        {
            "report_id": row.id, "by": actor.username, "from_state": subject.state.value, "to_state": to_state.value,
            "reason": reason, "totals": totals, "missing": dict(missing or {}),
        },
    )  # fmt: skip


def _kept(session: Session, level: ReportLevel, code: str, quarter: Quarter) -> ReportRow:
    row = repo.find_report(session, level.value, code, str(quarter))
    if row is None:
        raise LookupError(code)
    return row


def _invalid(field: str, zh: str, en: str, value: str | None, remedy_zh: str, remedy_en: str) -> InvalidInput:
    item = ErrorItem(field, zh, en, value=value, remedy_zh=remedy_zh, remedy_en=remedy_en)
    return InvalidInput("报表操作有误。", "The step is wrong.", errors=[item])
