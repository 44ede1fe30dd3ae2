"""Datasets in answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from app.api.language import Language
from app.models.vocabularies import AreaLevel, DatasetKind, DatasetRole
from app.services.dataset_reads import DatasetView


class Dataset(BaseModel):
    """Where rows came from. 数据集"""

    id: int = Field(examples=[4])
    kind: DatasetKind = Field(description="数据种类 · Kind", examples=["stations"])
    kind_title: str = Field(examples=["站点台账"])
    level: AreaLevel | None = Field(description="仅行政区划有 · For boundaries only", examples=[None])
    name: str = Field(examples=["演示站点"])
    source: str = Field(description="来源 · Source", examples=["skillsmap demo"])
    licence: str = Field(description="许可 · Licence", examples=["CC0-1.0"])
    vintage: str = Field(description="数据年份 · What time it describes", examples=["2025"])
    sha256: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
    synthetic: bool = Field(description="是否合成 · Was it generated?", examples=[True])
    is_current: bool = Field(description="是否现用 · Are answers computed from it?", examples=[True])
    role: DatasetRole = Field(
        description="alternative:备选的人口来源,只用于覆盖区间 · Another population source, for intervals alone",
        examples=["main"],
    )
    notes: str | None = Field(examples=[None])
    parameters: dict[str, Any] = Field(description="导入选项 · Import options", examples=[{"seed": 2025}])
    report: dict[str, Any] = Field(description="导入报告 · Import report", examples=[{"added": 300}])
    imported_at: datetime = Field(examples=["2026-11-24T14:09:34Z"])

    @classmethod
    def of(cls, view: DatasetView, language: Language) -> Dataset:
        kind_title = language.pick(view.kind.title_zh, view.kind.title_en)
        return cls(**view.__dict__, kind_title=kind_title)


class DatasetList(BaseModel):
    """Datasets, oldest first; all of them, without pages."""

    total: int = Field(examples=[4])
    datasets: list[Dataset]
