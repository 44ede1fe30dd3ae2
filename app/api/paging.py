"""Keyset paging: an opaque cursor, bound to the question that it continues."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar
from urllib.parse import parse_qsl, quote, urlencode

import orjson
from starlette.requests import Request

from app.errors import ErrorItem, InvalidInput

MAX_NUMBER = 2**63 - 1
First = TypeVar("First")
NOT_PART_OF_THE_QUESTION = ("cursor", "limit", "format", "crs")


def next_cursor(request: Request, last_code: str) -> str:
    """The cursor of the page after the one that ends with ``last_code``."""
    return base64.urlsafe_b64encode(orjson.dumps([_question(request), last_code])).decode("ascii").rstrip("=")


def read_cursor(request: Request, cursor: str | None) -> str | None:
    """The code after which the page begins, None at the start. Raises InvalidInput for a cursor of another list."""
    if cursor is None:
        return None
    try:
        question, code = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        understood = isinstance(code, str) and "\x00" not in code and next_cursor(request, code) == cursor
    except (ValueError, TypeError, binascii.Error):
        question, code, understood = None, None, False
    if understood:
        return str(code)
    raise _unusable(cursor, other=isinstance(question, str) and question != _question(request))


def cursor_after(request: Request, first: str, number: int) -> str:
    """The cursor of the page after a row of a list that is ordered by a text and a number."""
    return next_cursor(request, _pair(first, number))


def read_pair(request: Request, cursor: str | None, read: Callable[[str], First]) -> tuple[First, int] | None:
    """The text (``read``: it may raise ValueError) and number after which the page begins, None at the start.

    Raises InvalidInput for a cursor of another list, and for one that ``cursor_after`` never gave.
    """
    text = read_cursor(request, cursor)
    if cursor is None or text is None:
        return None
    try:
        first, number = orjson.loads(text)
        is_pair = isinstance(first, str) and "\x00" not in first and type(number) is int
        if is_pair and 0 < number <= MAX_NUMBER and _pair(first, number) == text:
            return read(first), number
    except (ValueError, TypeError):
        pass
    raise _unusable(cursor, other=False)


def moment_of_cursor(text: str) -> datetime:
    """A moment that was written by ``isoformat``. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or moment.isoformat() != text:
        raise ValueError(text)
    return moment


def _pair(first: str, number: int) -> str:
    return orjson.dumps([first, number]).decode()


def _unusable(cursor: str, *, other: bool) -> InvalidInput:
    return InvalidInput(
        "翻页游标无法使用。",
        "The cursor cannot be used.",
        errors=[
            ErrorItem(
                "cursor",
                "属于另一组筛选条件" if other else "无法识别",
                "belongs to a list with other filters" if other else "is not one of this service",
                value=cursor,
                remedy_zh="原样使用上一页的 next_cursor,并保持筛选条件不变;从头开始则去掉 cursor",
                remedy_en="use next_cursor of the page before with the same filters; leave it out to start over",
            )
        ],
    )


def link_to_next(request: Request, cursor: str | None) -> dict[str, str]:
    """The ``Link`` header to the next page, relative to this one; nothing on the last."""
    if cursor is None:
        return {}
    pairs = [(k, v) for k, v in parse_qsl(request.url.query, keep_blank_values=True) if k != "cursor"]
    return {"Link": f'<{quote(request.scope["path"])}?{urlencode([*pairs, ("cursor", cursor)])}>; rel="next"'}


def _question(request: Request) -> str:
    pairs = parse_qsl(request.url.query, keep_blank_values=True)
    asked = sorted(pair for pair in pairs if pair[0] not in NOT_PART_OF_THE_QUESTION)
    return hashlib.sha256(urlencode(asked).encode()).hexdigest()[:12]
