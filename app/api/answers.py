"""The answer itself: a body, its media type and its headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from app.api.caching import PRIVATE, Freshness
from app.api.language import Language, language_of

JSON = "application/json"
GEOJSON = "application/geo+json"
CSV = "text/csv; charset=utf-8"


def cacheable(
    body: BaseModel | Mapping[str, Any] | str,
    freshness: Freshness,
    *,
    media_type: str = JSON,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An answer that depends on the data alone: with its ETag, or 304 when the client has any (``*``)."""
    if freshness.is_any_held:
        return freshness.not_modified()
    sent = {**freshness.headers, "Content-Language": freshness.language.value, **(headers or {})}
    content = body if isinstance(body, str) else encode(body)
    return Response(content, headers=sent, media_type=media_type)


def personal(
    request: Request, body: BaseModel | Mapping[str, Any] | bytes, *, status: int = 200, media_type: str = JSON
) -> Response:
    """An answer that nobody may keep: a person's position is in the question, or it holds for this moment only."""
    sent = {"Cache-Control": PRIVATE, "Content-Language": language_of(request).value, "Vary": "Accept-Language"}
    content = body if isinstance(body, bytes) else encode(body)
    return Response(content, headers=sent, status_code=status, media_type=media_type)


def personal_headers(language: Language) -> list[tuple[bytes, bytes]]:
    """The headers of ``personal`` for JSON, as ASGI sends them; the length is still missing."""
    return [
        (b"cache-control", PRIVATE.encode()),
        (b"content-language", language.value.encode()),
        (b"vary", b"Accept-Language, Accept-Encoding"),
        (b"content-type", JSON.encode()),
    ]


def encode(body: BaseModel | Mapping[str, Any]) -> bytes:
    """JSON in UTF-8. Models by Pydantic; mappings (with numpy values, models, ready JSON) by orjson, the fastest."""
    if isinstance(body, BaseModel):
        return body.model_dump_json().encode()
    return orjson.dumps(body, default=_model, option=orjson.OPT_SERIALIZE_NUMPY)


def _model(value: Any) -> orjson.Fragment:
    """A model inside a mapping."""
    if isinstance(value, BaseModel):
        return orjson.Fragment(value.model_dump_json())
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
