"""Vector tiles and their TileJSON."""

from __future__ import annotations

import html
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from app import __version__
from app.api.answers import cacheable
from app.api.caching import Freshness
from app.api.deps import LanguageDep, snapshot_of
from app.api.described import NOT_MODIFIED, answers, problems
from app.api.language import Language
from app.api.parameters import PLAIN_TEXT
from app.api.schemas.tiles import TileJson, VectorLayer
from app.api.summaries import snapshot_notice
from app.services.map_layers import ValueKind
from app.services.snapshot import Snapshot
from app.services.station_table import today
from app.services.tiles import LAYERS, MAX_ZOOM, covered_box, layer_named, vector_tile

MVT = "application/vnd.mapbox-vector-tile"
MOST = 2**31 - 1
FIELD_KINDS = {
    ValueKind.TEXT: "String", ValueKind.DAY: "String", ValueKind.NUMBER: "Number", ValueKind.WHOLE: "Number",
    ValueKind.BOOLEAN: "Boolean",
}  # fmt: skip

router = APIRouter(prefix="/tiles", tags=["tiles"])

LayerInPath = Annotated[
    str,
    Path(
        min_length=1, max_length=40, pattern=PLAIN_TEXT, examples=["stations"],
        description=f"图层:{'、'.join(LAYERS)} · Layer: one of these",
    ),
]  # fmt: skip
Zoom = Annotated[int, Path(ge=0, le=30, description=f"级别,至 {MAX_ZOOM} · Zoom, up to {MAX_ZOOM}", examples=[10])]
ColumnInPath = Annotated[int, Path(ge=0, le=MOST, description="列,自西向东 · Column from the west", examples=[834])]
RowInPath = Annotated[int, Path(ge=0, le=MOST, description="行,自北向南 · Row from the north", examples=[444])]
TILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "瓦片(MVT 2.1)· The tile",
        "content": {MVT: {"schema": {"type": "string", "format": "binary"}, "example": "…"}},
    },
    204: {"description": "该处没有此图层的要素 · Nothing of the layer lies there"},
}


@router.get(
    "/{layer}.json",
    operation_id="getTileJson",
    summary="瓦片集说明(TileJSON) · A tile set's TileJSON",
    response_model=TileJson,
    responses={**answers("说明 · The description"), **NOT_MODIFIED, **problems(404)},
)
def get_tile_json(request: Request, language: LanguageDep, layer: LayerInPath) -> Response:
    """把此地址交给 MapLibre、QGIS 等即可显示图层 · Hand this address to MapLibre, QGIS and the like."""
    wanted = layer_named(layer)
    snapshot, day = snapshot_of(request), today()
    base = str(request.base_url)
    freshness = Freshness.of(request, f"{snapshot.version} {day} {base}")
    if freshness.is_held:
        return freshness.not_modified()
    west, south, east, north = covered_box(snapshot)
    title = language.pick(wanted.title_zh, wanted.title_en)
    notice = snapshot_notice(snapshot, language)
    fields = {shown.name: FIELD_KINDS[shown.kind] for shown in wanted.properties}
    described = TileJson(
        name=title,
        description=language.pick(f"羊城技能地图:{title}", f"Yangcheng Skills Map: {title}"),
        version=__version__,
        tiles=[f"{base}v1/tiles/{wanted.name}/{{z}}/{{x}}/{{y}}.mvt"],
        minzoom=wanted.min_zoom,
        maxzoom=MAX_ZOOM,
        bounds=(west, south, east, north),
        center=(round((west + east) / 2, 6), round((south + north) / 2, 6), max(wanted.min_zoom, 9)),
        attribution=_attribution(snapshot, language),
        vector_layers=[
            VectorLayer(
                id=wanted.name, description=title, minzoom=wanted.min_zoom, maxzoom=MAX_ZOOM, fields=fields
            )
        ],
        as_of=day.isoformat(),
        data_notice=notice,
    )  # fmt: skip
    return cacheable(described, freshness)


@router.get(
    "/{layer}/{z}/{x}/{y}.mvt",
    operation_id="getTile",
    summary="一块矢量瓦片 · One vector tile",
    response_class=Response,
    responses={**TILE, **NOT_MODIFIED, **problems(404)},
)
def get_tile(request: Request, layer: LayerInPath, z: Zoom, x: ColumnInPath, y: RowInPath) -> Response:
    """编号与 OpenStreetMap 相同(XYZ,EPSG:3857),一块一个图层。该处没有要素则为 204;没有的级别、超出地图的编号为 404。

    Numbered as OpenStreetMap's (XYZ, EPSG:3857), one layer each. 204 where nothing lies; 404 for a zoom that the layer
    does not have and for numbers beyond the map's edge. Coverage is today's: an adult's 15 minutes, all open stations.
    """
    wanted = layer_named(layer)
    snapshot, day = snapshot_of(request), today()
    freshness = Freshness.of(request, f"{snapshot.version} {day}")
    tile = None if freshness.is_held else vector_tile(snapshot, wanted, z, x, y, day)
    if tile is None or freshness.is_any_held:
        return freshness.not_modified()
    if not tile:
        return Response(status_code=204, headers=freshness.headers)
    return Response(tile, headers=freshness.headers, media_type=MVT)


def _attribution(snapshot: Snapshot, language: Language) -> str:
    """What maps show in their corner, as HTML: the software and what has to be said of the data."""
    notice = snapshot_notice(snapshot, language)
    told = language.pick("羊城技能地图", "Yangcheng Skills Map")
    return told if notice is None else f"{told} · {html.escape(notice.message)}"
