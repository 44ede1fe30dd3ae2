"""Which language a person reads: Chinese, unless English is preferred."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

from starlette.requests import Request

LONGEST_HEADER = 500  # a longer Accept-Language is not read


class Language(StrEnum):
    """The value is what ``Content-Language`` says."""

    ZH = "zh-CN"
    EN = "en"

    def pick(self, text_zh: str, text_en: str) -> str:
        return text_zh if self is Language.ZH else text_en


def language_of(request: Request) -> Language:
    """The language of the answer to this request."""
    return negotiate(request.headers.get("accept-language", "")[:LONGEST_HEADER])


@lru_cache(maxsize=512)
def negotiate(accept_language: str) -> Language:
    """The better liked of the two by quality value, the first named among equals; Chinese when neither is named."""
    best, liking = Language.ZH, 0.0
    for part in accept_language.split(","):
        tag, _, parameters = part.strip().partition(";")
        quality = _quality(parameters)
        language = _known(tag.strip().lower())
        if language is not None and quality > liking:
            best, liking = language, quality
    return best


def _known(tag: str) -> Language | None:
    primary = tag.partition("-")[0]
    return {"en": Language.EN, "zh": Language.ZH, "*": Language.ZH}.get(primary)


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        quality = float(value)
    except ValueError:
        return 0.0
    return quality if 0.0 <= quality <= 1.0 else 0.0
