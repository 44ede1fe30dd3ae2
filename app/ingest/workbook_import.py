"""A filled ledger workbook: read, checked cell by cell, and written all or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from app.errors import ErrorItem, FileUnreadable, ImportFailed, OutOfScope, StaleVersion
from app.geo.crs import Crs
from app.ingest.city import loaded_areas, zone_of_areas
from app.ingest.station_places import Surroundings, position_faults
from app.ingest.workbook_cells import CellFault, read_cell
from app.ingest.workbook_reading import cell_name, read_workbook
from app.ingest.workbook_sheets import COLUMNS, TITLES, DataSheet, SheetKind, data_sheets
from app.models.vocabularies import AuditAction, Role
from app.services.actors import Actor
from app.services.audit import note_event
from app.services.station_ledger import EditResult, FieldConflict, Outcome, StationEdit, save_stations
from app.services.station_record import POSITION
from app.services.training import LARGEST, EntryEdit, EntryResult, save_entries

MOST_ROWS = {SheetKind.STATIONS: 5_000, SheetKind.TRAINING: 100_000}
MOST_ITEMS = 500
NOT_OF_THE_RECORD = ("version", "effective_on")


@dataclass
class RowReport:
    """What comes of one row of a sheet; ``faults`` and ``conflicts`` by the name of the cell."""

    row: int
    key: str
    outcome: Outcome = Outcome.UNCHANGED
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)  # by field
    faults: list[tuple[str, ErrorItem]] = field(default_factory=list)
    conflicts: list[tuple[str, FieldConflict]] = field(default_factory=list)
    warnings: list[tuple[str, ErrorItem]] = field(default_factory=list)
    out_of_scope: bool = False

    @property
    def is_stopped(self) -> bool:
        return bool(self.faults or self.conflicts)


@dataclass
class SheetReport:
    """What comes of one sheet; ``faults`` of the sheet as a whole by cell."""

    sheet: DataSheet
    rows: list[RowReport] = field(default_factory=list)
    faults: list[tuple[str, ErrorItem]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.sheet.sheet.name

    def count(self, outcome: Outcome) -> int:
        return sum(row.outcome is outcome for row in self.rows)


@dataclass
class WorkbookReport:
    """What comes of a workbook."""

    sheets: list[SheetReport]
    written: bool = False

    @property
    def is_stopped(self) -> bool:
        return any(sheet.faults or any(row.is_stopped for row in sheet.rows) for sheet in self.sheets)

    def counts(self) -> dict[str, dict[str, int]]:
        """Rows by sheet and outcome."""
        return {sheet.name: {o.value: sheet.count(o) for o in Outcome} for sheet in self.sheets}

    def raise_if_stopped(self) -> None:
        """Raises OutOfScope, StaleVersion (conflicts alone) or ImportFailed, naming sheet, cell, value and remedy."""
        if not self.is_stopped:
            return
        items: list[ErrorItem] = []
        rows = [(sheet, row) for sheet in self.sheets for row in sheet.rows if row.is_stopped]
        for sheet in self.sheets:
            items += [_named(sheet.name, cell, item) for cell, item in sheet.faults]
            for row in sheet.rows:
                items += [_named(sheet.name, cell, item) for cell, item in row.faults]
                items += [_named(sheet.name, cell, _of_conflict(one)) for cell, one in row.conflicts]
        count = len(items)
        if (more := count - MOST_ITEMS) > 0:
            items = [*items[:MOST_ITEMS], ErrorItem("…", f"另有 {more} 处未列出", f"and {more} more")]
        kind: type[ImportFailed | StaleVersion | OutOfScope] = ImportFailed
        if any(row.out_of_scope for _, row in rows):
            kind = OutOfScope
        elif rows and not any(row.faults for _, row in rows) and not any(sheet.faults for sheet in self.sheets):
            kind = StaleVersion
        raise kind(
            f"工作簿中有 {count} 处不能写入,未写入任何数据。先试导入(dry_run=true)可得到标注好的工作簿。",
            f"{count} things in the workbook cannot be written; nothing was. A dry run returns it marked.",
            errors=items,
        )


def import_workbook(
    session: Session, actor: Actor, data: bytes, crs: Crs | None, *, reason: str | None, dry_run: bool
) -> WorkbookReport:
    """Read a workbook and write it, unless ``dry_run`` or anything stops it; the report tells which.

    Raises FileUnreadable; Forbidden for a role below town officer.
    """
    actor.require(Role.TOWN_OFFICER, write=True)  # before anything is unpacked for somebody who may not write
    recognised = data_sheets(read_workbook(data))
    if not recognised:
        headings = "、".join(c.title for c in COLUMNS[SheetKind.STATIONS][:4])
        item = ErrorItem(
            "file", "没有找到站点或培训台账的表头", "no headings of stations or training lines were found",
            remedy_zh=f"使用模板:/v1/ledger/template.xlsx(表头如 {headings})", remedy_en="use /v1/ledger/template.xlsx",
        )  # fmt: skip
        raise FileUnreadable("工作簿中没有台账。", "There is no ledger in the workbook.", errors=[item])
    report = WorkbookReport([_read(sheet) for sheet in recognised])
    report.sheets.sort(key=lambda sheet: sheet.sheet.kind is not SheetKind.STATIONS)
    # written in any case, so that lines of training are judged beside the stations that come with them; and taken back
    attempt = session.begin_nested()
    for sheet in report.sheets:
        is_asked = not dry_run or sheet is not report.sheets[-1]
        _judge(session, actor, sheet, crs, reason=reason, dry_run=not is_asked or report.is_stopped)
    report.written = not dry_run and not report.is_stopped
    if report.written:
        attempt.commit()
    else:
        attempt.rollback()
    action = AuditAction.IMPORT if report.written else AuditAction.DRY_RUN
    note_event(session, actor, action, "workbook", digest_of(data), reason=reason, details=report.counts())
    return report


def digest_of(data: bytes) -> str:
    """By what the audit knows a file."""
    return hashlib.sha256(data).hexdigest()[:16]


def _read(sheet: DataSheet) -> SheetReport:
    """The rows of a sheet with their keys, and what is wrong with the sheet as a whole."""
    report = SheetReport(sheet, faults=list(sheet.faults))
    rows = sheet.sheet.rows
    for first_row, first_column, last_row, last_column in sheet.sheet.merged:
        if last_row > sheet.heading and any(first_column <= k <= last_column for k in sheet.columns):
            name = cell_name(first_row, first_column)
            item = ErrorItem(
                "merged", f"合并单元格 {name}:{cell_name(last_row, last_column)}", "merged cells",
                value=f"{name}:{cell_name(last_row, last_column)}", remedy_zh="取消合并,逐格填写",
                remedy_en="unmerge them and fill in every cell",
            )  # fmt: skip
            report.faults.append((name, item))
    key = sheet.column_of("code" if sheet.kind is SheetKind.STATIONS else "station_code")
    for number, cells in enumerate(rows[sheet.heading :], start=sheet.heading + 1):
        held = [cells[k - 1] for k in sheet.columns if k <= len(cells)]
        if any(cell not in ("", None) for cell in held):
            told = cells[key - 1] if key is not None and key <= len(cells) else ""
            report.rows.append(RowReport(number, str(told)))
    most = MOST_ROWS[sheet.kind]
    if len(report.rows) > most:
        item = ErrorItem(
            "rows", f"行数 {len(report.rows)} 超过 {most}", f"has more than {most} rows", value=str(len(report.rows)),
            remedy_zh="分成几个工作簿", remedy_en="split it",
        )  # fmt: skip
        report.faults.append((cell_name(sheet.heading, 1), item))
        report.rows = []
    return report


def _judge(
    session: Session, actor: Actor, report: SheetReport, crs: Crs | None, *, reason: str | None, dry_run: bool
) -> None:
    """Fill in what comes of every row; write them unless it is a dry run or a row is faulty."""
    if any(item.field != "merged" for _, item in report.faults):
        return  # without its columns nothing can be said of the rows
    values = {row.row: _values(report, row) for row in report.rows}
    good = [row for row in report.rows if not row.faults]
    dry_run = dry_run or len(good) < len(report.rows)
    results: list[EditResult] | list[EntryResult]
    if report.sheet.kind is SheetKind.STATIONS:
        for row in good:
            if crs is not None and values[row.row].get("crs") is None:
                values[row.row]["crs"] = crs.value
        edits = [_station_edit(values[row.row]) for row in good]
        results = save_stations(session, actor, edits, reason=reason, dry_run=dry_run)
    else:
        lines = [_entry_edit(values[row.row]) for row in good]
        results = save_entries(session, actor, lines, reason=reason, dry_run=dry_run)
    for row, result in zip(good, [*results], strict=True):
        row.outcome, row.changes, row.out_of_scope = result.outcome, result.changes, result.out_of_scope
        row.faults = [(_cell(report, row, item.field), item) for item in result.faults]
        row.conflicts = [(_cell(report, row, one.field), one) for one in result.conflicts]
        if result.outcome is Outcome.ADDED:
            row.changes = {}
    for row in report.rows:
        if row.faults:
            row.outcome = Outcome.FAULTY
    if report.sheet.kind is SheetKind.STATIONS:
        _check_places(session, report, values)


def _values(report: SheetReport, row: RowReport) -> dict[str, Any]:
    """The values of a row by field; its faults are noted."""
    sheet, found = report.sheet, {}
    cells = sheet.sheet.rows[row.row - 1]
    row.faults = []
    for number, column in sheet.columns.items():
        raw = cells[number - 1] if number <= len(cells) else None
        if (row.row, number) in sheet.sheet.formulas:
            item = ErrorItem(
                column.field, "是公式", "is a formula", value=None if raw is None else str(raw),
                remedy_zh="选择性粘贴为数值", remedy_en="paste it as a value",
            )  # fmt: skip
            row.faults.append((cell_name(row.row, number), item))
            continue
        try:
            found[column.field] = read_cell(column.kind, column.vocabulary, raw)
        except CellFault as fault:
            zh, en, remedy_zh, remedy_en = fault.texts
            item = ErrorItem(column.field, zh, en, value=str(raw)[:200], remedy_zh=remedy_zh, remedy_en=remedy_en)
            row.faults.append((cell_name(row.row, number), item))
        else:
            if column.required and found[column.field] is None and column.field != "crs":
                item = ErrorItem(column.field, "为空", "is empty", remedy_zh="补上此格", remedy_en="fill it in")
                row.faults.append((cell_name(row.row, number), item))
    return found


def _station_edit(values: Mapping[str, Any]) -> StationEdit:
    record = {name: value for name, value in values.items() if name not in NOT_OF_THE_RECORD}
    return StationEdit(str(values.get("code") or ""), record, values.get("version"), since=values.get("effective_on"))


def _entry_edit(values: Mapping[str, Any]) -> EntryEdit:
    hours = Decimal(str(values.get("training_hours") or 0))
    if abs(hours) < LARGEST:  # what is larger is told as a fault
        hours = hours.quantize(Decimal("0.1"))
    return EntryEdit(
        station_code=values["station_code"], quarter=values["quarter"].upper(), kind=values["kind"],
        target_group=values["target_group"], sessions_held=values["sessions_held"],
        trainee_visits=values["trainee_visits"], training_hours=hours, certificates=values.get("certificates") or 0,
        note=values.get("note"), version=values.get("version"),
    )  # fmt: skip


def _check_places(session: Session, report: SheetReport, values: Mapping[int, Mapping[str, Any]]) -> None:
    """New and moved stations stand in the city, in the system that the row names."""
    moved = [
        row
        for row in report.rows
        if row.outcome is Outcome.ADDED or (row.outcome is Outcome.CHANGED and set(POSITION) & set(row.changes))
    ]
    if not moved:
        return
    areas = loaded_areas(session)
    around = Surroundings.of(zone_of_areas(areas), areas)
    for row in moved:
        lng, lat, crs = (values[row.row].get(name) for name in POSITION)
        if lng is None or lat is None or crs is None:
            continue
        errors, warnings = position_faults(lng, lat, Crs(crs), around)
        row.faults += [(_cell(report, row, "lng"), item) for item in errors]
        row.warnings += [(_cell(report, row, "lng"), item) for item in warnings]
        if errors:
            row.outcome = Outcome.FAULTY


def _cell(report: SheetReport, row: RowReport, name: str) -> str:
    """The cell of a field; the first of the row for one that has no column."""
    number = report.sheet.column_of(name) or min(report.sheet.columns)
    return cell_name(row.row, number)


def _named(sheet: str, cell: str, item: ErrorItem) -> ErrorItem:
    return ErrorItem(
        f"{sheet or TITLES[SheetKind.STATIONS]}!{cell} {item.field}", item.message_zh, item.message_en,
        value=item.value, remedy_zh=item.remedy_zh, remedy_en=item.remedy_en,
    )  # fmt: skip


def _of_conflict(one: FieldConflict) -> ErrorItem:
    return ErrorItem(
        one.field, f"导出后他人已改为“{one.theirs}”", f"was changed to {one.theirs} since the export",
        value=str(one.mine), remedy_zh="重新导出后再改", remedy_en="export it anew",
    )  # fmt: skip
