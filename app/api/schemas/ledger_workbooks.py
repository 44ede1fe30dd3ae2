"""What came of a workbook."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from app.api.language import Language
from app.api.schemas.ledger_stations import FieldChange
from app.errors import ErrorItem
from app.ingest.workbook_import import RowReport, SheetReport, WorkbookReport
from app.services.station_ledger import Outcome

MOST_ROWS = 2_000  # that are told one by one


class CellIssue(BaseModel):
    """A cell and what is wrong with it. 单元格的问题"""

    cell: str = Field(examples=["D7"])
    field: str = Field(examples=["host_kind"])
    value: str | None = Field(examples=["党群中心"])
    message: str = Field(examples=["不是可选的词"])
    remedy: str | None = Field(examples=["可用:基层党群服务阵地、社区服务中心、…"])

    @classmethod
    def of(cls, cell: str, item: ErrorItem, language: Language) -> CellIssue:
        remedy = language.pick(item.remedy_zh or "", item.remedy_en or "") or None
        return cls(
            cell=cell, field=item.field, value=item.value,
            message=language.pick(item.message_zh, item.message_en), remedy=remedy,
        )  # fmt: skip


class CellConflict(BaseModel):
    """A field that somebody else changed since the export. 冲突"""

    cell: str = Field(examples=["AB7"])
    field: str = Field(examples=["seats"])
    base: Any = Field(description="导出时 · When it was exported", examples=[30])
    theirs: Any = Field(description="现在 · Now", examples=[40])
    mine: Any = Field(description="表中 · In the sheet", examples=[50])


class RowOut(BaseModel):
    """What came of one row."""

    row: int = Field(examples=[7])
    key: str = Field(description="站点编号 · Station code", examples=["YC440106-031"])
    outcome: Outcome = Field(examples=["added"])
    changes: list[FieldChange]
    faults: list[CellIssue]
    warnings: list[CellIssue]
    conflicts: list[CellConflict]

    @classmethod
    def of(cls, row: RowReport, sheet: SheetReport, language: Language) -> RowOut:
        titles = {column.field: column.title for column in sheet.sheet.columns.values()}
        return cls(
            row=row.row, key=row.key, outcome=row.outcome,
            changes=[
                FieldChange(field=n, field_title=language.pick(titles.get(n, n), n), old=_plain(a), new=_plain(b))
                for n, (a, b) in row.changes.items()
            ],
            faults=[CellIssue.of(cell, item, language) for cell, item in row.faults],
            warnings=[CellIssue.of(cell, item, language) for cell, item in row.warnings],
            conflicts=[
                CellConflict(
                    cell=cell, field=one.field, base=_plain(one.base), theirs=_plain(one.theirs), mine=_plain(one.mine)
                )
                for cell, one in row.conflicts
            ],
        )  # fmt: skip


class SheetOut(BaseModel):
    """What came of one sheet."""

    sheet: str = Field(examples=["站点"])
    kind: str = Field(examples=["stations"])
    added: int = Field(examples=[30])
    changed: int = Field(examples=[0])
    unchanged: int = Field(examples=[0])
    faulty: int = Field(examples=[0])
    conflict: int = Field(examples=[0])
    ignored_columns: list[str] = Field(examples=[[]])
    faults: list[CellIssue] = Field(description="整张表的问题 · Of the sheet as a whole")
    rows: list[RowOut] = Field(description="未变的行不列,至多 2000 行 · Without unchanged ones; at most 2,000")

    @classmethod
    def of(cls, sheet: SheetReport, language: Language) -> SheetOut:
        told = [row for row in sheet.rows if row.outcome is not Outcome.UNCHANGED or row.warnings]
        told.sort(key=lambda row: (not row.is_stopped, row.row))
        return cls(
            sheet=sheet.name, kind=sheet.sheet.kind.value, ignored_columns=list(sheet.sheet.extra),
            faults=[CellIssue.of(cell, item, language) for cell, item in sheet.faults],
            rows=[RowOut.of(row, sheet, language) for row in told[:MOST_ROWS]],
            **{outcome.value: sheet.count(outcome) for outcome in Outcome},
        )  # fmt: skip


class ImportAnswer(BaseModel):
    """What came of the workbook."""

    dry_run: bool = Field(examples=[True])
    written: bool = Field(examples=[False])
    is_stopped: bool = Field(description="有误或冲突,不能写入 · It cannot be written as it is", examples=[False])
    sheets: list[SheetOut]

    @classmethod
    def of(cls, report: WorkbookReport, language: Language, *, dry_run: bool) -> ImportAnswer:
        return cls(
            dry_run=dry_run, written=report.written, is_stopped=report.is_stopped,
            sheets=[SheetOut.of(sheet, language) for sheet in report.sheets],
        )  # fmt: skip


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool | list) else str(value)
