"""The short way for the call that every resident makes: ``GET /v1/stations/nearest`` with plain parameters.

A question in its usual form is read and answered here, before middleware, routing, dependencies and validation, which
would cost more than the lookup. Everything else (another call; a parameter that is unknown, rare, repeated or escaped;
a value that is not plainly in range; an answer that takes a search; any fault) goes on untouched: what is accepted,
documented and refused is decided by the endpoint alone. The answer is the endpoint's, to the byte.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from datetime import date
from functools import cache, lru_cache

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from app.api.answers import personal_headers
from app.api.deps import Resources
from app.api.frame import COMPRESS_LEVEL, COMPRESS_SIZE, framed, request_id_of
from app.api.language import LONGEST_HEADER, Language, negotiate
from app.api.routes.nearest import light_body
from app.api.schemas.nearest import MAX_MINUTES
from app.geo.crs import Crs
from app.services.nearest import MAX_HITS, NearestQuery
from app.services.positions import Position, read_position
from app.services.profiles import DEFAULT_PROFILE, PROFILES
from app.services.station_table import today

PATH = "/v1/stations/nearest"
DEGREES = re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{1,15})?").fullmatch
NUMBER = re.compile(r"[1-9][0-9]?").fullmatch
MINUTES = re.compile(r"[0-9]{1,2}(?:\.[0-9]{1,6})?").fullmatch
SYSTEMS = {crs.value: crs for crs in Crs}
PLAIN: dict[str, Callable[[str], object]] = {
    "lng": DEGREES, "lat": DEGREES, "crs": SYSTEMS.__contains__, "limit": NUMBER, "max_minutes": MINUTES,
    "profile": PROFILES.__contains__, "out_crs": SYSTEMS.__contains__,
}  # fmt: skip
Answer = tuple[list[tuple[bytes, bytes]], bytes]


class OneTapApp(FastAPI):
    """An application whose ``state.resources`` holds the snapshot. Answers the plain question before all else."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "GET":
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
        question = plain_question(scope["query_string"])
        if question is None:
            return None
        snapshot = resources.holder.current()
        if not snapshot.stations.holds_on(question[1].day):
            return None
        body = light_body(snapshot, *question, language)
    except Exception:  # whatever it is, the endpoint comes to it again, and says or logs it as is due
        return None
    if body is None:
        return None
    compressed = len(body) >= COMPRESS_SIZE and b"gzip" in given.get(b"accept-encoding", b"")
    if compressed:
        body = gzip.compress(body, COMPRESS_LEVEL, mtime=0)
    own = (b"content-length", b"%d" % len(body)), (b"x-request-id", request_id_of(given).encode("ascii"))
    return [*_headers(language, compressed=compressed), *own], body


@cache
def _headers(language: Language, *, compressed: bool) -> list[tuple[bytes, bytes]]:
    """What every such answer carries besides its length and its id."""
    return framed([*personal_headers(language), *([(b"content-encoding", b"gzip")] if compressed else [])])


@lru_cache(maxsize=256)
def _query(profile: str, day: date, limit: int, max_minutes: float) -> NearestQuery:
    return NearestQuery(PROFILES[profile], day, limit, max_minutes)


def plain_question(query_string: bytes) -> tuple[Position, NearestQuery, Crs] | None:
    """The question of a query string in its usual form, and the system to answer in; None for any other form.

    Raises what ``read_position`` raises.
    """
    given: dict[str, str] = {}
    for part in query_string.decode("latin-1").split("&"):
        name, _, value = part.partition("=")
        if name not in PLAIN or name in given or not PLAIN[name](value):
            return None
        given[name] = value
    if "lng" not in given or "lat" not in given or "crs" not in given:
        return None
    limit, max_minutes = int(given.get("limit", 5)), float(given.get("max_minutes", 60.0))
    if limit > MAX_HITS or not 0.0 < max_minutes <= MAX_MINUTES:
        return None
    position = read_position(float(given["lng"]), float(given["lat"]), given["crs"])
    query = _query(given.get("profile", DEFAULT_PROFILE), today(), limit, max_minutes)
    return position, query, SYSTEMS[given.get("out_crs", given["crs"])]
