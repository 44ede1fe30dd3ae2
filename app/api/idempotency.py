"""``Idempotency-Key``: a creating request that is sent twice creates once, and is answered twice alike.

The answer is kept in the request's own transaction: what is created and the answer to it are there together or not at
all. Two such requests at the same time: the second waits for the first. A refused request leaves nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Annotated

from fastapi import Header
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import personal_headers
from app.api.language import language_of
from app.errors import ErrorItem, KeyReused
from app.repositories import answered_requests as repo
from app.services.actors import Actor

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", min_length=1, max_length=100, pattern=r"^[\x21-\x7e]+$", examples=["7c1f6d1e-0b6a"],
        description="同一请求重发时用同一个键,只会生效一次(保留 48 小时)· "
        "The same key for a request sent again: it takes effect once (kept for 48 hours)",
    ),
]  # fmt: skip


def once(
    request: Request, session: Session, actor: Actor, key: str | None, asked: bytes, make: Callable[[], Response]
) -> Response:
    """The answer of ``make``, or the one that was given to this very request before.

    ``asked`` is what the request asks for (its body as bytes). Raises KeyReused when the key came with another one.
    """
    if key is None:
        return make()
    asker = actor.username if actor.user_id is not None or actor.token_id is not None else f"public {actor.address}"
    named = b"\n".join([request.method.encode(), request.scope["path"].encode(), asked])
    digest = hashlib.sha256(named).hexdigest()
    held = repo.claim(session, asker, key, digest)
    if held is not None:
        if held.request_sha256 != digest:
            item = ErrorItem(
                "Idempotency-Key", "已用于另一请求", "came with another request before", value=key,
                remedy_zh="新的请求请用新的键", remedy_en="use a new key for a new request",
            )  # fmt: skip
            raise KeyReused("幂等键已用于另一请求。", "This idempotency key came with another request.", errors=[item])
        headers = {name.decode(): value.decode() for name, value in personal_headers(language_of(request))}
        headers |= {"Content-Type": held.media_type, "Idempotency-Replayed": "true"}
        return Response(held.body, status_code=held.status, headers=headers)
    answer = make()
    repo.keep(session, asker, key, answer.status_code, answer.media_type or "application/json", bytes(answer.body))
    return answer
