"""Signing up for sessions: without a sign-in, by a code."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import personal
from app.api.deps import LanguageDep, SessionDep
from app.api.described import answers, created, problems
from app.api.idempotency import IdempotencyKey
from app.api.quality import PUBLIC_WRITES, visitor_in
from app.api.schemas import sign_ups as schemas
from app.api.schemas.sessions import MAX_ID
from app.services import sign_ups as service
from app.services.sign_up_secrets import sign_up_keys
from app.settings import sign_up_settings

router = APIRouter(tags=["sessions"])
SessionId = Annotated[int, Path(ge=1, le=MAX_ID, description="场次编号 · Session", examples=[12])]


@router.post(
    "/sessions/{id}/sign-ups",
    operation_id="signUp",
    summary="报名 · Sign up",
    response_model=schemas.SignUpOut,
    status_code=201,
    responses={**created("已报名,或已候补 · Signed up, or waiting"), **PUBLIC_WRITES},
)
def sign_up(
    request: Request, session: SessionDep, language: LanguageDep, id: SessionId, asked: schemas.SignUpAsked,
    key: IdempotencyKey = None,
) -> Response:  # fmt: skip
    """不需登录。`code` 只在此时给出,凭它查询和取消。手机号加密保存,场次结束后若干天抹去,取消时立即抹去。
    带 `Idempotency-Key` 重发同一请求,得到同一个报名。

    No sign-in. `code` is told only now; it looks the sign-up up and cancels it. The phone number is kept encrypted and
    erased some days after the session, or at once when cancelled. Sent again with its `Idempotency-Key`, the same
    request has the same sign-up.
    """
    visitor, _ = visitor_in(request, session)
    code, made = service.sign_up(session, visitor, id, asked.wish(key), sign_up_keys(), sign_up_settings())
    return personal(request, schemas.SignUpOut.of(code, made, language), status=201)


@router.post(
    "/sign-ups/look-up",
    operation_id="lookUpSignUps",
    summary="我的报名 · My sign-ups",
    response_model=schemas.SignUpsOut,
    responses={**answers("报名 · Sign-ups"), **problems(400, 413)},
)
def look_up(request: Request, session: SessionDep, language: LanguageDep, asked: schemas.CodesAsked) -> Response:
    """报名码写在请求体里,不进入地址。场次被取消时,`session.status` 为 `cancelled`。

    Codes are in the body, not in the address. `session.status` tells of a session that was cancelled.
    """
    found = service.look_up(session, asked.codes, sign_up_keys())
    shown = [schemas.SignUpOut.of(code, made, language) for code, made in found.items()]
    unknown = [code for code in dict.fromkeys(asked.codes) if code not in found]
    return personal(request, schemas.SignUpsOut(sign_ups=shown, unknown=unknown))


@router.post(
    "/sign-ups/cancel",
    operation_id="cancelSignUp",
    summary="取消报名 · Cancel a sign-up",
    response_model=schemas.SignUpOut,
    responses={**answers("已取消 · Cancelled"), **problems(400, 404, 409, 413)},
)
def cancel(request: Request, session: SessionDep, language: LanguageDep, asked: schemas.CodeAsked) -> Response:
    """名额随即给候补的第一位;手机号立即抹去 · The first who waits has the seat; the phone number is erased at once."""
    made = service.cancel(session, asked.code, sign_up_keys())
    return personal(request, schemas.SignUpOut.of(asked.code, made, language))
