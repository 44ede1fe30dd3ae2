"""Every error as RFC 9457 ``application/problem+json``, in the reader's language.

``instance`` is the path alone: the query may hold the position of a person.
"""

from __future__ import annotations

import difflib
from typing import Any

import orjson
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from psycopg import OperationalError as PsycopgOperationalError
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.api.deps import resources_of
from app.api.faults import MalformedRequest, MethodNotAllowed, PathNotFound, body_too_large
from app.api.language import Language, language_of
from app.api.logs import masked
from app.api.validation import explain
from app.errors import (
    DatabaseUnavailable,
    DomainError,
    ErrorItem,
    Forbidden,
    InvalidInput,
    NotReady,
    TooManyRequests,
    Unauthenticated,
)
from app.models.vocabularies import AuditAction
from app.services.actors import Actor
from app.services.audit import note_apart

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = {DatabaseUnavailable: 5, NotReady: 10}
LONGEST_VALUE = 200
NOTED_ITEMS = 20

log = structlog.get_logger("app.api")


class ProblemItem(BaseModel):
    """One fault of the request."""

    field: str = Field(description="参数或字段名 · Parameter or field", examples=["crs"])
    value: str | None = Field(description="收到的值 · The value that came", examples=["GCJ02"])
    message: str = Field(description="有何不妥 · What is wrong with it", examples=["未知的坐标系"])
    remedy: str | None = Field(
        description="如何改正 · What to do about it", examples=["四者之一(小写):wgs84、gcj02、bd09、cgcs2000"]
    )


class Problem(BaseModel):
    """RFC 9457. ``code`` never changes and is never translated: programs should look at it alone."""

    type: str = Field(description="问题类型 · The kind of problem, as a URI", examples=["/problems/crs_required"])
    title: str = Field(examples=["必须注明坐标系"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["坐标没有注明坐标系(crs)。"])
    instance: str = Field(description="路径,不含查询串 · Without the query", examples=["/v1/stations/nearest"])
    code: str = Field(description="稳定的错误代码 · Stable code", examples=["crs_required"])
    errors: list[ProblemItem]
    request_id: str = Field(description="与 X-Request-ID 相同 · As in X-Request-ID", examples=["9f86d081884c7d65"])


def problem_response(request: Request, fault: DomainError, headers: dict[str, str] | None = None) -> Response:
    """The answer that tells an error."""
    language = language_of(request)
    body = {
        "type": f"/problems/{fault.code}",
        "title": language.pick(fault.title_zh, fault.title_en),
        "status": fault.status,
        "detail": language.pick(fault.message_zh, fault.message_en),
        "instance": request.scope["path"],
        "code": fault.code,
        "errors": [_item(item, language) for item in fault.errors],
        "request_id": request.scope["state"]["request_id"],
    }
    sent = {"Content-Language": language.value, "Vary": "Accept-Language", "Cache-Control": "no-store"}
    sent |= headers or {}
    for kind, seconds in RETRY_SECONDS.items():
        if isinstance(fault, kind):
            sent["Retry-After"] = str(seconds)
    if isinstance(fault, TooManyRequests):
        sent["Retry-After"] = str(fault.retry_after_s)
    if isinstance(fault, Unauthenticated):
        sent["WWW-Authenticate"] = "Bearer"
    return Response(orjson.dumps(body), status_code=fault.status, headers=sent, media_type=MEDIA_TYPE)


def _item(item: ErrorItem, language: Language) -> dict[str, str | None]:
    remedy = item.remedy_zh if language is Language.ZH else item.remedy_en
    value = None if item.value is None else item.value[:LONGEST_VALUE]
    return {
        "field": item.field,
        "value": value,
        "message": language.pick(item.message_zh, item.message_en),
        "remedy": remedy,
    }


def add_handlers(app: FastAPI, max_body_bytes: int) -> None:
    """Register the one table from exception to answer. What is not in it is answered by ``RequestFrame``."""

    async def domain(request: Request, fault: Any) -> Response:
        if isinstance(fault, Forbidden):
            await run_in_threadpool(_note_refusal, request, fault)
        return problem_response(request, fault)

    async def invalid(request: Request, fault: Any) -> Response:
        return problem_response(request, _from_validation(fault))

    async def http(request: Request, fault: Any) -> Response:
        headers = {"Allow": _allowed(fault)} if fault.status_code == 405 else {}
        return problem_response(request, _from_http(request, fault, max_body_bytes), headers)

    async def database(request: Request, fault: Any) -> Response:
        lost = isinstance(fault, (OperationalError, InterfaceError, PoolTimeout, PsycopgOperationalError))
        if not lost and not getattr(fault, "connection_invalidated", False):
            raise fault
        request_id = request.scope["state"]["request_id"]
        log.warning("database_unavailable", request_id=request_id, path=request.scope["path"], text=masked(fault))
        return problem_response(request, _database_unavailable())

    app.add_exception_handler(DomainError, domain)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    for kind in (DBAPIError, PoolTimeout, PsycopgOperationalError):
        app.add_exception_handler(kind, database)


def _note_refusal(request: Request, fault: Forbidden) -> None:
    """Somebody wanted what he may not: it stays in the audit log, though the request's transaction is rolled back."""
    state = request.scope["state"]
    actor: Actor | None = state.get("actor")
    where = {"method": request.scope["method"], "path": request.scope["path"]}
    log.warning("refused", request_id=state["request_id"], code=fault.code, **where)
    if actor is None:
        return
    items = [{"field": item.field, "value": item.value} for item in fault.errors[:NOTED_ITEMS]]
    details = {"code": fault.code, "items": items}
    key = f"{where['method']} {where['path']}"
    try:
        note_apart(resources_of(request).engine, actor, AuditAction.REFUSED, "request", key, details=details)
    except (DBAPIError, PoolTimeout) as lost:  # the refusal stands all the same
        log.error("refusal_not_noted", request_id=state["request_id"], text=masked(lost), **where)


def _database_unavailable() -> DatabaseUnavailable:
    return DatabaseUnavailable(
        "数据库暂时无法访问,请稍后重试。", "The database cannot be reached at the moment; try again in a while."
    )


def _from_validation(fault: RequestValidationError) -> DomainError:
    faults = fault.errors()
    items = [explain(one) for one in faults]
    if any(one["type"] == "json_invalid" for one in faults):
        return MalformedRequest("请求体不是合法的 JSON。", "The body is not valid JSON.", errors=items)
    return InvalidInput(
        f"请求中有 {len(items)} 处错误,见 errors。",
        f"The request has {len(items)} fault{'s' if len(items) > 1 else ''}; see errors.",
        errors=items,
    )


def _from_http(request: Request, fault: HTTPException, max_body_bytes: int) -> DomainError:
    path, method = request.scope["path"], request.scope["method"]
    if fault.status_code == 404:
        return _path_not_found(request.app, path)
    if fault.status_code == 405:
        allowed = _allowed(fault)
        return MethodNotAllowed(
            f"此地址不支持 {method}。",
            f"This path does not answer to {method}.",
            errors=[
                ErrorItem(
                    "method", "不支持的请求方法", "method not allowed", value=method,
                    remedy_zh=f"可用:{allowed}", remedy_en=f"allowed: {allowed}",
                )
            ],
        )  # fmt: skip
    if fault.status_code == 413:
        return body_too_large(max_body_bytes)
    if fault.status_code == 400:
        return MalformedRequest("请求无法解析。", "The request cannot be parsed.")
    raise fault


def _allowed(fault: HTTPException) -> str:
    """What ``Allow`` says: the route's methods, and HEAD, which the frame answers as GET."""
    methods = (fault.headers or {}).get("Allow", "").split(", ")
    return ", ".join([*methods, "HEAD"] if "GET" in methods else methods)


def _path_not_found(app: FastAPI, path: str) -> PathNotFound:
    known = list(app.openapi()["paths"])
    close = difflib.get_close_matches(path[:LONGEST_VALUE], known, n=3, cutoff=0.7)
    also_zh = f"相近的地址:{'、'.join(close)};" if close else ""
    also_en = f"close to it: {', '.join(close)}; " if close else ""
    return PathNotFound(
        "没有这个地址。",
        "There is no such path.",
        errors=[
            ErrorItem(
                "path", "未知的地址", "unknown path", value=path,
                remedy_zh=f"{also_zh}全部地址见 /docs", remedy_en=f"{also_en}all of them are at /docs",
            )
        ],
    )  # fmt: skip
