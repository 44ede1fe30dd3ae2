"""Responses as the OpenAPI document describes them: one helper for what may go wrong, one for GeoJSON."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from app.api.answers import GEOJSON, JSON
from app.api.problems import MEDIA_TYPE

Responses = dict[int | str, dict[str, Any]]

MEANINGS = {
    400: "请求无法解析 · The request cannot be parsed",
    401: "没有登录,或登录已过期、已注销、令牌无效 · Not signed in, or the sign-in is no longer good",
    403: "没有权限,或超出管辖范围 · Not allowed, or outside of the account's scope",
    429: "过于频繁;按 Retry-After 重试 · Too often; try again after Retry-After",
    404: "没有这个代码,或该级数据尚未导入 · No such code, or nothing of that level is loaded",
    409: "与现有数据冲突 · In conflict with the data that is there",
    413: "请求体过大 · Request body too large",
    422: "参数有误:errors 指明字段、值与改正办法 · A value is wrong: errors name field, value and remedy",
    500: "服务内部出错,已记录 · Something went wrong inside, and was logged",
    503: "数据库不可用,或尚未就绪;按 Retry-After 重试 · Database unavailable or not ready; try again after Retry-After",
}
CODES = {
    400: "malformed_request",
    401: "unauthenticated",
    403: "forbidden",
    429: "too_many_requests",
    404: "not_found",
    409: "conflict",
    413: "body_too_large",
    422: "unknown_parameter",
    500: "internal_error",
    503: "database_unavailable",
}
TITLES = {
    400: "请求格式有误",
    401: "需要登录",
    403: "没有权限",
    429: "请求过于频繁",
    404: "未找到",
    409: "数据冲突",
    413: "请求体过大",
    422: "未知参数",
    500: "服务内部出错",
    503: "数据库不可用",
}


def problems(*statuses: int) -> Responses:
    """``responses=`` for these statuses; 422, 500 and 503 can happen to every route and are always in."""
    return {status: _problem(status) for status in sorted({*statuses, 422, 500, 503})}


def _problem(status: int) -> dict[str, Any]:
    example = {
        "type": f"/problems/{CODES[status]}", "title": TITLES[status], "status": status, "detail": MEANINGS[status],
        "instance": "/v1/stations", "code": CODES[status], "errors": [], "request_id": "9f86d081884c7d65",
    }  # fmt: skip
    if status == 422:
        example["errors"] = [
            {"field": "limt", "value": "10", "message": "未知参数", "remedy": "是否想写 limit?可用参数:limit、cursor"}
        ]
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
    return {"description": MEANINGS[status], "content": content}


def answers(description: str, geojson: type[BaseModel] | None = None) -> Responses:
    """``responses=`` for 200. Its example is made from the models' field examples: see ``documentation.py``."""
    content: dict[str, Any] = {JSON: {}}
    if geojson is not None:
        content[GEOJSON] = {"schema": {"$ref": f"#/components/schemas/{geojson.__name__}"}}
    return {200: {"description": description, "content": content}}


def created(description: str) -> Responses:
    """``responses=`` for 201."""
    return {201: {"description": description, "content": {JSON: {}}}}


NOT_MODIFIED: Responses = {304: {"description": "自 If-None-Match 所指的版本以来未变 · Unchanged"}}
