"""One import = one transaction; a dry run is the same transaction, taken back."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.db.engine import session_scope
from app.ingest.report import ImportReport
from app.models.vocabularies import AreaLevel, DatasetKind
from app.services.acting import act_as
from app.services.actors import of_command
from app.services.loading import DatasetFacts, LoadResult

Tell = Callable[[str, str], None]  # progress: Chinese, English


def silent(message_zh: str, message_en: str) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class SourceFacts:
    """What the person who imports knows about the file. None: not stated."""

    name: str | None = None
    source: str | None = None
    licence: str | None = None
    vintage: str | None = None
    synthetic: bool = False
    notes: str | None = None


class _TakenBack(Exception):
    """Ends the transaction of a dry run."""


def dataset_facts(
    known: SourceFacts, kind: DatasetKind, path: Path, report: ImportReport, parameters: dict[str, Any],
    level: AreaLevel | None = None,
) -> DatasetFacts:  # fmt: skip
    """The dataset row of a file; what is not stated is ``unknown``, and the report says so."""
    missing = [
        (zh, en)
        for value, zh, en in (
            (known.source, "来源 --source", "source"),
            (known.licence, "许可 --licence", "licence"),
            (known.vintage, "数据时间 --vintage", "vintage"),
        )
        if not value
    ]
    if missing:
        report.note(
            f"未注明:{'、'.join(zh for zh, _ in missing)};数据集中记为 unknown。",
            f"Not stated: {', '.join(en for _, en in missing)}; recorded as unknown.",
        )
    return DatasetFacts(
        kind=kind, level=level, name=known.name or path.name, source=known.source or "unknown",
        licence=known.licence or "unknown", vintage=known.vintage or "unknown", sha256=report.sha256,
        synthetic=known.synthetic, notes=known.notes, parameters=parameters,
    )  # fmt: skip


def load_once(
    engine: Engine, report: ImportReport, load: Callable[[Session], LoadResult], *, dry_run: bool,
    check: Sequence[Callable[[Session], None]] = (),
) -> ImportReport:  # fmt: skip
    """Check against the database and load, in one transaction. A dry run does all of it, then takes it back.

    Raises what ``check`` and ``load`` raise; then, and when the process ends half-way, nothing is written.
    """
    report.dry_run = dry_run
    try:
        with session_scope(engine) as session:
            act_as(session, of_command(_user()), reason=report.file)
            for step in check:
                step(session)
            report.raise_if_errors()
            result = load(session)
            report.changed, report.loaded = result.changed, result.counts
            report.dataset_id = None if dry_run and result.changed else result.dataset_id
            if dry_run:
                raise _TakenBack
    except _TakenBack:
        pass
    return report


def _user() -> str:
    """The system's user, where it has a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "command"
