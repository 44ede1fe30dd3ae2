"""The context of a transaction that writes: who acts and why, for the audit trigger; and the moment of its writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.models import AuditEntry


def set_context(session: Session, values: Mapping[str, Any]) -> None:
    """Name the actor of this transaction: what triggers write into the audit log comes from here."""
    session.execute(text("SELECT set_config('skillsmap.context', :values, true)"), {"values": json.dumps(dict(values))})


def ledger_moment(session: Session) -> datetime:
    """The moment of all that this transaction writes into the ledger (see migration 20261125_01)."""
    moment: datetime = session.scalars(select(func.ledger_moment(type_=AuditEntry.at.type))).one()
    return moment


def add_event(session: Session, values: Mapping[str, Any]) -> None:
    """Write an entry that is not a change of a row. ``values`` are columns of ``audit_log``.

    It has the moment of the transaction's writes if there is one, and takes none itself: a sign-in, or a refusal, does
    not wait until a long import is through.
    """
    taken = func.nullif(func.current_setting("skillsmap.moment", True), "").cast(AuditEntry.at.type)
    session.add(AuditEntry(at=func.coalesce(taken, func.clock_timestamp()), **values))
    session.flush()
