"""Does the process live, and can it answer?"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import personal
from app.api.deps import LanguageDep, SessionDep, resources_of
from app.api.described import answers, problems
from app.api.schemas.health import Health, Readiness
from app.errors import NotReady
from app.services.dataset_reads import missing_kinds

router = APIRouter(tags=["service"])


@router.get(
    "/healthz",
    operation_id="getHealth",
    summary="进程在否 · Is the process alive?",
    response_model=Health,
    responses={**answers("进程在 · It is"), **problems()},
)
async def get_health(request: Request, language: LanguageDep) -> Response:
    """不访问数据库 · Does not ask the database."""
    return personal(request, Health(message=language.pick("服务在运行。", "The service is running.")))


@router.get(
    "/readyz",
    operation_id="getReadiness",
    summary="可否应答 · Can it answer?",
    response_model=Readiness,
    responses={**answers("可以应答 · It can"), **problems()},
)
def get_readiness(request: Request, session: SessionDep, language: LanguageDep) -> Response:
    """数据库可用、且数据已载入或尚未导入时为 200;正在载入或载入失败时为 503,detail 说明原因。

    200 when the database answers and the data is loaded, or has not been imported yet (`data: none`, with what is
    missing); 503 while it is being loaded or when that failed, with the reason.
    """
    missing = missing_kinds(session)
    names_zh, names_en = "、".join(k.title_zh for k in missing), ", ".join(k.title_en.lower() for k in missing)
    holder = resources_of(request).holder
    try:
        holder.current()
    except NotReady:
        if not missing:
            raise _not_loaded(holder.error) from None
        message = language.pick(
            f"服务就绪,但尚未导入:{names_zh}。", f"The service is ready, but without data yet: {names_en}."
        )
        data = "none"
    else:
        message, data = language.pick("服务就绪。", "The service is ready."), "loaded"
    return personal(
        request, Readiness.model_validate({"data": data, "missing": [k.value for k in missing], "message": message})
    )


def _not_loaded(error: str | None) -> NotReady:
    if error is None:
        return NotReady("数据正在载入,请稍候。", "The data is being loaded; try again in a while.")
    return NotReady(f"数据载入失败:{error}", f"The data could not be loaded: {error}")
