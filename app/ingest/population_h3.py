"""Population tables on H3 cells (Kontur, IPEA, …): CSV or Parquet, cells as hexadecimal text or as integers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from app.errors import ErrorItem, InvalidInput
from app.geo.arrays import IntArray
from app.geo.hexgrid import are_cells, cell_centres
from app.ingest.cells import CellSums
from app.ingest.city import Zone
from app.ingest.files import check_file, unreadable
from app.ingest.report import ImportReport
from app.ingest.tables import csv_rows
from app.ingest.values import code_of, number_of
from app.ingest.vectors import no_such_column

CELL_NAMES = ("h3", "h3_index", "h3index", "h3_cell", "cell", "hex", "hex_id", "h3_id", "id", "网格", "网格编号")
VALUE_NAMES = ("population", "people", "pop", "residents", "value", "人口", "人口数", "常住人口", "总人口")
HEX_CELL = re.compile(r"(?:0x)?([0-9a-f]{15,16})")
REMEDY = ("改正或删除该行", "correct or remove the row")


@dataclass(frozen=True)
class H3Table:
    """Two columns as they stand in the file; ``first_row`` is the number of the first record."""

    rows: IntArray
    cells: Sequence[object]
    values: Sequence[object]


def read_h3(
    path: Path, cell_field: str | None, value_field: str | None, zone: Zone | None, report: ImportReport, sums: CellSums
) -> None:
    """Gather the people of an H3 table; every faulty row goes into the report.

    A cell belongs to the city when its centre does. Raises FileUnreadable, and InvalidInput for unknown columns.
    """
    check_file(path)
    with path.open("rb") as file:
        parquet = file.read(4) == b"PAR1"
    table = _parquet(path, cell_field, value_field) if parquet else _csv(path, cell_field, value_field)
    cells = _checked_cells(table, report)
    people = _checked_people(table, report)
    report.figures["rows_read"] = len(cells)
    if report.has_errors:
        return
    sums.read.append(fsum(people))
    lived = people > 0
    cells, people = cells[lived], people[lived]
    report.figures["rows_without_people"] = int((~lived).sum())
    inside = np.ones(len(cells), dtype=np.bool_) if zone is None else zone.contains(*cell_centres(cells))
    sums.outside.append(fsum(people[~inside]))
    sums.add(cells[inside], people[inside])


def parse_cell(value: object) -> int:
    """The integer of a cell written as 15 hexadecimal digits or as an integer; 0 when it is neither."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 0 < value < 1 << 63 else 0
    text = code_of(value).lower()
    found = HEX_CELL.fullmatch(text)
    if found:
        return int(found[1], 16) if int(found[1], 16) < 1 << 63 else 0
    if text.isdigit() and len(text) < 20:
        return int(text) if int(text) < 1 << 63 else 0
    return 0


def _checked_cells(table: H3Table, report: ImportReport) -> IntArray:
    cells = np.fromiter((parse_cell(value) for value in table.cells), np.int64, len(table.cells))
    valid = are_cells(cells)
    for k in np.flatnonzero(~valid).tolist():
        report.error(
            "不是有效的 H3 网格", "not a valid H3 cell", row=int(table.rows[k]), field="cell", value=table.cells[k],
            remedy=("应为 15 位十六进制(如 89a901291abffff)或整数", "write 15 hexadecimal digits or an integer"),
        )  # fmt: skip
    resolution = (cells >> 52) & 0xF
    found, count = np.unique(resolution[valid], return_counts=True)
    if len(found) > 1:
        usual = int(found[np.argmax(count)])
        for k in np.flatnonzero(valid & (resolution != usual)).tolist():
            report.error(
                f"分辨率 {resolution[k]} 与其他行({usual})不同",
                f"resolution {resolution[k]}, while others have {usual}",
                row=int(table.rows[k]), field="cell", value=table.cells[k],
                remedy=("一个文件只能有一种分辨率", "a file must have one resolution"),
            )  # fmt: skip
    elif len(found) == 1:
        report.figures["resolution"] = int(found[0])
    _check_repeats(table, cells, valid, report)
    return cells


def _check_repeats(table: H3Table, cells: IntArray, valid: np.ndarray, report: ImportReport) -> None:
    known = np.flatnonzero(valid)
    _, first, number = np.unique(cells[known], return_index=True, return_inverse=True)
    again = first[number] != np.arange(len(known))
    for at, origin in zip(known[again].tolist(), known[first[number[again]]].tolist(), strict=True):
        report.error(
            f"与第 {table.rows[origin]} 行是同一网格", f"the same cell as in row {table.rows[origin]}",
            row=int(table.rows[at]), field="cell", value=table.cells[at],
            remedy=("合并或删除重复的行", "merge the rows or remove one"),
        )  # fmt: skip


def _checked_people(table: H3Table, report: ImportReport) -> np.ndarray:
    people = np.zeros(len(table.values))
    for k, value in enumerate(table.values):
        try:
            people[k] = number_of(value)
        except (ValueError, TypeError):
            report.error(
                "人口不是数字", "the population is not a number", row=int(table.rows[k]), field="population",
                value="(空 empty)" if value in (None, "") else value, remedy=REMEDY,
            )  # fmt: skip
            continue
        if people[k] < 0:
            report.error(
                "人口为负数", "the population is negative", row=int(table.rows[k]), field="population", value=value,
                remedy=REMEDY,
            )  # fmt: skip
    return people


def _csv(path: Path, cell_field: str | None, value_field: str | None) -> H3Table:
    rows = csv_rows(path)
    _, first = next(rows, (0, []))
    headings = [str(heading).strip() for heading in first]
    cell_at = headings.index(_choose(headings, cell_field, CELL_NAMES, "--cell-field"))
    value_at = headings.index(_choose(headings, value_field, VALUE_NAMES, "--value-field"))
    numbers: list[int] = []
    cells: list[object] = []
    values: list[object] = []
    for number, row in rows:
        numbers.append(number)
        cells.append(row[cell_at] if cell_at < len(row) else "")
        values.append(row[value_at] if value_at < len(row) else "")
    _check_not_empty(path, len(numbers))
    return H3Table(np.array(numbers, dtype=np.int64), cells, values)


def _parquet(path: Path, cell_field: str | None, value_field: str | None) -> H3Table:
    try:
        headings = pq.read_schema(path).names
        cell = _choose(headings, cell_field, CELL_NAMES, "--cell-field")
        value = _choose(headings, value_field, VALUE_NAMES, "--value-field")
        table = pq.read_table(path, columns=[cell, value])
    except (pa.ArrowException, OSError) as fault:
        raise unreadable(
            path, f"Parquet 文件不完整或已损坏({fault})", f"the Parquet file is truncated or damaged ({fault})",
            remedy_zh="重新下载或导出", remedy_en="download or export it again",
        ) from fault  # fmt: skip
    _check_not_empty(path, table.num_rows)
    rows = np.arange(1, table.num_rows + 1)
    return H3Table(rows, table.column(cell).to_pylist(), table.column(value).to_pylist())


def _check_not_empty(path: Path, count: int) -> None:
    if count == 0:
        raise unreadable(
            path, "表中没有数据行", "the table has no rows",
            remedy_zh="检查导出是否完整", remedy_en="check that its export was complete",
        )  # fmt: skip


def _choose(headings: list[str], wanted: str | None, usual: Sequence[str], option: str) -> str:
    if wanted is not None:
        if wanted not in headings:
            raise no_such_column(wanted, option, headings)
        return wanted
    for name in usual:
        for heading in headings:
            if heading.lower() == name:
                return heading
    raise InvalidInput(
        f"无法判断哪一列是{'网格' if 'cell' in option else '人口'},请用 {option} 指明。",
        f"Which column holds the {'cells' if 'cell' in option else 'people'} is not clear; name it with {option}.",
        errors=[
            ErrorItem(
                option, "未指明", "not stated",
                remedy_zh=f"现有的列:{'、'.join(headings)}", remedy_en=f"the columns are: {', '.join(headings)}",
            )
        ],
    )  # fmt: skip
