"""Writing and reading the training ledger (培训台账): lines of a station, a quarter, a kind of training and a group.

Writers follow one another (``ledger_moment``). A line names the version that its writer saw; a new one names none. All
edits of a call are written or none, with every fault said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from app.errors import ErrorItem, NotFound
from app.models.vocabularies import CourseKind, Role, TargetGroup
from app.repositories import station_records as station_repo
from app.repositories import training as repo
from app.repositories.context import ledger_moment
from app.repositories.scope import Scope
from app.repositories.training import FIGURES, EntryFilter, EntryRow, Line
from app.services.acting import act_as
from app.services.actors import Actor
from app.services.quarters import check_quarter
from app.services.report_locks import locked_pairs
from app.services.station_ledger import FieldConflict, Outcome
from app.services.suggestions import unknown_code

LARGEST = 1_000_000
FIGURE_TITLES = {
    "sessions_held": "班次", "trainee_visits": "人次", "training_hours": "学时", "certificates": "取证人数",
    "note": "备注",
}  # fmt: skip


@dataclass(frozen=True)
class EntryEdit:
    """What an officer wants a line to say. ``version`` is the one that he saw, None for a new line."""

    station_code: str
    quarter: str
    kind: str
    target_group: str
    sessions_held: int
    trainee_visits: int
    training_hours: Decimal
    certificates: int
    note: str | None = None
    version: int | None = None

    @property
    def line(self) -> Line:
        return self.station_code, self.quarter, self.kind, self.target_group

    @property
    def figures(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in (*FIGURES, "note")}


@dataclass
class EntryResult:
    """What comes of one edit; ``changes`` maps a figure to its old and new value."""

    line: Line
    outcome: Outcome
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    faults: list[ErrorItem] = field(default_factory=list)
    conflicts: list[FieldConflict] = field(default_factory=list)
    out_of_scope: bool = False
    locked: bool = False
    entry: EntryRow | None = None


@dataclass(frozen=True)
class _Known:
    """What edits are judged by."""

    stations: dict[str, tuple[str | None, str | None]]  # code -> district, town
    entries: dict[Line, EntryRow]
    locked: set[tuple[str, str]]
    repeated: set[Line]


def save_entries(
    session: Session, actor: Actor, edits: Sequence[EntryEdit], *, reason: str | None = None, dry_run: bool = False
) -> list[EntryResult]:
    """Check all edits, and write them if none is faulty and not ``dry_run``; what comes of each, in their order.

    Waits for other writers of the ledger. Raises Forbidden for a role below town officer.
    """
    actor.require(Role.TOWN_OFFICER, write=True)
    act_as(session, actor, reason=reason)
    ledger_moment(session)
    known = _known(session, edits)
    results = [_judge(actor, edit, known) for edit in edits]
    if dry_run or any(r.outcome in (Outcome.FAULTY, Outcome.CONFLICT) for r in results):
        return results
    added = [
        {**dict(zip(repo.LINE, edit.line, strict=True)), **edit.figures}
        for edit, result in zip(edits, results, strict=True)
        if result.outcome is Outcome.ADDED
    ]
    changed = [
        {"id": known.entries[edit.line].id, **edit.figures}
        for edit, result in zip(edits, results, strict=True)
        if result.outcome is Outcome.CHANGED
    ]
    repo.insert_entries(session, added)
    repo.update_entries(session, changed)
    after = repo.entries_of_lines(session, [edit.line for edit in edits])
    for result in results:
        result.entry = after.get(result.line)
    return results


def _known(session: Session, edits: Sequence[EntryEdit]) -> _Known:
    lines = [edit.line for edit in edits]
    codes = {line[0] for line in lines}
    stations = {
        code: (kept.district_code, kept.town_code)
        for code, kept in station_repo.records_of_codes(session, codes).items()
    }
    seen: set[Line] = set()
    repeated = {line for line in lines if line in seen or seen.add(line)}  # type: ignore[func-returns-value]
    pairs = {(line[0], line[1]) for line in lines}
    return _Known(stations, repo.entries_of_lines(session, lines), locked_pairs(session, pairs), repeated)


def _judge(actor: Actor, edit: EntryEdit, known: _Known) -> EntryResult:
    result = EntryResult(edit.line, Outcome.FAULTY)
    result.faults += _check_values(edit)
    if edit.line in known.repeated:
        result.faults.append(
            _fault(
                "target_group", "与另一行重复", "stands here twice", edit.target_group, "合并为一行", "merge the lines"
            )
        )
    place = known.stations.get(edit.station_code)
    if place is None:
        result.faults.append(
            unknown_code(
                "station_code", edit.station_code, list(known.stations), "站点", "station",
                "先登记站点,或核对编号", "register the station first, or check the code",
            )
        )  # fmt: skip
    elif not actor.scope.holds(*place):
        result.out_of_scope = True
        result.faults.append(
            _fault(
                "station_code", f"不在管辖范围 {actor.scope.code} 之内", f"is outside of the scope {actor.scope.code}",
                edit.station_code, "他区站点由该区填报", "its own officers report it",
            )
        )  # fmt: skip
    held = known.entries.get(edit.line)
    if not result.faults:
        _compare(edit, held, result)
    if result.outcome is not Outcome.UNCHANGED and (edit.station_code, edit.quarter) in known.locked:
        result.locked, result.outcome = True, Outcome.FAULTY
        result.faults.append(_locked(edit.quarter))
    return result


def _locked(quarter: str) -> ErrorItem:
    return _fault(
        "quarter", "该站点本季度报表已报送或接收", "the report of this quarter is submitted or accepted", quarter,
        "请上级先退回报表", "have the report returned first",
    )  # fmt: skip


def _compare(edit: EntryEdit, held: EntryRow | None, result: EntryResult) -> None:
    """Sets what an edit without faults comes to."""
    if held is None:
        if edit.version is not None:
            result.faults.append(
                _fault(
                    "version", "该行已不存在", "the line is no longer there", str(edit.version),
                    "去掉版本,作为新行填报",
                    "leave the version out to enter it anew",
                )
            )  # fmt: skip
            return
        result.outcome = Outcome.ADDED
        return
    result.entry = held
    changes = {n: (getattr(held, n), v) for n, v in edit.figures.items() if (getattr(held, n) or None) != (v or None)}
    if not changes:
        result.outcome = Outcome.UNCHANGED
        return
    result.changes = changes
    if edit.version is None:
        result.faults.append(
            _fault(
                "version", f"该行已填报(版本 {held.version})", f"there is such a line already (version {held.version})",
                None, "修改请先读取或导出,带上版本", "to change it, read or export it and name its version",
            )
        )  # fmt: skip
    elif edit.version != held.version:
        result.outcome = Outcome.CONFLICT
        result.conflicts = [FieldConflict(name, None, old, new) for name, (old, new) in changes.items()]
    else:
        result.outcome = Outcome.CHANGED


def _check_values(edit: EntryEdit) -> list[ErrorItem]:
    items = [item for item in (check_quarter(edit.quarter),) if item is not None]
    for name, value, words in (
        ("kind", edit.kind, list(CourseKind)), ("target_group", edit.target_group, list(TargetGroup)),
    ):  # fmt: skip
        if value not in words:
            known_zh = "、".join(f"{w.title_zh}({w.value})" for w in words)
            items.append(
                _fault(
                    name,
                    "不是可用的值",
                    "is not one of the values",
                    value,
                    f"可用:{known_zh}",
                    f"one of {', '.join(words)}",
                )
            )
    for name in FIGURES:
        value = getattr(edit, name)
        if not 0 <= value <= LARGEST:
            items.append(
                _fault(
                    name, "超出范围", "is out of range", str(value), f"写 0 至 {LARGEST} 的数",
                    f"write a number from 0 to {LARGEST}",
                )
            )  # fmt: skip
    return items


def _fault(field: str, zh: str, en: str, value: str | None, remedy_zh: str, remedy_en: str) -> ErrorItem:
    return ErrorItem(field, zh, en, value=value, remedy_zh=remedy_zh, remedy_en=remedy_en)


def list_entries(
    session: Session, actor: Actor, wanted: EntryFilter, *, known_at: datetime | None, after: Line | None, limit: int,
    within: Scope | None = None,
) -> list[EntryRow]:  # fmt: skip
    """Lines in the actor's scope (and ``within`` an area) by station, quarter, kind and group, as known at a moment
    (None: now)."""
    actor.require(Role.VIEWER)
    return repo.list_entries(session, actor.scope, wanted, known_at=known_at, after=after, limit=limit, within=within)


def get_entry(session: Session, actor: Actor, entry_id: int) -> EntryRow:
    """One line. Raises NotFound, OutOfScope."""
    actor.require(Role.VIEWER)
    entry = repo.get_entry(session, entry_id)
    if entry is None:
        raise NotFound(f"没有编号为 {entry_id} 的培训台账行。", f"There is no line {entry_id}.")
    place = station_repo.records_of_codes(session, [entry.station_code])[entry.station_code]
    actor.require_area(place.district_code, place.town_code, field="id", value=str(entry_id))
    return entry


def remove_entry(session: Session, actor: Actor, entry_id: int, version: int, *, reason: str) -> EntryResult:
    """Take a line out of the ledger; what was known of it stays known. Raises NotFound, OutOfScope."""
    actor.require(Role.TOWN_OFFICER, write=True)
    act_as(session, actor, reason=reason)
    ledger_moment(session)
    entry = get_entry(session, actor, entry_id)
    result = EntryResult(entry.line, Outcome.CHANGED, entry=entry)
    if entry.version != version:
        result.outcome = Outcome.CONFLICT
        result.conflicts = [FieldConflict("version", version, entry.version, version)]
    elif locked_pairs(session, {(entry.station_code, entry.quarter)}):
        result.outcome, result.locked = Outcome.FAULTY, True
        result.faults.append(_locked(entry.quarter))
    else:
        repo.delete_entry(session, entry_id)
    return result
