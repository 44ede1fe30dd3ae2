"""The documents of OGC API – Features: links, collections, queryables, features."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import numpy as np
import orjson
import shapely
from starlette.requests import Request

from app.api.answers import GEOJSON, JSON
from app.api.language import Language
from app.api.ogc_parameters import CRS84, SYSTEMS
from app.api.schemas.ogc import CollectionInfo, Extent, Link, SpatialExtent, TemporalExtent
from app.api.summaries import snapshot_notice
from app.geo.arrays import AnyArray, FloatArray, IntArray
from app.models.vocabularies import HostKind, StationStatus, StationType
from app.services.feature_filters import GEOMETRY
from app.services.feature_queries import ItemsPage
from app.services.feature_tables import Collection, FeatureTable, json_values
from app.services.map_layers import MapProperty, ValueKind
from app.services.snapshot import Snapshot
from app.services.tiles import covered_box

OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
SCHEMA_JSON = "application/schema+json"
QUERYABLES_REL = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
CONFORMANCE = [
    *(f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{name}" for name in ("core", "oas30", "geojson")),
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
    *(
        f"http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/{name}"
        for name in ("queryables", "queryables-query-parameters", "filter", "features-filter")
    ),
    *(
        f"http://www.opengis.net/spec/cql2/1.0/conf/{name}"
        for name in (
            "cql2-text", "cql2-json", "basic-cql2", "advanced-comparison-operators", "case-insensitive-comparison",
            "basic-spatial-functions", "basic-spatial-functions-plus", "spatial-functions",
        )
    ),
]  # fmt: skip
DECIMALS = 7  # a centimetre
KINDS: dict[ValueKind, dict[str, str]] = {
    ValueKind.TEXT: {"type": "string"},
    ValueKind.DAY: {"type": "string", "format": "date"},
    ValueKind.NUMBER: {"type": "number"},
    ValueKind.WHOLE: {"type": "integer"},
    ValueKind.BOOLEAN: {"type": "boolean"},
}
CHOICES = {"type": StationType, "host_kind": HostKind, "status": StationStatus}


def base_of(request: Request) -> str:
    """The address of the landing page, as the client (or its proxy) names this service."""
    return f"{str(request.base_url).rstrip('/')}/ogc"


def link(language: Language, href: str, rel: str, kind: str, title_zh: str, title_en: str) -> Link:
    return Link(href=href, rel=rel, type=kind, title=language.pick(title_zh, title_en))


def self_link(language: Language, href: str, kind: str = JSON) -> Link:
    return link(language, href, "self", kind, "本页", "This document")


def landing_links(base: str, language: Language) -> list[Link]:
    return [
        self_link(language, base),
        link(language, f"{base}/api", "service-desc", OPENAPI, "接口说明", "The API's definition"),
        link(
            language, f"{base.removesuffix('/ogc')}/docs", "service-doc", "text/html", "接口文档", "The API's reference"
        ),
        link(language, f"{base}/conformance", "conformance", JSON, "符合性", "Conformance"),
        link(language, f"{base}/collections", "data", JSON, "集合", "Collections"),
    ]


def attribution(snapshot: Snapshot, language: Language) -> str:
    """What is to be said of the data, wherever it is shown."""
    notice = snapshot_notice(snapshot, language)
    return language.pick("羊城技能地图", "Yangcheng Skills Map") if notice is None else notice.message


def collection_info(snapshot: Snapshot, collection: Collection, base: str, language: Language) -> CollectionInfo:
    here = f"{base}/collections/{collection.name}"
    return CollectionInfo(
        id=collection.name,
        title=language.pick(collection.title_zh, collection.title_en),
        description=language.pick(collection.description_zh, collection.description_en),
        attribution=attribution(snapshot, language),
        extent=Extent(
            spatial=SpatialExtent(bbox=[covered_box(snapshot)], crs=CRS84), temporal=_times(snapshot, collection)
        ),
        crs=list(SYSTEMS),
        storageCrs=CRS84,
        links=[
            self_link(language, here),
            link(language, f"{here}/items", "items", GEOJSON, "要素", "Features"),
            link(language, f"{here}/queryables", QUERYABLES_REL, SCHEMA_JSON, "可筛选的属性", "Queryables"),
            link(language, f"{base}/collections", "parent", JSON, "集合", "Collections"),
        ],
    )


def _times(snapshot: Snapshot, collection: Collection) -> TemporalExtent | None:
    """From the first day on, without an end, for a collection whose features have days."""
    if collection.lives is None:
        return None
    days = [s.opened_on for s in snapshot.stations.table.stations if s.opened_on is not None]
    first = f"{min(days).isoformat()}T00:00:00+08:00" if days else None
    return TemporalExtent(interval=[(first, None)], trs="http://www.opengis.net/def/uom/ISO-8601/0/Gregorian")


def queryables(collection: Collection, base: str, language: Language) -> dict[str, Any]:
    """JSON Schema of the properties that filters may name."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{base}/collections/{collection.name}/queryables",
        "type": "object",
        "title": language.pick(collection.title_zh, collection.title_en),
        "properties": {
            GEOMETRY: {
                "title": language.pick("几何", "Geometry"), "format": f"geometry-{collection.geometry}",
                "x-ogc-role": "primary-geometry",
            },
            **{shown.name: _queryable(collection, shown, language) for shown in collection.properties},
        },
        "additionalProperties": False,
    }  # fmt: skip


def _queryable(collection: Collection, shown: MapProperty, language: Language) -> dict[str, Any]:
    told: dict[str, Any] = {"title": language.pick(shown.title_zh, shown.title_en), **KINDS[shown.kind]}
    if collection.name == "stations" and shown.name in CHOICES:
        told["enum"] = [choice.value for choice in CHOICES[shown.name]]
    return told


def features_of(table: FeatureTable, rows: IntArray, *, flipped: bool) -> list[dict[str, Any]]:
    """Features as GeoJSON; ``flipped``: latitude first."""
    shapes = _fragments(table.shapes.of(rows), flipped)
    names = list(table.columns)
    values = zip(*(json_values(table.columns[name], rows) for name in names), strict=True)
    ids: list[Any] = [table.ids[row] for row in rows.tolist()]
    if table.numbered:
        ids = [int(number) for number in ids]
    return [
        {"type": "Feature", "id": feature_id, "geometry": shape, "properties": dict(zip(names, told, strict=True))}
        for feature_id, shape, told in zip(ids, shapes, values, strict=True)
    ]


def _fragments(shapes: AnyArray, flipped: bool) -> list[orjson.Fragment]:
    """Shapes as ready GeoJSON, exterior rings counter-clockwise."""

    def written(degrees: FloatArray) -> FloatArray:
        return np.round(degrees[:, ::-1] if flipped else degrees, DECIMALS)

    turned = shapely.orient_polygons(shapes)  # by longitude and latitude, whichever is written first
    option = orjson.OPT_SERIALIZE_NUMPY
    return [
        orjson.Fragment(orjson.dumps({"type": shape.geom_type, "coordinates": _coordinates(shape)}, option=option))
        for shape in np.atleast_1d(shapely.transform(turned, written))
    ]


def _coordinates(shape: Any) -> Any:
    """As GeoJSON nests them; arrays are written by orjson, with as many digits as there are."""
    if shape.geom_type.startswith("Multi"):
        return [_coordinates(part) for part in shape.geoms]
    if shape.geom_type == "Polygon":
        return [shapely.get_coordinates(ring) for ring in shapely.get_rings(shape)]
    points = shapely.get_coordinates(shape)
    return points[0] if shape.geom_type == "Point" else points


def items_links(request: Request, language: Language, collection: Collection, cursor: str | None) -> list[Link]:
    """This page, the next, the collection."""
    base = base_of(request)
    here = f"{base}/collections/{quote(collection.name)}"
    asked = parse_qsl(request.url.query, keep_blank_values=True)
    query = urlencode(asked)
    links = [self_link(language, f"{here}/items{'?' if query else ''}{query}", GEOJSON)]
    if cursor is not None:
        following = urlencode([*(pair for pair in asked if pair[0] != "cursor"), ("cursor", cursor)])
        links.append(link(language, f"{here}/items?{following}", "next", GEOJSON, "下一页", "Next page"))
    links.append(link(language, here, "collection", JSON, "集合", "The collection"))
    return links


def page_json(table: FeatureTable, page: ItemsPage, links: list[Link], *, flipped: bool, notice: Any) -> dict[str, Any]:
    """A page of features."""
    return {
        "type": "FeatureCollection",
        "numberMatched": page.matched,
        "numberReturned": len(page.rows),
        "timeStamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "links": [one.model_dump() for one in links],
        "features": features_of(table, page.rows, flipped=flipped),
        "data_notice": notice,
    }
