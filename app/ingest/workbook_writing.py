"""The ledger workbook as it goes out: the empty template, and the same shape filled."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import xlsxwriter

from app.ingest.workbook_cells import write_cell
from app.ingest.workbook_sheets import COLUMNS, GUIDE, TITLES, WORDS, Column, SheetKind
from app.models.vocabularies import Vocabulary
from app.services.station_record import FieldKind

SPARE_ROWS = 500  # empty rows that are formatted, checked and may be filled
WIDTHS = {FieldKind.LONG_TEXT: 28, FieldKind.TEXTS: 24, FieldKind.EXCEPTIONS: 24, FieldKind.HOURS: 24}
GUIDE_LINES = (
    "羊城技能加油站 台账工作簿",
    "1. 带 * 的列必填。表头、版本列已锁定;请勿改名、合并单元格或写公式。",
    "2. 新站点、新台账行:版本留空。修改:先导出,只改要改的格,保留版本列;他人同时改过的别的字段不受影响。",
    "3. 日期写作 2025-06-30、2025/6/30 或 2025年6月30日;是否类写 是 或 否;多选以“、”分隔;多个单位以换行或分号分隔。",
    "4. 坐标须写明坐标系:GPS 为 wgs84,天地图为 cgcs2000,高德、腾讯、微信为 gcj02,百度为 bd09。",
    "5. 开放时间用 OSM 写法,如 Mo-Fr 09:00-17:00; Sa 09:00-12:00。",
    "6. 生效日期:改动自此日起生效;不填即为更正(一直如此)。状态的变更不填则自今日起。",
    "7. 上传后先“试导入”:有误的格标红并附批注,无误的行标明 新增、变更 或 未变。全部无误才会写入。",
)


def template_book() -> bytes:
    """The empty workbook: both sheets with drop-downs, notes on the headings, and spare rows."""
    return _book({kind: [] for kind in SheetKind})


def filled_book(rows: Mapping[SheetKind, Sequence[Mapping[str, Any]]]) -> bytes:
    """The same workbook with rows; values by field, as records hold them."""
    return _book(rows)


def _book(rows: Mapping[SheetKind, Sequence[Mapping[str, Any]]]) -> bytes:
    out = io.BytesIO()
    options = {
        "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
        "default_date_format": "yyyy-mm-dd",
    }  # fmt: skip
    with xlsxwriter.Workbook(out, options) as book:
        formats = {
            "title": book.add_format({"bold": True, "font_size": 14}),
            "line": book.add_format({"text_wrap": True, "valign": "top"}),
            "head": book.add_format({"bold": True, "bg_color": "#DCE6F1", "border": 1, "text_wrap": True}),
            "needed": book.add_format({"bold": True, "bg_color": "#F8CBAD", "border": 1, "text_wrap": True}),
            "locked": book.add_format({"locked": True, "bg_color": "#EEEEEE"}),
            "text": book.add_format({"locked": False, "num_format": "@", "valign": "top"}),
            "lines": book.add_format({"locked": False, "num_format": "@", "text_wrap": True, "valign": "top"}),
            "day": book.add_format({"locked": False, "num_format": "yyyy-mm-dd"}),
            "plain": book.add_format({"locked": False}),
            "code_locked": book.add_format({"locked": True, "num_format": "@", "bg_color": "#EEEEEE"}),
        }
        _guide(book, formats)
        lists = _lists(book, [column for kind in rows for column in COLUMNS[kind]])
        for kind, held in rows.items():
            _sheet(book, kind, held, lists, formats)
    return out.getvalue()


def _guide(book: Any, formats: Mapping[str, Any]) -> None:
    page = book.add_worksheet(GUIDE)
    page.set_column(0, 0, 100)
    for k, line in enumerate(GUIDE_LINES):
        page.write_string(k, 0, line, formats["title" if k == 0 else "line"])


def _lists(book: Any, columns: Sequence[Column]) -> dict[str, str]:
    """The words of all vocabularies on a sheet of their own; the range of each by the field's name."""
    page = book.add_worksheet(WORDS)
    found: dict[str, str] = {}
    wanted = [column for column in columns if column.vocabulary is not None or column.kind is FieldKind.YES_NO]
    for at, column in enumerate({column.field: column for column in wanted}.values()):
        members = ["是", "否"] if column.vocabulary is None else [_title(member) for member in column.vocabulary]
        letter = xlsxwriter.utility.xl_col_to_name(at, col_abs=True)
        page.write_string(0, at, column.title)
        for row, member in enumerate(members, start=1):
            page.write_string(row, at, member)
        page.set_column(at, at, 22)
        found[column.field] = f"='{WORDS}'!{letter}$2:{letter}${len(members) + 1}"
    page.protect("", {"select_locked_cells": True})
    return found


def _title(member: Any) -> str:
    return member.title_zh if isinstance(member, Vocabulary) else str(member.value)


def _sheet(
    book: Any, kind: SheetKind, rows: Sequence[Mapping[str, Any]], lists: Mapping[str, str], formats: Mapping[str, Any]
) -> None:
    page = book.add_worksheet(TITLES[kind])
    columns = COLUMNS[kind]
    last = len(rows) + SPARE_ROWS
    keys = {"code"} if kind is SheetKind.STATIONS else {"station_code", "quarter", "kind", "target_group"}
    for at, column in enumerate(columns):
        heading = f"{column.title}*" if column.required else column.title
        page.write_string(0, at, heading, formats["needed" if column.required else "head"])
        if column.note:
            page.write_comment(0, at, column.note, {"x_scale": 2})
        page.set_column(at, at, WIDTHS.get(column.kind, 14), formats[_format(column)])
        _validate(page, column, at, last, lists)
    for number, row in enumerate(rows, start=1):
        for at, column in enumerate(columns):
            is_key = column.field in keys
            _write(page, number, at, column, row.get(column.field), formats, locked=column.locked or is_key)
    page.freeze_panes(1, 2)
    page.set_row(0, 32)
    page.autofilter(0, 0, max(len(rows), 1), len(columns) - 1)
    page.protect(
        "", {"format_cells": True, "format_columns": True, "format_rows": True, "insert_rows": True, "sort": True,
             "autofilter": True},
    )  # fmt: skip
    if rows or kind is SheetKind.STATIONS:
        page.activate()


def _format(column: Column) -> str:
    if column.kind is FieldKind.DAY:
        return "day"
    if column.kind in (FieldKind.WHOLE, FieldKind.NUMBER):
        return "plain"
    return "lines" if column.kind in (FieldKind.LONG_TEXT, FieldKind.TEXTS, FieldKind.EXCEPTIONS) else "text"


def _validate(page: Any, column: Column, at: int, last: int, lists: Mapping[str, str]) -> None:
    """Drop-downs and warnings of the spreadsheet itself; the import checks all of it again."""
    rule: dict[str, Any] | None = None
    if column.field in lists and column.kind in (FieldKind.WORD, FieldKind.YES_NO):
        rule = {"validate": "list", "source": lists[column.field]}
    elif column.kind is FieldKind.DAY:
        rule = {"validate": "date", "criteria": "between", "minimum": date(2000, 1, 1), "maximum": date(2099, 12, 31)}
    elif column.kind is FieldKind.WHOLE and not column.locked:
        rule = {"validate": "integer", "criteria": ">=", "value": 0}
    if rule is not None:
        wrong = {"error_title": column.title, "error_message": "请核对填写的内容", "error_type": "warning"}
        page.data_validation(1, at, last, at, {**rule, **wrong, "ignore_blank": True})


def _write(
    page: Any, row: int, at: int, column: Column, value: Any, formats: Mapping[str, Any], *, locked: bool
) -> None:
    shown = write_cell(column.kind, column.vocabulary, value)
    kind = formats["code_locked" if locked else _format(column)]
    if shown is None:
        page.write_blank(row, at, None, kind)
    elif isinstance(shown, date):
        page.write_datetime(row, at, shown, formats["day"])
    elif isinstance(shown, int | float | Decimal):
        page.write_number(row, at, float(shown), formats["locked"] if locked else kind)
    else:
        page.write_string(row, at, str(shown), kind)
