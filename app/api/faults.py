"""Errors that exist only between a client and the service; the rest of the tree is in ``app.errors``."""

from __future__ import annotations

from app.errors import DomainError, NotFound


class PathNotFound(NotFound):
    code = "path_not_found"
    title_zh = "没有这个地址"
    title_en = "No such path"


class MethodNotAllowed(DomainError):
    code = "method_not_allowed"
    status = 405
    title_zh = "不支持此请求方法"
    title_en = "Method not allowed"


class MalformedRequest(DomainError):
    code = "malformed_request"
    status = 400
    title_zh = "请求格式有误"
    title_en = "Malformed request"


class BodyTooLarge(DomainError):
    code = "body_too_large"
    status = 413
    title_zh = "请求体过大"
    title_en = "Request body too large"


class InternalError(DomainError):
    code = "internal_error"
    status = 500
    title_zh = "服务内部出错"
    title_en = "Internal error"


def body_too_large(max_body_bytes: int) -> BodyTooLarge:
    """The error for a body above the limit."""
    size = f"{max_body_bytes / 1e6:g} MB"
    return BodyTooLarge(
        f"请求体超过 {size} 的上限,请分批发送。", f"The body is above the limit of {size}; send it in parts."
    )
