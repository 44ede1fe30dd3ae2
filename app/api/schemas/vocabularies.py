"""Vocabularies in answers."""

from __future__ import annotations

from pydantic import BaseModel, Field

from app.api.language import Language
from app.models.vocabularies import Vocabulary


class Term(BaseModel):
    """One word of a vocabulary. 词条"""

    code: str = Field(description="接口中所用的值 · The value in calls and answers", examples=["community"])
    title: str = Field(description="按读者的语言 · In the reader's language", examples=["社区型"])
    title_zh: str = Field(examples=["社区型"])
    title_en: str = Field(examples=["Community"])


class VocabularyOut(BaseModel):
    """A vocabulary, in its own order. 词表"""

    name: str = Field(examples=["station_type"])
    terms: list[Term]

    @classmethod
    def of(cls, name: str, kind: type[Vocabulary], language: Language) -> VocabularyOut:
        terms = [
            Term(code=m.value, title=language.pick(m.title_zh, m.title_en), title_zh=m.title_zh, title_en=m.title_en)
            for m in kind
        ]
        return cls(name=name, terms=terms)


class VocabularyList(BaseModel):
    """All vocabularies by name, without pages."""

    total: int = Field(examples=[33])
    vocabularies: list[VocabularyOut]
