"""Who came to a session: it is held then, and what is known of it goes into the training ledger (培训台账).

A session counts once, with its hours, on the line of the group of which most came (of equals the first in the
vocabulary); visits and certificates on the lines of their groups. Recorded again, the difference is applied.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from app.errors import Conflict, ErrorItem, InvalidInput, ReportLocked, StaleVersion
from app.geo.opening_hours import TIME_ZONE
from app.models.vocabularies import Role, SessionStatus, SignUpState, TargetGroup
from app.repositories import courses as course_repo
from app.repositories import sign_ups as repo
from app.repositories import training as training_repo
from app.repositories.context import ledger_moment
from app.repositories.courses import SessionRow
from app.repositories.sign_ups import SignUpRow
from app.services.acting import act_as
from app.services.actors import Actor
from app.services.courses import get_course, get_course_session
from app.services.quarters import quarter_of
from app.services.report_locks import locked_pairs
from app.services.sign_up_secrets import SignUpKeys

ORDER = {group.value: k for k, group in enumerate(TargetGroup)}


@dataclass(frozen=True)
class Came:
    """What an officer counted: those of the list who came, others by group, and certificates by group."""

    attended: Sequence[int]
    walk_ins: Mapping[str, int]
    certificates: Mapping[str, int]


@dataclass(frozen=True)
class Listed:
    """A sign-up as officers see it; ``phone`` is None for viewers, and once it is erased."""

    row: SignUpRow
    phone: str | None


def list_sign_ups(session: Session, actor: Actor, session_id: int, keys: SignUpKeys) -> tuple[SessionRow, list[Listed]]:
    """The sign-ups of a session. Raises NotFound, OutOfScope."""
    about = get_course_session(session, actor, session_id)
    may_call = actor.role.rank >= Role.TOWN_OFFICER.rank and actor.may_write
    found = []
    for row in repo.list_of_session(session, session_id):
        phone = None
        if may_call and row.phone_encrypted is not None:
            phone = keys.decrypted(row.phone_encrypted)
        found.append(Listed(row, phone))
    return about, found


def record_attendance(session: Session, actor: Actor, session_id: int, version: int, came: Came) -> SessionRow:
    """Mark who came, hold the session, and bring the training ledger up to date.

    Raises NotFound, OutOfScope, StaleVersion, InvalidInput, Conflict before the session begins, ReportLocked.
    """
    actor.require(Role.TOWN_OFFICER, write=True)
    act_as(session, actor)
    ledger_moment(session)
    about = get_course_session(session, actor, session_id)
    _check(about, version)
    listed = {row.id: row for row in repo.list_of_session(session, session_id)}
    _check_numbers(listed, came)
    counts = Counter(listed[number].target_group for number in came.attended)
    counts.update(came.walk_ins)
    now = {
        group: (counts.get(group, 0), came.certificates.get(group, 0))
        for group in sorted({*counts, *came.certificates}, key=ORDER.__getitem__)
        if counts.get(group, 0) or came.certificates.get(group, 0)
    }
    before = repo.attendance_of(session, session_id)
    _feed(session, actor, about, before, now)
    here = set(came.attended)
    present = [n for n, row in listed.items() if n in here]
    missing = [n for n, row in listed.items() if n not in here and row.state in _SEATED]
    repo.set_state(session, present, SignUpState.ATTENDED)
    repo.set_state(session, missing, SignUpState.ABSENT)
    rows = [{"target_group": g, "attended": a, "certificates": c} for g, (a, c) in now.items()]
    repo.replace_attendance(session, session_id, rows)
    course_repo.update_session(session, session_id, {
        "status": SessionStatus.HELD.value, "attended": sum(a for a, _ in now.values()),
        "certificates": sum(c for _, c in now.values()),
    })  # fmt: skip
    return get_course_session(session, actor, session_id)


_SEATED = (SignUpState.CONFIRMED, SignUpState.ATTENDED, SignUpState.ABSENT)


def _check(about: SessionRow, version: int) -> None:
    if about.version != version:
        item = ErrorItem(
            "version", f"现为 {about.version}", f"is now {about.version}", value=str(version),
            remedy_zh="重新读取场次", remedy_en="read the session anew",
        )  # fmt: skip
        raise StaleVersion("场次已被他人修改。", "Somebody else has changed the session.", errors=[item])
    if about.status == SessionStatus.CANCELLED or about.starts_at > datetime.now(UTC):
        item = ErrorItem(
            "id", "场次已取消或尚未开始", "it was cancelled, or has not begun", value=str(about.id),
            remedy_zh="开始之后再登记到课", remedy_en="record who came once it has begun",
        )  # fmt: skip
        raise Conflict("还不能登记到课。", "Nobody can have come yet.", errors=[item])


def _check_numbers(listed: Mapping[int, SignUpRow], came: Came) -> None:
    unknown = [n for n in came.attended if n not in listed or listed[n].state == SignUpState.CANCELLED]
    if unknown or len(set(came.attended)) != len(came.attended):
        shown = "、".join(map(str, unknown[:5])) or "重复"
        item = ErrorItem(
            "attended", "不是本场次的有效报名,或重复", "is no sign-up of this session, or stands there twice",
            value=shown, remedy_zh="按报名名单填写编号", remedy_en="take the numbers from the list of sign-ups",
        )  # fmt: skip
        raise InvalidInput("到课名单有误。", "The list of those who came is wrong.", errors=[item])


def _feed(
    session: Session, actor: Actor, about: SessionRow, before: Mapping[str, tuple[int, int]],
    now: Mapping[str, tuple[int, int]],
) -> None:  # fmt: skip
    """Apply the difference to the lines of the ledger. Raises ReportLocked, Conflict."""
    course = get_course(session, actor, about.course_id)
    quarter = str(quarter_of(about.starts_at.astimezone(TIME_ZONE).date()))
    changes = _difference(about, before, now)
    if not changes:
        return
    if locked_pairs(session, {(about.station_code, quarter)}):
        item = ErrorItem(
            "quarter", "该站点本季度报表已报送或接收", "the report of this quarter is submitted or accepted",
            value=quarter, remedy_zh="请上级先退回报表", remedy_en="have the report returned first",
        )  # fmt: skip
        raise ReportLocked("报表已锁定,未写入。", "The report is locked; nothing was written.", errors=[item])
    lines = [(about.station_code, quarter, course.kind, group) for group in changes]
    held = training_repo.entries_of_lines(session, lines)
    added, changed = [], []
    for line in lines:
        figures: dict[str, Any] = dict(zip(training_repo.FIGURES, changes[line[3]], strict=True))
        entry = held.get(line)
        if entry is not None:
            figures = {name: getattr(entry, name) + figures[name] for name in training_repo.FIGURES}
        if min(figures.values()) < 0:
            item = ErrorItem(
                "attended", "台账中该行已少于要减去的数", "the line of the ledger has less than is to be taken away",
                value=line[3], remedy_zh="先核对培训台账", remedy_en="look at the training ledger first",
            )  # fmt: skip
            raise Conflict("培训台账对不上,未写入。", "The training ledger does not agree.", errors=[item])
        if entry is None:
            added.append({**dict(zip(training_repo.LINE, line, strict=True)), **figures, "note": None})
        else:
            changed.append({"id": entry.id, **figures})
    training_repo.insert_entries(session, added)
    training_repo.update_entries(session, changed)


def _difference(
    about: SessionRow, before: Mapping[str, tuple[int, int]], now: Mapping[str, tuple[int, int]]
) -> dict[str, tuple[int, int, Decimal, int]]:
    """Group -> what is to be added: sessions, visits, hours, certificates."""
    hours = Decimal((about.ends_at - about.starts_at).total_seconds() / 3600).quantize(Decimal("0.1"))
    told = {}
    for group in {*before, *now}:
        sessions = (group == _counted_on(now)) - (group == _counted_on(before))
        visits = now.get(group, (0, 0))[0] - before.get(group, (0, 0))[0]
        certificates = now.get(group, (0, 0))[1] - before.get(group, (0, 0))[1]
        if sessions or visits or certificates:
            told[group] = (int(sessions), visits, hours * int(sessions), certificates)
    return told


def _counted_on(counts: Mapping[str, tuple[int, int]]) -> str | None:
    """The group on whose line the session itself counts."""
    if not counts:
        return None
    return min(counts, key=lambda group: (-counts[group][0], ORDER[group]))
