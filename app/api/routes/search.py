"""One question for everything (一键查询), and suggestions while it is typed.

Answered on the event loop: in some tenths of a millisecond as written, in a few with errors. A thread would wait for
five whenever it lets go of the interpreter. Only long questions, and building the index, are left to threads.
"""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import personal
from app.api.deps import snapshot_of
from app.api.described import answers, problems
from app.api.language import Language, language_of
from app.api.parameters import PLAIN_TEXT
from app.api.schemas.search import (
    LONGEST,
    SearchAnswer,
    SearchKind,
    SearchParameters,
    SearchQuestion,
    SuggestionList,
)
from app.api.search_texts import Telling, body_of
from app.errors import ErrorItem, InvalidInput
from app.geo.crs import Crs
from app.services.positions import Position, read_crs, read_position
from app.services.search import Asked, Kind, search_directly, search_forgivingly
from app.services.search_index import SearchIndex, index_if_ready, index_of
from app.services.search_reading import checked_words
from app.services.search_suggestions import near_in_spelling, suggestions
from app.services.snapshot import Snapshot

router = APIRouter(prefix="/search", tags=["search"])
SUMMARY = "查站点、课程、技能 · Search stations, courses and skills"
MOST_AT_ONCE = 30  # letters of a question with errors that is answered on the event loop
RESPONSES = {**answers("找到的 · What was found"), **problems()}


@router.get(
    "",
    operation_id="searchAll",
    openapi_extra={"x-example": "lng=113.2644&lat=23.1291&crs=gcj02"},
    summary=SUMMARY,
    response_model=SearchAnswer,
    responses=RESPONSES,
)
async def get_search(request: Request, asked: Annotated[SearchParameters, Query()]) -> Response:
    """按文字查:中文一个字起、全拼(`dianhan`)、首字母(`dh`)、同音字与打错的字。文字越相符越靠前;同样相符的,给了位置
    则近的、正在开放的、早开课的在前。位置不保存、不记录;用 POST 则不进入地址。

    By what is typed: Chinese from one character on, pinyin, initials, characters that sound alike, errors of typing.
    What fits better comes first; of things that fit alike those nearer (where a position is given), open now, or held
    sooner. Positions are neither kept nor logged; use POST to keep them out of addresses, too.
    """
    return await _answer(request, asked)


@router.post(
    "",
    operation_id="searchAllByBody",
    summary=f"{SUMMARY}(位置不进入地址 · Position in the body)",
    response_model=SearchAnswer,
    responses={**RESPONSES, **problems(400, 413)},
)
async def post_search(request: Request, question: SearchQuestion) -> Response:
    """与 GET 相同,参数写在 JSON 请求体里 · The same as GET with its parameters in a JSON body."""
    return await _answer(request, question)


@router.get(
    "/suggestions",
    operation_id="suggestSearches",
    summary="边输入边提示 · Suggestions while typing",
    response_model=SuggestionList,
    responses={**answers("提示 · Suggestions"), **problems()},
)
async def get_suggestions(
    request: Request,
    q: Annotated[
        str,
        Query(min_length=1, max_length=LONGEST, pattern=PLAIN_TEXT, description="已输入的 · As typed", examples=["dg"]),
    ],
    limit: Annotated[int, Query(ge=1, le=20, description="至多几条 · At most so many", examples=[8])] = 8,
) -> Response:
    """站点、课程、技能、地址的名称,供点选 · Names of stations, courses, skills and addresses to choose from."""
    snapshot, now_s = snapshot_of(request), int(time.time())
    index = await _index(snapshot)
    found = suggestions(snapshot, index, q, limit, now_s)
    told = [{"text": one.text, "kind": one.kind, "code": one.code} for one in found]
    return personal(request, {"q": q, "suggestions": told})


async def _index(snapshot: Snapshot) -> SearchIndex:
    ready = index_if_ready(snapshot)
    return await run_in_threadpool(index_of, snapshot) if ready is None else ready


async def _answer(request: Request, asked: SearchParameters | SearchQuestion) -> Response:
    snapshot, language = snapshot_of(request), language_of(request)
    body = light_body(snapshot, asked, language)
    if body is None:
        body = await run_in_threadpool(_heavy_body, snapshot, asked, language)
    return personal(request, body)


def light_body(snapshot: Snapshot, asked: SearchParameters | SearchQuestion, language: Language) -> bytes | None:
    """The answer as it is sent; None where it takes a thread."""
    question, words, telling = _read(snapshot, asked, language)
    index = index_if_ready(snapshot)
    if index is None:
        return None
    found = search_directly(snapshot, index, words, question)
    if found is not None:
        return body_of(telling, asked.q, found, [])
    return _forgiving(telling, index, words, question, asked.q) if sum(map(len, words)) <= MOST_AT_ONCE else None


def _heavy_body(snapshot: Snapshot, asked: SearchParameters | SearchQuestion, language: Language) -> bytes:
    question, words, telling = _read(snapshot, asked, language)
    index = index_of(snapshot)
    found = search_directly(snapshot, index, words, question)
    if found is not None:
        return body_of(telling, asked.q, found, [])
    return _forgiving(telling, index, words, question, asked.q)


def _read(
    snapshot: Snapshot, asked: SearchParameters | SearchQuestion, language: Language
) -> tuple[Asked, list[str], Telling]:
    """Raises InvalidInput, CrsRequired, CoordinateInvalid."""
    position, words, now_s = _position(asked), checked_words(asked.q), int(time.time())
    kinds = Kind(*(not asked.kinds or kind in asked.kinds for kind in SearchKind))
    crs = Crs.WGS84 if asked.crs is None else read_crs(asked.crs)
    return Asked(now_s, asked.limit, kinds, position), words, Telling(snapshot, language, crs, now_s)


def _forgiving(telling: Telling, index: SearchIndex, words: list[str], question: Asked, text: str) -> bytes:
    found = search_forgivingly(telling.snapshot, index, words, question)
    return body_of(telling, text, found, [] if found.any else near_in_spelling(index, words))


def _position(asked: SearchParameters | SearchQuestion) -> Position | None:
    """Where one is, if that is said. Raises InvalidInput for half a position, CrsRequired, CoordinateInvalid."""
    lng, lat = asked.lng, asked.lat
    if lng is None and lat is None:
        return None
    if lng is None or lat is None:
        raise _half(["lng" if lng is None else "lat"])
    return read_position(lng, lat, asked.crs)


def _half(names: list[str]) -> InvalidInput:
    items = [
        ErrorItem(
            name, "缺少", "is missing", remedy_zh="lng、lat、crs 三项一起写,或都不写",
            remedy_en="give lng, lat and crs together, or none of them",
        )
        for name in names
    ]  # fmt: skip
    return InvalidInput("位置不完整。", "The position is incomplete.", errors=items)
