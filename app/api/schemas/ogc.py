"""OGC API – Features in answers."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.schemas.common import Notice, NoticeField


class Link(BaseModel):
    """RFC 8288, as OGC writes it."""

    href: str = Field(examples=["http://127.0.0.1:8000/ogc"])
    rel: str = Field(examples=["self"])
    type: str = Field(examples=["application/json"])
    title: str = Field(examples=["本页"])


class LandingPage(BaseModel):
    """Where everything else is linked from."""

    title: str = Field(examples=["羊城技能地图"])
    description: str = Field(examples=["站点、区划、人口网格、覆盖缺口与步行路网"])
    attribution: str = Field(description="应显示的数据说明 · The data notice, to be shown", examples=["含合成数据。"])
    links: list[Link]
    data_notice: Notice | None = NoticeField


class Conformance(BaseModel):
    """The conformance classes that are met."""

    conformsTo: list[str] = Field(examples=[["http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core"]])


class SpatialExtent(BaseModel):
    bbox: list[tuple[float, float, float, float]] = Field(examples=[[[112.9, 22.4, 114.1, 23.95]]])
    crs: str = Field(examples=["http://www.opengis.net/def/crs/OGC/1.3/CRS84"])


class TemporalExtent(BaseModel):
    interval: list[tuple[str | None, str | None]] = Field(examples=[[["2025-03-01T00:00:00+08:00", None]]])
    trs: str = Field(examples=["http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"])


class Extent(BaseModel):
    """Where, and for stations when."""

    spatial: SpatialExtent
    temporal: TemporalExtent | None = Field(default=None, examples=[None])


class CollectionInfo(BaseModel):
    """A collection."""

    id: str = Field(examples=["stations"])
    title: str = Field(examples=["站点"])
    description: str = Field(examples=["羊城技能加油站"])
    attribution: str = Field(examples=["含合成数据。"])
    itemType: Literal["feature"] = "feature"
    extent: Extent
    crs: list[str] = Field(examples=[["http://www.opengis.net/def/crs/OGC/1.3/CRS84"]])
    storageCrs: str = Field(examples=["http://www.opengis.net/def/crs/OGC/1.3/CRS84"])
    links: list[Link]


class CollectionList(BaseModel):
    """All collections."""

    links: list[Link]
    collections: list[CollectionInfo]
    data_notice: Notice | None = NoticeField


class Queryables(BaseModel):
    """JSON Schema of what can be filtered by."""

    model_config = ConfigDict(populate_by_name=True)

    schema_: str = Field(alias="$schema", examples=["https://json-schema.org/draft/2020-12/schema"])
    id_: str = Field(alias="$id", examples=["http://127.0.0.1:8000/ogc/collections/stations/queryables"])
    type: Literal["object"] = "object"
    title: str = Field(examples=["站点"])
    properties: dict[str, dict[str, Any]] = Field(examples=[{"name": {"title": "名称", "type": "string"}}])
    additionalProperties: Literal[False] = False


class OgcFeature(BaseModel):
    """GeoJSON feature; the coordinates are in the order of the system that ``Content-Crs`` names."""

    type: Literal["Feature"] = "Feature"
    id: str | int = Field(examples=["YC440106-001"])
    geometry: dict[str, Any] = Field(examples=[{"type": "Point", "coordinates": [113.2644, 23.1291]}])
    properties: dict[str, Any] = Field(examples=[{"name": "天河南街羊城技能加油站"}])


class OgcFeatureAnswer(OgcFeature):
    """One feature by itself."""

    links: list[Link]
    data_notice: Notice | None = NoticeField


class OgcFeatures(BaseModel):
    """A page of a collection."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    numberMatched: int = Field(description="全部页中的要素数 · On all pages", examples=[300])
    numberReturned: int = Field(examples=[1])
    timeStamp: str = Field(examples=["2026-11-24T08:00:00Z"])
    links: list[Link]
    features: list[OgcFeature]
    data_notice: Notice | None = NoticeField
