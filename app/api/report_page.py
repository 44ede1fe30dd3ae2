"""A quarterly report as a page of its own: to be read on a screen, or printed to PDF by any browser."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from app.api.language import Language
from app.api.report_tables import ReportTable
from app.settings import PROJECT_ROOT

# the page's own style and nothing else
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@dataclass(frozen=True)
class _Shown:
    """A table with its cells as texts; ``numbers`` are the columns that are set to the right."""

    title: str
    headings: list[str]
    rows: list[list[str]]
    total: list[str] | None
    numbers: set[int]
    note: str | None


def page_of(title: str, tables: list[ReportTable], notes: list[str], language: Language, *, has_notice: bool) -> bytes:
    """The page; every text is escaped."""
    made = _template().render(
        title=title, lang=language.value, notes=notes, has_notice=has_notice,
        nothing=language.pick("无。", "None."), tables=[_shown(table) for table in tables],
    )  # fmt: skip
    return made.encode()


@cache
def _template() -> Template:
    loader = FileSystemLoader(PROJECT_ROOT / "app" / "api" / "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("quarterly_report.html")


def _shown(table: ReportTable) -> _Shown:
    def text(column: int, value: Any) -> str:
        if column in table.percents and isinstance(value, int | float):
            return f"{value:.1%}"
        if isinstance(value, float):
            return f"{value:,.1f}"
        return f"{value:,}" if isinstance(value, int) else "" if value is None else str(value)

    numbers = {k for k in range(len(table.headings)) if any(isinstance(row[k], int | float) for row in table.rows)}
    rows = [[text(k, value) for k, value in enumerate(row)] for row in table.rows]
    total = None if table.total is None else [text(k, value) for k, value in enumerate(table.total)]
    return _Shown(table.title, table.headings, rows, total, numbers, table.note)
