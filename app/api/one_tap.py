"""The short way for the calls that every resident makes: ``GET /v1/stations/nearest``, with whatever filters, and
``GET /v1/search``.

It is read and answered here, before middleware, routing, dependencies and validation, which would cost more than the
lookup. The position is read anew each time, all else once for the same text, by the endpoint's own model. Everything
else (another call, an answer that takes longer than a lookup, any fault) goes on untouched: what is accepted,
documented and refused is decided by the endpoint alone. The answer is the endpoint's, to the byte.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import get_origin
from urllib.parse import parse_qsl

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from app.api.answers import personal_headers
from app.api.deps import Resources
from app.api.frame import COMPRESS_LEVEL, COMPRESS_SIZE, framed, request_id_of
from app.api.language import LONGEST_HEADER, Language, negotiate
from app.api.nearest_asked import Reading, Where, answer_crs
from app.api.nearest_texts import Asking
from app.api.routes.nearest import light_body
from app.api.routes.search import light_body as light_search
from app.api.schemas.nearest import NearestFormat, NearestParameters
from app.api.schemas.search import SearchParameters
from app.services.positions import Position, position_in

PATH, SEARCH = "/v1/stations/nearest", "/v1/search"
DEGREES_PATTERN = r"-?[0-9]{1,3}(?:\.[0-9]{1,15})?"
DEGREES = re.compile(DEGREES_PATTERN).fullmatch
POSITION = re.compile(r"(?:^|&)(lng|lat)=([^&]*)")
BEGINS_WITH_POSITION = re.compile(rf"lng=({DEGREES_PATTERN})&lat=({DEGREES_PATTERN})&").match
LISTS = frozenset(
    name for name, field in NearestParameters.model_fields.items() if get_origin(field.annotation) is list
)
Answer = tuple[list[tuple[bytes, bytes]], bytes]


class OneTapApp(FastAPI):
    """An application whose ``state.resources`` holds the snapshot. Answers the plain question before all else."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in BODIES and scope["method"] == "GET":
            answer = _answer(self.state.resources, scope)
            if answer is not None:
                headers, body = answer
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": body})
                return
        await super().__call__(scope, receive, send)


def _answer(resources: Resources, scope: Scope) -> Answer | None:
    """Headers and body; None where the endpoint has to look at the request."""
    given = dict(scope["headers"])
    if len(given) != len(scope["headers"]) or b"content-length" in given or b"transfer-encoding" in given:
        return None
    language = negotiate(given.get(b"accept-language", b"").decode("latin-1")[:LONGEST_HEADER])
    try:
        body = BODIES[scope["path"]](resources, scope["query_string"], language)
    except Exception:  # whatever it is, the endpoint comes to it again, and says or logs it as is due
        return None
    if body is None:
        return None
    compressed = len(body) >= COMPRESS_SIZE and b"gzip" in given.get(b"accept-encoding", b"")
    if compressed:
        body = gzip.compress(body, COMPRESS_LEVEL, mtime=0)
    own = (b"content-length", b"%d" % len(body)), (b"x-request-id", request_id_of(given).encode("ascii"))
    return [*_headers(language, compressed=compressed, across=b"origin" in given), *own], body


def _nearest(resources: Resources, query_string: bytes, language: Language) -> bytes | None:
    question = plain_question(query_string)
    if question is None:
        return None
    reading, position = question
    snapshot, query = resources.holder.current(), reading.query()
    if not snapshot.stations.holds_on(query.day):
        return None
    return light_body(Asking(snapshot, query, answer_crs(reading, position), language), Where(position, None))


def _search(resources: Resources, query_string: bytes, language: Language) -> bytes | None:
    given: dict[str, str | list[str]] = {}
    for name, value in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True):
        if name in given or name == "kinds":
            return None
        given[name] = value
    return light_search(resources.holder.current(), SearchParameters.model_validate(given), language)


BODIES: dict[str, Callable[[Resources, bytes, Language], bytes | None]] = {PATH: _nearest, SEARCH: _search}


@cache
def _headers(language: Language, *, compressed: bool, across: bool) -> list[tuple[bytes, bytes]]:
    """What every such answer carries besides its length and its id."""
    encoding = [(b"content-encoding", b"gzip")] if compressed else []
    return framed([*personal_headers(language), *encoding], across)


def plain_question(query_string: bytes) -> tuple[Reading, Position] | None:
    """What a query string asks for, and the position; None for any form that the endpoint has to look at.

    Raises what ``position_in`` raises.
    """
    text = query_string.decode("latin-1")
    begins = BEGINS_WITH_POSITION(text)  # as programs mostly write it
    if begins is not None:
        (lng, lat), rest = begins.groups(), text[begins.end() :]
    else:
        degrees = POSITION.findall(text)
        given = dict(degrees)
        if len(degrees) != 2 or len(given) != 2 or not all(map(DEGREES, given.values())):
            return None
        lng, lat, rest = given["lng"], given["lat"], POSITION.sub("", text)
    reading = _reading(rest)
    if reading is None or reading.crs is None:
        return None
    return reading, position_in(float(lng), float(lat), reading.crs)


@lru_cache(maxsize=1024)
def _reading(rest: str) -> Reading | None:
    """All but the position, checked by the endpoint's own model; residents ask the same few things again and again."""
    given: dict[str, str | list[str]] = {}
    for name, value in parse_qsl(rest, keep_blank_values=True):
        if name in LISTS:
            held = given.setdefault(name, [])
            held.append(value)  # type: ignore[union-attr]
        elif name in given or name in ("lng", "lat"):  # written twice, or escaped
            return None
        else:
            given[name] = value
    reading = Reading(NearestParameters.model_validate(given))
    asked = reading.asked
    is_plain = asked.cell is None and asked.known_at is None and asked.accuracy_m is None
    return reading if is_plain and asked.format is NearestFormat.JSON else None
