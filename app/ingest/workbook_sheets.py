"""The two data sheets of the ledger workbook: their columns, and which sheet of a file is which.

A sheet is found by its headings, wherever it stands and whatever it is called; titles may stand above them.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.errors import ErrorItem
from app.ingest.columns import BRACKETS, HEADINGS, plain
from app.ingest.workbook_reading import SheetRows, cell_name
from app.models.vocabularies import CourseKind, TargetGroup
from app.services.station_record import FIELDS, FieldKind

HEADING_WITHIN = 20
GUIDE, WORDS, SUMMARY = "说明", "代码表", "检查结果"  # sheets of the workbook that hold no data


class SheetKind(StrEnum):
    STATIONS = "stations"
    TRAINING = "training"


@dataclass(frozen=True)
class Column:
    """A column: its field, its heading, what its cells hold. ``locked`` ones are not to be edited."""

    field: str
    title: str
    kind: FieldKind
    vocabulary: Any = None
    required: bool = False
    locked: bool = False
    note: str = ""
    also: tuple[str, ...] = ()


_VERSION = Column(
    "version", "版本", FieldKind.WHOLE, locked=True, note="导出时的版本,请勿改动;新行留空", also=("version",)
)


def _station_columns() -> tuple[Column, ...]:
    columns = [
        Column(
            f.name, f.title_zh, f.kind, f.vocabulary, f.required, note=f.note_zh,
            also=(f.name, f.title_en, *HEADINGS.get(f.name, ())),
        )
        for f in FIELDS
    ]  # fmt: skip
    effective = Column(
        "effective_on", "生效日期", FieldKind.DAY, note="改动自此日起生效;不填即为更正", also=("effective_on",)
    )
    return (*columns, effective, _VERSION)


STATION_COLUMNS = _station_columns()
TRAINING_COLUMNS: tuple[Column, ...] = (
    Column("station_code", "站点编号", FieldKind.CODE, required=True, also=("station_code", "编号", "站点代码")),
    Column("quarter", "季度", FieldKind.CODE, required=True, note="如 2026Q3", also=("quarter",)),
    Column("kind", "培训内容", FieldKind.WORD, CourseKind, required=True, also=("kind", "培训类别")),
    Column("target_group", "面向群体", FieldKind.WORD, TargetGroup, required=True, also=("target_group", "群体")),
    Column("sessions_held", "班次", FieldKind.WHOLE, required=True, also=("sessions_held", "场次")),
    Column("trainee_visits", "人次", FieldKind.WHOLE, required=True, also=("trainee_visits", "培训人次")),
    Column("training_hours", "学时", FieldKind.NUMBER, required=True, also=("training_hours", "课时")),
    Column("certificates", "取证人数", FieldKind.WHOLE, also=("certificates", "发证数")),
    Column("note", "备注", FieldKind.LONG_TEXT, also=("note",)),
    _VERSION,
)
COLUMNS = {SheetKind.STATIONS: STATION_COLUMNS, SheetKind.TRAINING: TRAINING_COLUMNS}
TITLES = {SheetKind.STATIONS: "站点", SheetKind.TRAINING: "培训台账"}


@dataclass(frozen=True)
class DataSheet:
    """A sheet that was recognised: ``columns`` by number (from 1); data begins below the row ``heading``."""

    kind: SheetKind
    sheet: SheetRows
    heading: int
    columns: dict[int, Column]
    extra: tuple[str, ...]
    faults: tuple[tuple[str, ErrorItem], ...]

    def column_of(self, field: str) -> int | None:
        """The number of a field's column."""
        return next((number for number, column in self.columns.items() if column.field == field), None)


def data_sheets(sheets: Sequence[SheetRows]) -> list[DataSheet]:
    """The sheets that hold stations or training lines, in their order."""
    data = [sheet for sheet in sheets if sheet.name not in (GUIDE, WORDS, SUMMARY)]
    return [made for sheet in data if (made := _recognised(sheet)) is not None]


def _known(columns: Sequence[Column]) -> dict[str, Column]:
    return {plain(name): column for column in columns for name in (column.title, *column.also)}


def _heading(cell: object) -> str:
    return plain(BRACKETS.sub("", str(cell or "")).replace("*", ""))


def _recognised(sheet: SheetRows) -> DataSheet | None:
    best: tuple[int, SheetKind, int] | None = None
    for at, row in enumerate(sheet.rows[:HEADING_WITHIN], start=1):
        for kind, columns in COLUMNS.items():
            known = _known(columns)
            hits = len({known[_heading(cell)].field for cell in row if _heading(cell) in known})
            if hits >= 3 and (best is None or hits > best[0]):
                best = hits, kind, at
    if best is None:
        return None
    _, kind, at = best
    return _mapped(sheet, kind, at)


def _mapped(sheet: SheetRows, kind: SheetKind, at: int) -> DataSheet:
    known, extra = _known(COLUMNS[kind]), []
    columns: dict[int, Column] = {}
    faults: list[tuple[str, ErrorItem]] = []
    for number, cell in enumerate(sheet.rows[at - 1], start=1):
        heading = _heading(cell)
        if not heading:
            continue
        column = known.get(heading)
        if column is None:
            extra.append(str(cell))
        elif column in columns.values():
            faults.append(
                (cell_name(at, number), _fault(str(cell), "列重复", "is there twice", "只留一列", "keep one"))
            )
        else:
            columns[number] = column
    present = {column.field for column in columns.values()}
    for column in COLUMNS[kind]:
        # a training line is written whole: a figure without a column would be taken for nothing
        needed = column.required or (kind is SheetKind.TRAINING and not column.locked)
        if needed and column.field not in present and column.field != "crs":
            close = difflib.get_close_matches(column.title, extra, n=1, cutoff=0.4)
            meant = f";是否即“{close[0]}”列?" if close else ""
            faults.append(
                (
                    cell_name(at, 1),
                    _fault(
                        column.title, "缺少此列", "the column is missing", f"补上“{column.title}”列{meant}",
                        f"add the column {column.field}",
                    ),
                )
            )  # fmt: skip
    return DataSheet(kind, sheet, at, columns, tuple(extra), tuple(faults))


def _fault(field: str, zh: str, en: str, remedy_zh: str, remedy_en: str) -> ErrorItem:
    return ErrorItem(field, zh, en, value=field, remedy_zh=remedy_zh, remedy_en=remedy_en)
