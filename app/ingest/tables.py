"""Rows of CSV and XLSX files, with the row numbers that a person sees."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import python_calamine

from app.ingest.files import check_file, text_encoding, unreadable

DELIMITERS = ",;\t|"
Row = tuple[int, list[object]]


def csv_rows(path: Path) -> Iterator[Row]:
    """The rows of a CSV file with the line each begins in; empty ones are left out.

    Encoding (UTF-8 with or without mark, UTF-16, GBK) and delimiter are detected. Raises FileUnreadable.
    """
    check_file(path)
    encoding = text_encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=_delimiter(path, encoding))
        line = 1
        try:
            for row in reader:
                if any(cell.strip() for cell in row):
                    yield line, list(row)
                line = reader.line_num + 1
        except csv.Error as fault:
            raise unreadable(
                path, f"第 {reader.line_num} 行不是 CSV({fault})", f"line {reader.line_num} is not CSV ({fault})",
                remedy_zh="用表格软件打开后另存为 CSV UTF-8", remedy_en="save it anew as CSV UTF-8 in a spreadsheet",
            ) from fault  # fmt: skip


def xlsx_rows(path: Path) -> list[Row]:
    """The rows of the first visible sheet that has any, numbered as in the sheet. Raises FileUnreadable."""
    check_file(path)
    try:
        with python_calamine.CalamineWorkbook.from_path(path) as book:
            visible = [
                sheet.name
                for sheet in book.sheets_metadata
                if sheet.visible == python_calamine.SheetVisibleEnum.Visible
                and sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
            ]
            for name in visible:
                rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
                found: list[Row] = [
                    (number, list(row))
                    for number, row in enumerate(rows, start=1)
                    if any(cell not in ("", None) for cell in row)
                ]
                if found:
                    return found
    except python_calamine.CalamineError as fault:
        raise unreadable(
            path, f"不是可读取的 Excel 工作簿({fault})", f"it is not a workbook that can be read ({fault})",
            remedy_zh="用 Excel 或 WPS 另存为 .xlsx(不加密码)后重试",
            remedy_en="save it as .xlsx, without a password, and try again",
        ) from fault  # fmt: skip
    return []


def _delimiter(path: Path, encoding: str) -> str:
    """The delimiter that the first line with any text has most of."""
    with path.open(encoding=encoding, newline="") as file:
        for line in file:
            if line.strip():
                return max(DELIMITERS, key=line.count)
    return ","
