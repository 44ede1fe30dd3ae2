"""ETag and 304: an answer is the same as long as the data, the question, the language and this code are."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response

from app import __version__
from app.api.language import Language, language_of

PUBLIC = "public, max-age=0, must-revalidate"
PRIVATE = "no-store"
TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


@dataclass(frozen=True, slots=True)
class Freshness:
    """The tag of an answer, and what the client has already."""

    tag: str
    language: Language
    held: str | None

    @classmethod
    def of(cls, request: Request, data_version: str) -> Freshness:
        """``data_version`` names the state of the data: ``database_version(session)``, or ``snapshot.version``."""
        language = language_of(request)
        parts = (__version__, data_version, language.value, request.scope["path"], canonical_query(request))
        tag = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
        return cls(tag, language, request.headers.get("if-none-match"))

    @property
    def etag(self) -> str:
        """Weak: the same data, not the same bytes (compression)."""
        return f'W/"{self.tag}"'

    @property
    def is_held(self) -> bool:
        """Does the client name this very tag? Then 304 can be answered without looking anything up."""
        return self.held is not None and self.tag in TAG.findall(self.held)

    @property
    def is_any_held(self) -> bool:
        """``If-None-Match: *``: 304 for whatever exists, so it has to be looked up first."""
        return self.held is not None and self.held.strip() == "*"

    @property
    def headers(self) -> dict[str, str]:
        return {"ETag": self.etag, "Cache-Control": PUBLIC, "Vary": "Accept-Language"}

    def not_modified(self) -> Response:
        return Response(status_code=304, headers={**self.headers, "Content-Language": self.language.value})


def canonical_query(request: Request) -> str:
    """The query with its parameters in order: the same question has the same tag however it is written."""
    return urlencode(sorted(parse_qsl(request.url.query, keep_blank_values=True)))
