"""What a vocabulary is: English identifiers, Chinese and English titles."""

from __future__ import annotations

from enum import StrEnum


class Vocabulary(StrEnum):
    """A StrEnum whose members carry a Chinese and an English title."""

    title_zh: str
    title_en: str

    def __new__(cls, value: str, title_zh: str = "", title_en: str = "") -> Vocabulary:
        member = str.__new__(cls, value)
        member._value_ = value
        member.title_zh = title_zh
        member.title_en = title_en
        return member
