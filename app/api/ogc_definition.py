"""The definition of ``/ogc`` in OpenAPI 3.0: what QGIS and GDAL, which do not know 3.1, read."""

from __future__ import annotations

from typing import Any

from app import __version__
from app.api.answers import GEOJSON, JSON
from app.api.language import Language
from app.api.ogc_documents import KINDS, SCHEMA_JSON
from app.api.ogc_parameters import MOST_ITEMS
from app.api.problems import MEDIA_TYPE
from app.services.feature_tables import COLLECTIONS, Collection

DEFAULT_LIMIT = 100


def definition(document: dict[str, Any], base: str, language: Language) -> dict[str, Any]:
    """OpenAPI 3.0.3; ``document`` is that of the whole service (3.1), whose parameters it takes."""
    shared = {
        parameter["name"]: _of_3_0(parameter)
        for parameter in document["paths"]["/ogc/collections/{collection_id}/items"]["get"]["parameters"]
        if parameter["in"] == "query"
    }
    shared["limit"]["schema"] = {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS, "default": DEFAULT_LIMIT}
    paths: dict[str, Any] = {
        "/": _read("getLandingPage", "入口 · Landing page", JSON),
        "/conformance": _read("getConformance", "符合性 · Conformance", JSON),
        "/collections": _read("getCollections", "集合 · Collections", JSON),
    }
    for collection in COLLECTIONS.values():
        paths |= _paths_of(collection, list(shared), language)
    return {
        "openapi": "3.0.3",
        "info": {"title": "羊城技能地图 · Yangcheng Skills Map: OGC API – Features", "version": __version__},
        "servers": [{"url": base}],
        "paths": paths,
        "components": {"parameters": shared},
    }


def _paths_of(collection: Collection, shared: list[str], language: Language) -> dict[str, Any]:
    name, title = collection.name, f"{collection.title_zh} · {collection.title_en}"
    here = f"/collections/{name}"
    used = [one for one in shared if one != "datetime" or collection.lives is not None]
    own = [
        {
            "name": shown.name, "in": "query", "required": False, "schema": KINDS[shown.kind],
            "description": language.pick(shown.title_zh, shown.title_en),
        }
        for shown in collection.properties
    ]  # fmt: skip
    one = {"name": "featureId", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        here: _read(f"{name}.describe", title, JSON),
        f"{here}/queryables": _read(f"{name}.queryables", title, SCHEMA_JSON),
        f"{here}/items": _read(
            f"{name}.items", title, GEOJSON, [*({"$ref": f"#/components/parameters/{part}"} for part in used), *own]
        ),
        f"{here}/items/{{featureId}}": _read(
            f"{name}.item", title, GEOJSON, [one, {"$ref": "#/components/parameters/crs"}]
        ),
    }


def _read(operation_id: str, summary: str, media_type: str, parameters: list[dict[str, Any]] | None = None) -> Any:
    problem = {"description": "RFC 9457", "content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}
    return {
        "get": {
            "operationId": operation_id,
            "summary": summary,
            "parameters": parameters or [],
            "responses": {
                "200": {"description": summary, "content": {media_type: {"schema": {"type": "object"}}}},
                "default": problem,
            },
        }
    }


def _of_3_0(parameter: dict[str, Any]) -> dict[str, Any]:
    """A query parameter without what 3.1 added: unions with null, examples in schemas, references to enumerations."""
    schema = parameter["schema"]
    schema = next((one for one in schema.get("anyOf", ()) if one.get("type") != "null"), schema)
    kept = {key: schema[key] for key in ("type", "minimum", "maxLength", "minLength", "pattern") if key in schema}
    return {
        "name": parameter["name"], "in": "query", "required": False, "schema": kept or {"type": "string"},
        "description": parameter["description"],
    }  # fmt: skip
