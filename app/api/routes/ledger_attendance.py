"""Who signed up for a session, and who came. For officers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import personal
from app.api.deps import LanguageDep, SessionDep, resources_of
from app.api.described import answers, problems
from app.api.identity import ActorDep
from app.api.schemas import sign_ups as schemas
from app.api.schemas.ledger_courses import SessionOut
from app.api.schemas.sessions import MAX_ID
from app.models.vocabularies import AuditAction
from app.services import attendance as service
from app.services.audit import note_apart
from app.services.sign_up_secrets import sign_up_keys

router = APIRouter(prefix="/ledger", tags=["ledger"])
SessionId = Annotated[int, Path(ge=1, le=MAX_ID, description="场次编号 · Session", examples=[12])]


@router.get(
    "/sessions/{id}/sign-ups",
    operation_id="listSignUps",
    summary="报名名单 · Who signed up",
    response_model=schemas.SessionSignUps,
    responses={**answers("报名名单 · The list"), **problems(401, 403, 404)},
)
def list_sign_ups(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: SessionId
) -> Response:
    """手机号只给镇街及以上、可写的账号;每次查看都记入审计 · Numbers for those who may write; reading is audited."""
    about, listed = service.list_sign_ups(session, actor, id, sign_up_keys())
    if any(one.phone is not None for one in listed):
        note_apart(resources_of(request).engine, actor, AuditAction.EXPORT, "sign_ups", str(id))
    shown = [schemas.ListedSignUp.of(one, language) for one in listed]
    return personal(request, schemas.SessionSignUps(session=SessionOut.of(about, language), sign_ups=shown))


@router.post(
    "/sessions/{id}/attendance",
    operation_id="recordAttendance",
    summary="登记到课 · Record who came",
    response_model=SessionOut,
    responses={**answers("场次 · The session"), **problems(400, 401, 403, 404, 409, 413)},
)
def record_attendance(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: SessionId,
    asked: schemas.AttendanceAsked,
) -> Response:  # fmt: skip
    """场次即为已举办,人次、学时、取证人数计入该季度的培训台账;再次登记则按差额更正。

    The session is held then; visits, hours and certificates go into the training ledger of its quarter. Recorded again,
    the difference is applied.
    """
    return personal(
        request, SessionOut.of(service.record_attendance(session, actor, id, asked.version, asked.came()), language)
    )
