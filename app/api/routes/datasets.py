"""Datasets: where everything came from."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import cacheable
from app.api.caching import Freshness
from app.api.deps import LanguageDep, SessionDep
from app.api.described import NOT_MODIFIED, answers, problems
from app.api.schemas.datasets import Dataset, DatasetList
from app.services.dataset_reads import MAX_ID, database_version
from app.services.dataset_reads import get_dataset as read_dataset
from app.services.dataset_reads import list_datasets as read_datasets

router = APIRouter(prefix="/datasets", tags=["datasets"])


@router.get(
    "",
    operation_id="listDatasets",
    summary="数据集列表 · List datasets",
    response_model=DatasetList,
    responses={**answers("数据集 · The datasets"), **NOT_MODIFIED, **problems()},
)
def list_datasets(
    request: Request,
    session: SessionDep,
    language: LanguageDep,
    all: Annotated[
        bool, Query(description="包括已被替代的 · Also those that others took the place of", examples=[True])
    ] = False,
) -> Response:
    """来源、许可、年份、校验和、是否合成 · Source, licence, vintage, checksum, and whether it was generated."""
    freshness = Freshness.of(request, database_version(session))
    if freshness.is_held:
        return freshness.not_modified()
    datasets = [Dataset.of(view, language) for view in read_datasets(session, current_only=not all)]
    return cacheable(DatasetList(total=len(datasets), datasets=datasets), freshness)


@router.get(
    "/{id}",
    operation_id="getDataset",
    summary="一个数据集 · One dataset",
    response_model=Dataset,
    responses={**answers("数据集 · The dataset"), **NOT_MODIFIED, **problems(404)},
)
def get_dataset(
    request: Request,
    session: SessionDep,
    language: LanguageDep,
    id: Annotated[int, Path(ge=1, le=MAX_ID, description="数据集编号 · Dataset id", examples=[4])],
) -> Response:
    """站点、区划等每一行都有 dataset_id · Every row names its dataset_id."""
    freshness = Freshness.of(request, database_version(session))
    if freshness.is_held:
        return freshness.not_modified()
    return cacheable(Dataset.of(read_dataset(session, id), language), freshness)
