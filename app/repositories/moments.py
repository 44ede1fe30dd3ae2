"""Waiting for those who are writing the ledger."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

LEDGER_LOCK = 6012025  # that of ledger_moment(), migration 20261125_01
PATIENCE_MS = 10_000


def wait_for_writers(engine: Engine) -> datetime | None:
    """Return when every transaction that has taken a ledger moment until now is over; None after ten seconds.

    What it returns is the moment of the database's clock up to which nothing can be written any more.

    A connection of its own: a transaction that reads one state of the database would have fixed that state before.
    """
    with engine.connect() as connection, connection.begin():
        connection.execute(text("SELECT set_config('lock_timeout', :ms, true)"), {"ms": str(PATIENCE_MS)})
        try:
            connection.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": LEDGER_LOCK})
            settled: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        except OperationalError as fault:
            if getattr(fault.orig, "sqlstate", None) == "55P03":  # lock_not_available
                return None
            raise
    return settled
