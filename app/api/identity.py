"""Who a request comes from: ``Authorization: Bearer`` with an access token or an API token.

Looked up at every request in a transaction of its own, that is over before the route begins: a connection that was held
meanwhile would wait for a thread, and threads for connections.
"""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import Depends, Security
from fastapi.security import HTTPBearer, OAuth2PasswordBearer
from sqlalchemy.orm import Session
from starlette.requests import Request

from app.api.deps import resources_of
from app.errors import ErrorItem, Unauthenticated
from app.services import api_tokens
from app.services.actors import Actor
from app.services.signing_in import Origin, identify

TOKEN_URL = "/v1/auth/token"

log = structlog.get_logger("app.api")

# for the document alone: the header is read below, so that what is wrong with it is told by this service's own errors
sign_in_scheme = OAuth2PasswordBearer(
    TOKEN_URL, refreshUrl=TOKEN_URL, scheme_name="SignIn", auto_error=False,
    description="用户名与密码换取 15 分钟的 access_token · Username and password for an access_token of 15 minutes",
)  # fmt: skip
token_scheme = HTTPBearer(
    scheme_name="ApiToken", bearerFormat="smk_…", auto_error=False,
    description="供程序使用的接口令牌 · API tokens, for machines",
)  # fmt: skip


def origin_of(request: Request) -> Origin:
    """Address and id of a request."""
    address = request.client.host if request.client is not None else None
    return Origin(address, request.scope["state"]["request_id"])


def optional_actor(
    request: Request,
    by_sign_in: Annotated[str | None, Security(sign_in_scheme)] = None,
    by_token: Annotated[object, Security(token_scheme)] = None,
) -> Actor | None:
    """Who is signed in; None without an Authorization header. Raises Unauthenticated for one that is not good."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    try:
        actor = _identified(request, header)
    except Unauthenticated as fault:
        where = {"request_id": request.scope["state"]["request_id"], "path": request.scope["path"]}
        log.warning("not_signed_in", code=fault.code, **where)
        raise
    request.state.actor = actor
    return actor


def require_actor(actor: Annotated[Actor | None, Depends(optional_actor)]) -> Actor:
    """Who is signed in. Raises Unauthenticated."""
    if actor is None:
        raise _not_signed_in(None)
    return actor


def _identified(request: Request, header: str) -> Actor:
    kind, _, token = header.strip().partition(" ")
    token = token.strip()
    if kind.lower() != "bearer" or not token:
        raise _not_signed_in(kind)
    engine, origin = resources_of(request).engine, origin_of(request)
    with Session(engine) as session:
        if not token.startswith(api_tokens.MARK):
            return identify(session, token, origin)
        actor, is_use_due = api_tokens.identify_token(session, token, origin)
    if is_use_due and actor.token_id is not None:
        api_tokens.note_use(engine, actor.token_id)
    return actor


def _not_signed_in(kind: str | None) -> Unauthenticated:
    item = ErrorItem(
        "Authorization", "缺少" if kind is None else "格式不对", "is missing" if kind is None else "has another form",
        remedy_zh=f"先用 POST {TOKEN_URL} 登录,再带上 Authorization: Bearer <access_token>",
        remedy_en=f"sign in with POST {TOKEN_URL}, then send Authorization: Bearer <access_token>",
    )  # fmt: skip
    return Unauthenticated("此接口需要登录。", "This call needs a sign-in.", errors=[item])


ActorDep = Annotated[Actor, Depends(require_actor)]
OptionalActorDep = Annotated[Actor | None, Depends(optional_actor)]
