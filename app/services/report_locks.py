"""What is reported stays as it is until the report is returned.

Whoever writes holds the ledger's lock (``ledger_moment``), so a report cannot be submitted between this look and the
write that follows it.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from app.models.vocabularies import ReportLevel, ReportState
from app.repositories import reports as repo

LOCKING = (ReportState.SUBMITTED, ReportState.ACCEPTED)


def locked_pairs(session: Session, pairs: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the pairs (station code, quarter) whose report is submitted or accepted: the station's own, or that of
    its town or district."""
    if not pairs:
        return set()
    return repo.pairs_in_states(session, pairs, [state.value for state in LOCKING], list(ReportLevel))
