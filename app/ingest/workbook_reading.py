"""The sheets of a workbook as rows, with what a parser of values does not tell: merged cells and formulas."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree  # declarations were refused before (workbook_guard)

import python_calamine

from app.errors import ErrorItem, FileUnreadable
from app.ingest.workbook_guard import CELL, REFERENCE, check_workbook, column_number

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
FORMULA = re.compile(rb"\s*<(?:\w+:)?f[\s>/]")  # right after the tag of its cell
MERGED = re.compile(rb'<(?:\w+:)?mergeCell [^<>]*?ref="([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})"')


@dataclass(frozen=True)
class SheetRows:
    """One sheet: ``rows[k]`` is row ``k + 1`` of the sheet, its cells from column A on.

    ``formulas`` are (row, column) from 1; ``merged`` are (first row, first column, last row, last column).
    """

    name: str
    rows: list[list[object]]
    formulas: frozenset[tuple[int, int]]
    merged: tuple[tuple[int, int, int, int], ...]


def read_workbook(data: bytes) -> list[SheetRows]:
    """The visible sheets of an .xlsx in their order. Raises FileUnreadable."""
    check_workbook(data)
    try:
        extras = _extras(data)
        with python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            visible = [
                sheet.name
                for sheet in book.sheets_metadata
                if sheet.visible == python_calamine.SheetVisibleEnum.Visible
                and sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
            ]
            return [
                SheetRows(
                    name, [list(row) for row in book.get_sheet_by_name(name).to_python(skip_empty_area=False)],
                    *extras.get(name, (frozenset(), ())),
                )
                for name in visible
            ]  # fmt: skip
    except (python_calamine.CalamineError, ElementTree.ParseError, KeyError, ValueError) as fault:
        item = ErrorItem(
            "file", "内容已损坏", "its content is damaged", value=str(fault)[:100],
            remedy_zh="用 Excel 或 WPS 另存为 .xlsx 后重试", remedy_en="save it anew as .xlsx and try again",
        )  # fmt: skip
        raise FileUnreadable("工作簿无法读取。", "The workbook cannot be read.", errors=[item]) from fault


def cell_name(row: int, column: int) -> str:
    """``D7`` for row 7, column 4."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row}"


def _extras(data: bytes) -> dict[str, tuple[frozenset[tuple[int, int]], tuple[tuple[int, int, int, int], ...]]]:
    """Formulas and merged cells by the sheet's name."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = set(archive.namelist())
        targets = {
            relation.get("Id"): relation.get("Target", "")
            for relation in ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        }
        for sheet in ElementTree.fromstring(archive.read("xl/workbook.xml")).iter(f"{MAIN}sheet"):
            target = targets.get(sheet.get(RELATION), "")
            part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            if part not in names:
                continue
            xml = archive.read(part)
            formulas = frozenset(_formulas(xml))
            merged = tuple(
                (int(r1), column_number(c1.decode()), int(r2), column_number(c2.decode()))
                for c1, r1, c2, r2 in MERGED.findall(xml)
            )
            found[str(sheet.get("name"))] = formulas, merged
    return found


def _formulas(xml: bytes) -> Iterator[tuple[int, int]]:
    """The cells of a sheet that hold formulas, as row and column."""
    if b"<f" not in xml and b":f" not in xml:
        return
    for cell in CELL.finditer(xml):
        place = REFERENCE.search(cell[1]) if FORMULA.match(xml, cell.end()) else None
        if place is not None:
            yield int(place[2]), column_number(place[1].decode())
