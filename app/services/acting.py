"""Writing as somebody: every use case that writes begins with ``act_as``."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.repositories.context import set_context
from app.services.actors import Actor


def act_as(session: Session, actor: Actor, *, reason: str | None = None) -> None:
    """From here to the end of the transaction, what is written is written by ``actor``, for ``reason``."""
    set_context(session, {**described(actor), "reason": reason})


def described(actor: Actor) -> dict[str, Any]:
    """The actor as columns of the audit log."""
    return {
        "actor": actor.username,
        "actor_id": actor.user_id,
        "role": actor.role.value,
        "scope_code": actor.scope.code,
        "channel": actor.channel.value,
        "address": actor.address,
        "request_id": actor.request_id,
    }
