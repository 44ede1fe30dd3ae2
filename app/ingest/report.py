"""What an importer says about a file: faults row by row, figures, and what it assumed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.errors import ErrorItem, ImportFailed
from app.models.vocabularies import DatasetKind

MAX_ISSUES = 500  # of one severity; beyond that they are only counted


class Severity(StrEnum):
    ERROR = "error"  # nothing is written
    WARNING = "warning"  # written, and worth a look


@dataclass(frozen=True)
class RowIssue:
    """One fault: ``row`` as the file counts (first line 1; features and records from 1), None for the whole file."""

    severity: Severity
    row: int | None
    field: str | None
    message_zh: str
    message_en: str
    value: str | None = None
    remedy_zh: str | None = None
    remedy_en: str | None = None

    @property
    def where(self) -> str:
        """``第 7 行 row 7, lng``"""
        row = None if self.row is None else f"第 {self.row} 行 row {self.row}"
        return ", ".join(part for part in (row, self.field) if part) or "文件 file"

    def as_error_item(self) -> ErrorItem:
        return ErrorItem(
            self.where, self.message_zh, self.message_en, value=self.value, remedy_zh=self.remedy_zh,
            remedy_en=self.remedy_en,
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        return {
            "severity": self.severity.value, "row": self.row, "field": self.field, "value": self.value,
            "message_zh": self.message_zh, "message_en": self.message_en, "remedy_zh": self.remedy_zh,
            "remedy_en": self.remedy_en,
        }  # fmt: skip


@dataclass
class ImportReport:
    """Grows while a file is read. ``figures`` are counts and totals by English name, in the order found."""

    kind: DatasetKind
    file: str
    sha256: str
    figures: dict[str, int | float | str] = field(default_factory=dict)
    issues: list[RowIssue] = field(default_factory=list)
    issue_counts: dict[Severity, int] = field(default_factory=lambda: dict.fromkeys(Severity, 0))
    notes: list[tuple[str, str]] = field(default_factory=list)
    dry_run: bool = False
    changed: bool | None = None  # None until it was loaded
    dataset_id: int | None = None
    loaded: dict[str, int] = field(default_factory=dict)

    def error(
        self, message_zh: str, message_en: str, *, row: int | None = None, field: str | None = None,
        value: object = None, remedy: tuple[str, str] | None = None,
    ) -> None:  # fmt: skip
        """A fault because of which nothing is written."""
        self._add(Severity.ERROR, message_zh, message_en, row, field, value, remedy)

    def warn(
        self, message_zh: str, message_en: str, *, row: int | None = None, field: str | None = None,
        value: object = None, remedy: tuple[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Something worth a look that does not stop the import."""
        self._add(Severity.WARNING, message_zh, message_en, row, field, value, remedy)

    def count_errors(self, count: int) -> None:
        """Faults of a kind that is listed already."""
        self.issue_counts[Severity.ERROR] += count

    def note(self, message_zh: str, message_en: str) -> None:
        """An assumption or a circumstance that the reader must know."""
        self.notes.append((message_zh, message_en))

    @property
    def error_count(self) -> int:
        return self.issue_counts[Severity.ERROR]

    @property
    def has_errors(self) -> bool:
        return self.error_count > 0

    def of(self, severity: Severity) -> list[RowIssue]:
        return [issue for issue in self.issues if issue.severity is severity]

    def unlisted(self, severity: Severity) -> int:
        """How many issues were counted but not kept."""
        return self.issue_counts[severity] - len(self.of(severity))

    def raise_if_errors(self) -> None:
        """Raises ImportFailed with every fault listed (up to a cap, which says how many more there are)."""
        if not self.has_errors:
            return
        count, more = self.issue_counts[Severity.ERROR], self.unlisted(Severity.ERROR)
        items = [issue.as_error_item() for issue in self.of(Severity.ERROR)]
        if more:
            items.append(ErrorItem("…", f"另有 {more} 处错误未列出", f"and {more} more faults that are not listed"))
        raise ImportFailed(
            f"{self.file} 有 {count} 处错误,未写入任何数据。改正后重新导入即可。",
            f"{self.file} has {count} fault{'s' if count > 1 else ''}; nothing was written. "
            "Correct the file and import it again.",
            errors=items,
        )

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, for JSON."""
        return {
            "kind": self.kind.value, "file": self.file, "sha256": self.sha256, "dry_run": self.dry_run,
            "changed": self.changed, "dataset_id": self.dataset_id, "loaded": self.loaded, **self.for_dataset(),
        }  # fmt: skip

    def for_dataset(self) -> dict[str, Any]:
        """The part that is kept beside the dataset: it depends on the file and the options only."""
        return {
            "figures": dict(self.figures),
            "errors": self.issue_counts[Severity.ERROR],
            "warnings": self.issue_counts[Severity.WARNING],
            "issues": [issue.to_dict() for issue in self.issues],
            "notes": [{"zh": zh, "en": en} for zh, en in self.notes],
        }

    def _add(
        self, severity: Severity, message_zh: str, message_en: str, row: int | None, field: str | None,
        value: object, remedy: tuple[str, str] | None,
    ) -> None:  # fmt: skip
        self.issue_counts[severity] += 1
        if len(self.of(severity)) >= MAX_ISSUES:
            return
        remedy_zh, remedy_en = remedy or (None, None)
        text = None if value is None else str(value)
        self.issues.append(RowIssue(severity, row, field, message_zh, message_en, text, remedy_zh, remedy_en))
