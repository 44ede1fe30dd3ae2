"""The short way for the call that every resident makes: ``GET /v1/stations/nearest`` with plain parameters.

A question in its usual form is read and answered here, before routing, dependencies and validation, which would cost
several times as much as the lookup. Everything else (another call, a parameter that is unknown, rare, repeated or
escaped, a value that is not plainly in range, an answer that takes a search, any fault) goes on to the endpoint
untouched: what is accepted, documented and refused is decided there alone. The answer is the endpoint's to the byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.answers import personal_headers
from app.api.deps import Resources
from app.api.language import Language, negotiated
from app.api.routes.nearest import light_body
from app.api.schemas.nearest import MAX_MINUTES
from app.errors import DomainError
from app.geo.crs import Crs
from app.services.nearest import MAX_HITS, NearestQuery
from app.services.positions import Position, read_position
from app.services.profiles import PROFILES
from app.services.station_table import today

PATH = "/v1/stations/nearest"
DEGREES = re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{1,15})?").fullmatch
NUMBER = re.compile(r"[1-9][0-9]?").fullmatch
MINUTES = re.compile(r"[0-9]{1,2}(?:\.[0-9]{1,6})?").fullmatch
SYSTEMS = frozenset(crs.value for crs in Crs)
PLAIN: dict[str, Callable[[str], object]] = {
    "lng": DEGREES, "lat": DEGREES, "crs": SYSTEMS.__contains__, "limit": NUMBER,
    "max_minutes": MINUTES, "profile": PROFILES.__contains__, "out_crs": SYSTEMS.__contains__,
}  # fmt: skip


class OneTap:
    """ASGI middleware. ``scope["app"].state.resources`` holds the snapshot, as for every route."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "GET":
            language = negotiated(scope["headers"])
            body = _body(scope, language)
            if body is not None:
                headers = personal_headers(language, len(body))
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": body})
                return
        await self.app(scope, receive, send)


def plain_question(query_string: bytes) -> tuple[Position, NearestQuery, Crs] | None:
    """The question of a query string in its usual form; None where the endpoint has to look at it.

    Raises what ``read_position`` raises.
    """
    given: dict[str, str] = {}
    for part in query_string.decode("latin-1").split("&"):
        name, _, value = part.partition("=")
        if name not in PLAIN or name in given or not PLAIN[name](value):
            return None
        given[name] = value
    if not given.keys() >= {"lng", "lat", "crs"}:
        return None
    limit, max_minutes = int(given.get("limit", 5)), float(given.get("max_minutes", 60.0))
    if limit > MAX_HITS or not 0.0 < max_minutes <= MAX_MINUTES:
        return None
    position = read_position(float(given["lng"]), float(given["lat"]), given["crs"])
    query = NearestQuery(PROFILES[given.get("profile", "adult")], today(), limit, max_minutes)
    return position, query, Crs(given["out_crs"]) if "out_crs" in given else position.crs


def _body(scope: Scope, language: Language) -> bytes | None:
    resources: Resources = scope["app"].state.resources
    try:
        question = plain_question(scope["query_string"])
        return None if question is None else light_body(resources.holder.current(), *question, language)
    except DomainError:  # the endpoint comes to the same, and says it
        return None
