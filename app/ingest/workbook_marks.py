"""The officer's own workbook, given back with what was found: red cells with the fault, yellow ones with the old value.

Sheets of many thousand rows are written anew with the rows that matter, since marking them in place takes minutes; the
summary says so. The marks of an earlier check are taken away first.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill

from app.ingest.workbook_cells import write_cell
from app.ingest.workbook_import import RowReport, SheetReport, WorkbookReport
from app.ingest.workbook_reading import cell_name
from app.ingest.workbook_sheets import SUMMARY
from app.services.station_ledger import Outcome

RESULT = "结果"
AUTHOR = "羊城技能地图"
MARKED_IN_PLACE = 5_000  # rows
LARGEST_MARKED_BYTES = 30_000_000  # unpacked
RED = PatternFill("solid", start_color="FFF4B6B6")
YELLOW = PatternFill("solid", start_color="FFFFF2AB")
ORANGE = PatternFill("solid", start_color="FFFAD7A0")
OUTCOMES = {
    Outcome.ADDED: "新增", Outcome.CHANGED: "变更", Outcome.UNCHANGED: "未变", Outcome.FAULTY: "有误",
    Outcome.CONFLICT: "冲突",
}  # fmt: skip


def marked_book(data: bytes, report: WorkbookReport) -> bytes:
    """The workbook with its marks."""
    rows = sum(len(sheet.rows) for sheet in report.sheets)
    in_place = rows <= MARKED_IN_PLACE and _unpacked_bytes(data) <= LARGEST_MARKED_BYTES
    book = load_workbook(io.BytesIO(data)) if in_place else Workbook()
    if not in_place:
        book.remove(book.worksheets[0])
    for sheet in report.sheets:
        if in_place:
            page = book[sheet.name]
            _unmark(page)
            _mark(page, sheet, {row.row: row.row for row in sheet.rows})
        else:
            page = book.create_sheet(sheet.name)
            _mark(page, sheet, _copy(page, sheet))
    _summary(book, report, whole=in_place)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _unpacked_bytes(data: bytes) -> int:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return sum(part.file_size for part in archive.infolist())


def _unmark(page: Any) -> None:
    """Take away the colours and comments of an earlier check: the officer has mended what they were about."""
    for row in page.iter_rows():
        for cell in row:
            if cell.comment is not None and cell.comment.author == AUTHOR:
                cell.comment, cell.fill = None, PatternFill()


def _copy(page: Any, sheet: SheetReport) -> dict[int, int]:
    """The headings and the rows that are not unchanged, at most so many; where each row now stands."""
    source = sheet.sheet.sheet.rows
    page.append([_plain(cell) for cell in source[sheet.sheet.heading - 1]])
    at: dict[int, int] = {}
    wanted = sorted(sheet.rows, key=lambda row: not row.is_stopped)[:MARKED_IN_PLACE]
    for row in sorted(wanted, key=lambda row: row.row):
        page.append([_plain(cell) for cell in source[row.row - 1]])
        at[row.row] = len(at) + 2
    return at


def _plain(cell: object) -> Any:
    """A value that openpyxl can write, and that no program takes for a formula."""
    if not isinstance(cell, str):
        return cell
    text = ILLEGAL_CHARACTERS_RE.sub("", cell)
    return f"'{text}" if text[:1] == "=" else text or None


def _mark(page: Any, sheet: SheetReport, at: dict[int, int]) -> None:
    heading = sheet.sheet.heading if at == {row.row: row.row for row in sheet.rows} else 1
    earlier = [cell.column for cell in page[heading] if cell.value == RESULT]
    result = earlier[0] if earlier else max(page.max_column, max(sheet.sheet.columns, default=1)) + 1
    page.cell(row=heading, column=result, value=RESULT)
    titles = {column.field: number for number, column in sheet.sheet.columns.items()}
    for cell, item in sheet.faults:
        _note(page[cell], f"{item.message_zh}:{item.value or ''}\n{item.remedy_zh or ''}", RED)
    for row in sheet.rows:
        if row.row not in at:
            continue
        line = at[row.row]
        page.cell(row=line, column=result, value=OUTCOMES[row.outcome])
        for name, (old, _) in row.changes.items():
            if name in titles:
                _note(page.cell(row=line, column=titles[name]), f"原为:{_shown(sheet, name, old)}", YELLOW)
        for cell, item in (*row.warnings, *row.faults):
            colour = RED if (cell, item) in row.faults else ORANGE
            _note(page[_moved(cell, row, line)], f"{item.message_zh}\n{item.remedy_zh or ''}", colour)
        for cell, one in row.conflicts:
            theirs = _shown(sheet, one.field, one.theirs)
            _note(page[_moved(cell, row, line)], f"导出后他人已改为:{theirs}\n请重新导出后再改", RED)


def _moved(cell: str, row: RowReport, line: int) -> str:
    return cell.removesuffix(str(row.row)) + str(line)


def _shown(sheet: SheetReport, name: str, value: Any) -> str:
    column = next((column for column in sheet.sheet.columns.values() if column.field == name), None)
    shown = value if column is None else write_cell(column.kind, column.vocabulary, value)
    return "(空)" if shown is None else str(shown)


def _note(cell: Any, text: str, colour: PatternFill) -> None:
    """Colour a cell and add to its comment: what the officer wrote there, and other faults, stay above.

    A cell within merged ones can hold nothing; the fault of the merging is on the first of them.
    """
    if isinstance(cell, MergedCell):
        return
    if cell.comment is not None:
        text = f"{cell.comment.text}\n{text}"
    comment = Comment(ILLEGAL_CHARACTERS_RE.sub("", text.strip()), AUTHOR)
    comment.width, comment.height = 320, 120
    cell.comment, cell.fill = comment, RED if cell.fill == RED else colour


def _summary(book: Any, report: WorkbookReport, *, whole: bool) -> None:
    if SUMMARY in book.sheetnames:
        book.remove(book[SUMMARY])
    page = book.create_sheet(SUMMARY, 0)
    page.append(["工作表", *OUTCOMES.values()])
    for sheet in report.sheets:
        page.append([sheet.name, *(sheet.count(outcome) for outcome in OUTCOMES)])
    page.append([])
    state = "已写入" if report.written else "有误,未写入" if report.is_stopped else "试导入:无误,尚未写入"
    page.append([state])
    if not whole:
        page.append([f"行数较多:此处只列表头与至多 {MARKED_IN_PLACE} 行,有误的在先;行号为原表行号。"])
    page.append(["工作表", "单元格", "内容", "问题", "改法"])
    for name, cell, value, what, remedy in _faults(report):
        page.append([_plain(one) for one in (name, cell, value, what, remedy)])
    for column, width in zip("ABCDE", (14, 12, 30, 44, 60), strict=True):
        page.column_dimensions[column].width = width
    page.freeze_panes = cell_name(2, 1)


def _faults(report: WorkbookReport) -> Iterable[tuple[str, str, str, str, str]]:
    for sheet in report.sheets:
        for cell, item in sheet.faults:
            yield sheet.name, cell, item.value or "", item.message_zh, item.remedy_zh or ""
        for row in sheet.rows:
            for cell, item in (*row.faults, *row.warnings):
                yield sheet.name, cell, item.value or "", item.message_zh, item.remedy_zh or ""
            for cell, one in row.conflicts:
                yield sheet.name, cell, str(one.mine), f"他人已改为 {one.theirs}", "重新导出后再改"
