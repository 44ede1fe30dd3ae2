"""A quarterly report as a page of its own: to be read on a screen, or printed to PDF by any browser."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from app.api.language import Language
from app.api.report_tables import ReportTable
from app.settings import PROJECT_ROOT

STYLE = re.compile(rb"<style>(.*?)</style>", re.DOTALL)


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


def policy_of(page: bytes) -> str:
    """The Content-Security-Policy of the page: its own style, by its hash, and nothing else."""
    hashes = " ".join(f"'sha256-{_sha256(style)}'" for style in STYLE.findall(page))
    return f"default-src 'none'; style-src {hashes}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def _sha256(value: bytes) -> str:
    return base64.b64encode(hashlib.sha256(value).digest()).decode()


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
