"""Tests of the ledger inside one transaction that is rolled back."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session


def new_moment(session: Session) -> None:
    """What is written from here on is known from a later moment, as if another transaction had begun."""
    session.execute(text("SELECT set_config('skillsmap.moment', '', true)"))
