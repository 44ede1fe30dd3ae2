"""What surrounds every request, as plain ASGI so that it costs microseconds.

``Preflight`` answers browsers that ask whether a page of another origin may call; any may. ``Compression`` is for
clients that can undo it. ``RequestFrame``, between the two, has the rest:

- a request id, taken from ``X-Request-ID`` where it is well formed, and sent back;
- headers that every answer carries;
- a limit on the size of a body, announced or streamed;
- HEAD, answered as GET without its body;
- the last catch: an unexpected exception is logged and answered as ``internal_error``, without details.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from random import getrandbits

import structlog
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.faults import InternalError, body_too_large
from app.api.logs import describe
from app.api.problems import problem_response

WELL_FORMED_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),  # an address may hold a position
)
ACROSS = (  # for pages of other origins: any may ask
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        b"Content-Crs, Content-Language, ETag, Link, Location, Retry-After, X-Request-ID",
    ),
)
VARY = (b"vary", b"Accept-Encoding")
COMPRESS_SIZE, COMPRESS_LEVEL = 1_000, 5  # bytes from which on; zlib's level
POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")  # pages bring their own

log = structlog.get_logger("app.api")


class Preflight(CORSMiddleware):
    """Answers OPTIONS; every other request passes: the same headers go with every answer (see ``HEADERS``)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)


class Compression(GZipMiddleware):
    """Passes every request of a client that does not take gzip."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and b"gzip" in dict(scope["headers"]).get(b"accept-encoding", b""):
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)


class RequestFrame:
    """ASGI middleware; ``max_body_bytes`` is the largest body that is read, ``larger`` that of some paths."""

    def __init__(self, app: ASGIApp, max_body_bytes: int, larger: Mapping[str, int] | None = None) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes
        self.larger = larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"])
        request_id = request_id_of(given)
        sent_id = (b"x-request-id", request_id.encode("ascii"))
        is_head = scope["method"] == "HEAD"
        scope = {
            **scope,
            "method": "GET" if is_head else scope["method"],
            "state": {**scope.get("state", {}), "request_id": request_id},
        }
        started, across = False, b"origin" in given

        async def send_framed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message = {**message, "headers": [*framed(message.get("headers", ()), across), sent_id]}
            elif is_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        largest = self.larger.get(scope["path"], self.max_body_bytes)
        if int(_digits(given.get(b"content-length"))) > largest:
            await problem_response(Request(scope), body_too_large(largest))(scope, receive, send_framed)
            return
        if scope["method"] != "GET":
            receive = self._limited(receive, largest)
        try:
            await self.app(scope, receive, send_framed)
        except Exception as fault:  # the last place that can answer: everything expected was answered before
            where = {"request_id": request_id, "method": scope["method"], "path": scope["path"]}
            log.error("unexpected", **where, **describe(fault))
            if started:  # the server closes the connection; the text of the fault stays out of its log
                raise RuntimeError(f"the answer to request {request_id} was cut off") from None
            await problem_response(Request(scope), _internal_error())(scope, receive, send_framed)

    def _limited(self, receive: Receive, largest: int) -> Receive:
        """``receive`` that refuses a body which grows beyond the limit while it is streamed."""
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > largest:
                raise HTTPException(413)
            return message

        return limited


def _internal_error() -> InternalError:
    return InternalError(
        "服务内部出错,已记录。报告问题时请附上 request_id。",
        "Something went wrong inside the service, and was logged. Please quote the request_id when you report it.",
    )


def request_id_of(headers: Mapping[bytes, bytes]) -> str:
    """The id that a request brings, or a new one."""
    given = headers.get(b"x-request-id")
    if given is not None and WELL_FORMED_ID.fullmatch(given):
        return given.decode("ascii")
    return f"{getrandbits(64):016x}"  # a name, not a secret: asking the system for chance costs a tenth of a lookup


def _digits(value: bytes | None) -> bytes:
    """A content length; the server has refused what is not a number, so anything else counts as none."""
    return value if value is not None and value.isdigit() and len(value) < 20 else b"0"


def framed(headers: Iterable[tuple[bytes, bytes]], across: bool) -> list[tuple[bytes, bytes]]:
    """The headers of an answer with those that every answer carries; the request's id is still missing.

    ``across``: does a page of another origin ask? An answer that no cache keeps has ``ACROSS`` for it alone: every
    header costs the server a microsecond or two.
    """
    sent = [*headers, *HEADERS]
    varies = has_policy = False
    for name, value in sent:
        if name == b"vary":
            varies = varies or VARY[1] in value
        elif name == b"cache-control":
            across = across or b"no-store" not in value
        elif name == POLICY[0]:
            has_policy = True
    if across:
        sent.extend(ACROSS)
    if not varies:
        sent.append(VARY)
    if not has_policy:
        sent.append(POLICY)
    return sent
