"""Ledger workbooks as officers fill them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from openpyxl import Workbook, load_workbook


def opened(data: bytes) -> Workbook:
    return load_workbook(io.BytesIO(data))


def saved(book: Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def columns(book: Workbook, sheet: str) -> dict[str, int]:
    """Number by heading, without the stars of required ones."""
    return {str(cell.value).rstrip("*"): cell.column for cell in book[sheet][1] if cell.value}


def fill(template: bytes, sheet: str, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The template with rows from line 2 on, values by heading."""
    book = opened(template)
    at = columns(book, sheet)
    for line, row in enumerate(rows, start=2):
        for heading, value in row.items():
            book[sheet].cell(row=line, column=at[heading], value=value)
    return saved(book)


def cell_of(book: Workbook, sheet: str, heading: str, line: int) -> Any:
    return book[sheet].cell(row=line, column=columns(book, sheet)[heading])


def station_row(code: str, lng: float, lat: float, **more: Any) -> dict[str, Any]:
    """A row that has no fault."""
    return {
        "编号": code, "名称": f"{code} 加油站", "站点类型": "社区型", "载体类型": "基层党群服务阵地", "状态": "运营中",
        "经度": lng, "纬度": lat, "坐标系": "wgs84", "开站日期": "2025年9月1日", "批次": 1, "座位数": 30, **more,
    }  # fmt: skip


def marked_cells(data: bytes, sheet: str, colour: str = "FFF4B6B6") -> set[str]:
    """The cells of a checked workbook that are filled with a colour and have a comment."""
    book = opened(data)
    return {
        cell.coordinate
        for row in book[sheet].iter_rows()
        for cell in row
        if cell.fill.fill_type == "solid" and cell.fill.start_color.rgb == colour and cell.comment is not None
    }
