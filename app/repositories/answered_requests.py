"""Answers that were given to requests with an idempotency key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.models import AnsweredRequest

KEPT = timedelta(hours=48)


@dataclass(frozen=True)
class HeldAnswer:
    """An answer as it was given."""

    request_sha256: str
    status: int
    media_type: str
    body: bytes


def claim(session: Session, asker: str, key: str, request_sha256: str) -> HeldAnswer | None:
    """Take the key for this transaction (None), or the answer that it has already.

    Waits for another transaction that holds the key. Keys older than 48 hours are forgotten.
    """
    session.execute(delete(AnsweredRequest).where(AnsweredRequest.created_at < func.now() - KEPT))
    taken = session.execute(
        insert(AnsweredRequest)
        .values(asker=asker, key=key, request_sha256=request_sha256)
        .on_conflict_do_nothing()
        .returning(AnsweredRequest.key)
    ).one_or_none()
    if taken is not None:
        return None
    columns = (
        AnsweredRequest.request_sha256, AnsweredRequest.status, AnsweredRequest.media_type, AnsweredRequest.body,
    )  # fmt: skip
    row = session.execute(select(*columns).where(AnsweredRequest.asker == asker, AnsweredRequest.key == key)).one()
    return HeldAnswer(row.request_sha256, row.status or 500, row.media_type or "", row.body or b"")


def keep(session: Session, asker: str, key: str, status: int, media_type: str, body: bytes) -> None:
    """Write down the answer to a claimed key."""
    session.execute(
        update(AnsweredRequest)
        .where(AnsweredRequest.asker == asker, AnsweredRequest.key == key)
        .values(status=status, media_type=media_type, body=body)
    )
