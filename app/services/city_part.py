"""The city's part of a snapshot: network, people and areas. It changes with an import."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from sqlalchemy.orm import Session

from app.errors import NotReady
from app.geo.frontage import Frontage, build_frontage
from app.geo.network import WalkNetwork, build_network
from app.geo.snapping import SegmentGrid, build_grid
from app.models.vocabularies import AreaLevel, DatasetKind
from app.repositories import areas as area_repo
from app.repositories import datasets as dataset_repo
from app.repositories import network as network_repo
from app.repositories import population as population_repo
from app.services.area_table import AreaInfo, AreaTable
from app.services.packing import Contents, Pack, content_hash
from app.settings import MethodSettings

KIND = "city"


@dataclass(frozen=True)
class CityPart:
    """Network, people and areas. ``key`` names this content; ``frontage`` is None without population or areas."""

    key: str
    network: WalkNetwork
    grid: SegmentGrid
    frontage: Frontage | None
    areas: AreaTable
    inputs: dict[str, str]  # layer -> content hash


def build_city(session: Session, method: MethodSettings) -> Contents:
    """What the database holds, to be filed. Raises NotReady where there is no network."""
    if not network_repo.has_network(session):
        raise NotReady(
            "还没有步行路网。请用 ./skillsmap import osm FILE.osm.pbf 导入。",
            "There is no walking network yet: ./skillsmap import osm FILE.osm.pbf.",
        )
    network = build_network(network_repo.read_network(session), method.min_component_m)
    grid = build_grid(network)
    rows = area_repo.list_areas(session)
    areas = AreaTable([_area_info(row) for row in rows], [row.geom for row in rows])
    current = dataset_repo.find_current(session, DatasetKind.POPULATION)
    frontage = None
    if current and areas.leaf_codes:
        cells, people = population_repo.read_cells(session, current[0].id)
        if len(cells):
            frontage = build_frontage(network, grid, cells, people, areas.leaves, method.link_limit_m)
    inputs = {
        "network": content_hash(network),
        "boundaries": _hash_areas(areas),
        "population": "" if frontage is None else _hash_arrays(frontage.cells, frontage.cell_people),
    }
    facts = {
        "inputs": inputs,
        "has_frontage": frontage is not None,
        "areas": [
            {**vars(area), "level": area.level.value, "outline": shapely.to_wkb(outline, hex=True)}
            for area, outline in zip(areas.areas, areas.outlines, strict=True)
        ],
    }
    parts: dict[str, Any] = {"network": network, "grid": grid}
    if frontage is not None:
        parts["frontage"] = frontage
    return Contents(parts, facts)


def read_city(pack: Pack) -> CityPart:
    """The part as it was filed. Raises PackBroken."""
    facts = pack.facts
    outlines = [shapely.from_wkb(area.pop("outline")) for area in facts["areas"]]
    infos = [AreaInfo(**{**area, "level": AreaLevel(area["level"])}) for area in facts["areas"]]
    return CityPart(
        key=pack.name,
        network=pack.part("network", WalkNetwork),
        grid=pack.part("grid", SegmentGrid),
        frontage=pack.part("frontage", Frontage) if facts["has_frontage"] else None,
        areas=AreaTable(infos, outlines),
        inputs=facts["inputs"],
    )


def _area_info(row: area_repo.AreaRow) -> AreaInfo:
    return AreaInfo(
        code=row.code, level=AreaLevel(row.level), name=row.name, parent_code=row.parent_code,
        boundary_kind=row.boundary_kind, area_km2=row.area_km2, label_lng=row.label_lng, label_lat=row.label_lat,
    )  # fmt: skip


def _hash_areas(areas: AreaTable) -> str:
    digest = hashlib.sha256()
    for area, outline in zip(areas.areas, areas.outlines, strict=True):
        digest.update(f"{area.code}|{area.level}|{areas.parent[area.code]}|".encode())
        digest.update(shapely.to_wkb(outline, byte_order=1))
    return digest.hexdigest()


def _hash_arrays(*arrays: np.ndarray[Any, Any]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
