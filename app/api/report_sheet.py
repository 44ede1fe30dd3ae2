"""A quarterly report as a workbook: values, no formulas; set up for printing on A4."""

from __future__ import annotations

import io
from typing import Any

import xlsxwriter

from app.api.report_tables import ReportTable

WIDEST = 44
ROW_AT_ONCE = 4  # the first row of a table, below title and notes


def workbook_of(title: str, tables: list[ReportTable], notes: list[str]) -> bytes:
    """The bytes of an .xlsx with one sheet for each table. Texts are written as texts: nothing becomes a formula."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"title": title, "comments": "\n".join(notes)})
        formats = {
            "title": book.add_format({"bold": True, "font_size": 14}),
            "note": book.add_format({"italic": True, "font_color": "#555555"}),
            "head": book.add_format(
                {"bold": True, "border": 1, "bg_color": "#E8EEF4", "text_wrap": True, "valign": "vcenter"}
            ),
            "cell": book.add_format({"border": 1}),
            "percent": book.add_format({"border": 1, "num_format": "0.0%"}),
            "total": book.add_format({"border": 1, "bold": True}),
            "total_percent": book.add_format({"border": 1, "bold": True, "num_format": "0.0%"}),
        }
        for table in tables:
            _sheet(book, title, table, notes, formats)
    return out.getvalue()


def _sheet(book: Any, title: str, table: ReportTable, notes: list[str], formats: dict[str, Any]) -> None:
    page = book.add_worksheet(table.name)
    page.set_paper(9)  # A4
    if len(table.headings) > 8:
        page.set_landscape()
    page.fit_to_pages(1, 0)
    page.repeat_rows(ROW_AT_ONCE - 1)
    page.set_footer("&C&P / &N")
    page.write_string(0, 0, title, formats["title"])
    page.write_string(1, 0, table.title + (f"  {table.note}" if table.note else ""))
    for column, heading in enumerate(table.headings):
        page.write_string(ROW_AT_ONCE - 1, column, heading, formats["head"])
        page.set_column(column, column, _width(table, column))
    rows = [(row, "cell", "percent") for row in table.rows]
    if table.total is not None:
        rows.append((table.total, "total", "total_percent"))
    for at, (row, plain, percent) in enumerate(rows, start=ROW_AT_ONCE):
        for column, value in enumerate(row):
            kind = formats[percent if column in table.percents else plain]
            if isinstance(value, int | float):
                page.write_number(at, column, value, kind)
            else:
                page.write_string(at, column, "" if value is None else str(value), kind)
    page.freeze_panes(ROW_AT_ONCE, 2 if len(table.headings) > 4 else 1)
    for k, note in enumerate(notes):
        page.write_string(ROW_AT_ONCE + len(rows) + 1 + k, 0, note, formats["note"])


def _width(table: ReportTable, column: int) -> float:
    """Wide enough for the longest value; a Chinese character takes two places."""
    held = [table.headings[column], *(row[column] for row in table.rows)]
    longest = max(sum(2 if ord(c) > 0x2E80 else 1 for c in str(value)) for value in held)
    return float(min(max(longest + 2, 8), WIDEST))
