"""Areas in answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import shapely
from pydantic import BaseModel, Field

from app.api.language import Language
from app.api.schemas.common import AreaRef, MultiPolygonGeometry, Notice, NoticeField
from app.models.vocabularies import AreaLevel, BoundaryKind
from app.repositories.areas import AreaFacts
from app.services.area_reads import AreaView

People = Mapping[str, int]  # residents by area code


class LabelPoint(BaseModel):
    """A point inside the area, for its label; WGS84."""

    lng: float = Field(examples=[113.361])
    lat: float = Field(examples=[23.125])


class AreaFigures(BaseModel):
    """What is the same in JSON and in GeoJSON."""

    code: str = Field(description="区划代码 · Code", examples=["440106"])
    name: str = Field(examples=["天河区"])
    level: AreaLevel = Field(description="级别 · Level", examples=["district"])
    level_title: str = Field(examples=["区"])
    boundary_kind: BoundaryKind = Field(description="界线来历 · What the outline is", examples=["official"])
    boundary_kind_title: str = Field(examples=["官方界线"])
    area_km2: float = Field(description="面积,平方公里 · Square kilometres", examples=[137.38])
    population: int | None = Field(
        description="居民;人口数据未载入时为 null · Residents; null while no people are loaded", examples=[2242000]
    )
    stations: int = Field(description="在册站点数(不论状态)· Stations on record, whatever their status", examples=[28])
    stations_open: int = Field(description="当日对外开放的站点数 · Those open to the public on the day", examples=[25])
    dataset_id: int = Field(examples=[1])


class Area(AreaFigures):
    """An area. 区划"""

    parent: AreaRef | None = Field(description="上级区划 · What it belongs to")
    label: LabelPoint
    crs: str = Field(description="label 与 geometry 的坐标系 · Of label and geometry", examples=["wgs84"])
    geometry: MultiPolygonGeometry | None = Field(
        description="仅在 geometry=true 时给出 · Only with geometry=true", examples=[None]
    )

    @classmethod
    def of(cls, view: AreaView, people: People, language: Language) -> Area:
        return cls(**_members(view, people, language))


class AreaDetail(Area):
    """One area with what belongs to it."""

    children: list[AreaFigures]
    data_notice: Notice | None = NoticeField

    @classmethod
    def with_children(
        cls, view: AreaView, children: list[AreaFacts], people: People, notice: Notice | None, language: Language
    ) -> AreaDetail:
        figures = [figures_of(child, people, language) for child in children]
        return cls(**_members(view, people, language), children=figures, data_notice=notice)


class AreaList(BaseModel):
    """Areas by code; all of them, without pages."""

    total: int = Field(examples=[11])
    crs: str = Field(examples=["wgs84"])
    data_notice: Notice | None = NoticeField
    areas: list[Area]


class AreaProperties(AreaFigures):
    """An area in GeoJSON: flat."""

    parent_code: str | None = Field(examples=["4401"])
    parent_name: str | None = Field(examples=["广州市"])
    label_lng: float = Field(examples=[113.361])
    label_lat: float = Field(examples=[23.125])


class AreaFeature(BaseModel):
    """GeoJSON feature; ``id`` is the area's code."""

    type: Literal["Feature"] = "Feature"
    id: str = Field(examples=["440106"])
    geometry: MultiPolygonGeometry
    properties: AreaProperties

    @classmethod
    def of(cls, view: AreaView, people: People, language: Language) -> AreaFeature:
        """From a view with its outline."""
        return cls(**_feature(view, people, language))


class AreaFeatureAnswer(AreaFeature):
    """One area as a feature with a foreign member."""

    data_notice: Notice | None = NoticeField

    @classmethod
    def with_notice(
        cls, view: AreaView, people: People, notice: Notice | None, language: Language
    ) -> AreaFeatureAnswer:
        return cls(**_feature(view, people, language), data_notice=notice)


class AreaFeatures(BaseModel):
    """GeoJSON feature collection with two foreign members."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    total: int = Field(examples=[11])
    data_notice: Notice | None = NoticeField
    features: list[AreaFeature]


def figures_of(facts: AreaFacts, people: People, language: Language) -> AreaFigures:
    level, kind = AreaLevel(facts.level), BoundaryKind(facts.boundary_kind)
    return AreaFigures(
        code=facts.code, name=facts.name, level=level, level_title=language.pick(level.title_zh, level.title_en),
        boundary_kind=kind, boundary_kind_title=language.pick(kind.title_zh, kind.title_en),
        area_km2=round(facts.area_km2, 4), population=people.get(facts.code), stations=facts.stations,
        stations_open=facts.stations_open, dataset_id=facts.dataset_id,
    )  # fmt: skip


def _members(view: AreaView, people: People, language: Language) -> dict[str, Any]:
    facts = view.facts
    return {
        **figures_of(facts, people, language).__dict__,
        "parent": AreaRef(code=facts.parent_code, name=view.parent_name) if facts.parent_code else None,
        "label": LabelPoint(lng=facts.label_lng, lat=facts.label_lat),
        "crs": "wgs84",
        "geometry": None if view.outline is None else _geometry(view.outline),
    }


def _feature(view: AreaView, people: People, language: Language) -> dict[str, Any]:
    if view.outline is None:
        raise ValueError("a feature needs an outline")
    facts = view.facts
    properties = AreaProperties(
        **figures_of(facts, people, language).__dict__, parent_code=facts.parent_code, parent_name=view.parent_name,
        label_lng=facts.label_lng, label_lat=facts.label_lat,
    )  # fmt: skip
    return {"id": facts.code, "geometry": _geometry(view.outline), "properties": properties}


def _geometry(outline: shapely.MultiPolygon) -> MultiPolygonGeometry:
    """Built without validation: outlines have tens of thousands of points, and come from our own tables."""
    return MultiPolygonGeometry.model_construct(
        type="MultiPolygon", coordinates=tuple(shapely.geometry.mapping(outline)["coordinates"])
    )
