"""Vocabularies: the words that calls and answers use, with their titles."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import cacheable
from app.api.caching import Freshness
from app.api.deps import LanguageDep
from app.api.described import NOT_MODIFIED, answers, problems
from app.api.parameters import PLAIN_TEXT
from app.api.schemas.vocabularies import VocabularyList, VocabularyOut
from app.services import vocabularies

router = APIRouter(prefix="/vocabularies", tags=["vocabularies"])


@router.get(
    "",
    operation_id="listVocabularies",
    summary="全部词表 · All vocabularies",
    response_model=VocabularyList,
    responses={**answers("词表 · The vocabularies"), **NOT_MODIFIED, **problems()},
)
def list_vocabularies(request: Request, language: LanguageDep) -> Response:
    """站点类型、载体、培训内容、状态等:代码不变,标题为中英文 · Codes never change; titles in Chinese and English."""
    freshness = Freshness.of(request, vocabularies.version())
    if freshness.is_held:
        return freshness.not_modified()
    held = [VocabularyOut.of(name, kind, language) for name, kind in vocabularies.vocabularies().items()]
    return cacheable(VocabularyList(total=len(held), vocabularies=held), freshness)


@router.get(
    "/{name}",
    operation_id="getVocabulary",
    summary="一个词表 · One vocabulary",
    response_model=VocabularyOut,
    responses={**answers("词表 · The vocabulary"), **NOT_MODIFIED, **problems(404)},
)
def get_vocabulary(
    request: Request,
    language: LanguageDep,
    name: Annotated[
        str,
        Path(
            min_length=1, max_length=64, pattern=PLAIN_TEXT, description="词表名 · Name", examples=["station_type"]
        ),
    ],
) -> Response:  # fmt: skip
    """名称不存在时,404 给出相近的 · The 404 names those that look like it."""
    freshness = Freshness.of(request, vocabularies.version())
    if freshness.is_held:
        return freshness.not_modified()
    return cacheable(VocabularyOut.of(name, vocabularies.vocabulary(name), language), freshness)
