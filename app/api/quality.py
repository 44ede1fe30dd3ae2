"""What the routes of supervision share: the place that a list asks for, positions in lists, people not signed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Path, Query
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import personal
from app.api.described import problems
from app.api.identity import origin_of
from app.api.paging import link_to_next, next_cursor, read_cursor
from app.api.parameters import PLAIN_TEXT, AreaCode
from app.errors import ErrorItem, InvalidInput
from app.repositories.quality_places import Place
from app.services.actors import Actor, of_public
from app.services.visitors import Visitor, visitor_of
from app.settings import QualitySettings, quality_settings

MAX_ID = 2**31 - 1
Id = Annotated[int, Path(ge=1, le=MAX_ID, description="编号 · Id", examples=[7])]
Year = Annotated[int, Path(ge=2025, le=2100, description="年度 · Year", examples=[2025])]
Limit = Annotated[int, Query(ge=1, le=500, description="每页条数 · Rows per page", examples=[100])]
READS = problems(401, 403, 404)
WRITES = problems(400, 401, 403, 404, 409, 413)
PUBLIC_WRITES = problems(400, 404, 409, 413, 429)


async def place_in_query(
    station: Annotated[
        str | None,
        Query(
            min_length=1, max_length=64, pattern=PLAIN_TEXT, description="站点编号 · Station code",
            examples=["YC440106-001"],
        ),
    ] = None,
    district: Annotated[AreaCode | None, Query(description="区代码 · District code", examples=["440106"])] = None,
    town: Annotated[AreaCode | None, Query(description="镇街代码 · Town code", examples=["440106008"])] = None,
) -> Place:  # fmt: skip
    """Which stations a list is about; all of those in scope without any of the three."""
    return Place(station, district, town)


async def get_settings() -> QualitySettings:
    return quality_settings()


PlaceQuery = Annotated[Place, Depends(place_in_query)]
SettingsDep = Annotated[QualitySettings, Depends(get_settings)]


def read_position(request: Request, cursor: str | None, *kinds: Callable[[str], Any]) -> tuple[Any, ...] | None:
    """Where a page begins, part by part; None at the start. Raises InvalidInput for a cursor of another list."""
    text = read_cursor(request, cursor)
    if text is None:
        return None
    parts = text.split(" ")
    try:
        if len(parts) == len(kinds):
            return tuple(kind(part) for kind, part in zip(kinds, parts, strict=True))
    except ValueError:
        pass
    item = ErrorItem("cursor", "无法识别", "is not one of this list", value=cursor)
    raise InvalidInput("翻页游标无法使用。", "The cursor cannot be used.", errors=[item])


def whole(text: str) -> int:
    """A number in a cursor. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValueError(text)
    return int(text)


def flag(text: str) -> bool:
    """A yes or no (1 or 0) in a cursor. Raises ValueError."""
    if text not in ("0", "1"):
        raise ValueError(text)
    return text == "1"


Row = TypeVar("Row")
day = date.fromisoformat


def page(
    request: Request, rows: Sequence[Row], limit: int, position: Callable[[Row], Sequence[Any]],
    body: Callable[[Sequence[Row], str | None], BaseModel],
) -> Response:  # fmt: skip
    """The answer with one page of ``rows``, of which there is one more when another page follows."""
    following = None
    if len(rows) > limit:
        following = next_cursor(request, " ".join(str(part) for part in position(rows[limit - 1])))
    answer = personal(request, body(rows[:limit], following))
    answer.headers.update(link_to_next(request, following))
    return answer


def visitor_in(request: Request, session: Session) -> tuple[Visitor, Actor]:
    """Somebody who is not signed in, and the actor under whom an idempotency key of theirs is kept.

    The address goes no further than here: the actor has the day's mark of it in its place.
    """
    visitor = visitor_of(session, origin_of(request).address)
    return visitor, replace(of_public(), address=visitor.mark.hex())
