"""The city's part of a snapshot: network, people and areas. It changes with an import."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from sqlalchemy.orm import Session

from app.errors import NotReady
from app.geo.frontage import Frontage, build_frontage, relinked
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
class PeopleSource:
    """One population along the streets. ``beyond`` are its off-network people, linked within the widest limit of
    intervals: figures leave them off the network, intervals ask what if they were not.
    """

    dataset_id: int
    name: str
    sha256: str
    synthetic: bool
    frontage: Frontage
    beyond: Frontage


@dataclass(frozen=True)
class CityPart:
    """Network, people and areas. ``key`` names this content; ``sources`` has the main population first, and is empty
    without population or areas.
    """

    key: str
    network: WalkNetwork
    grid: SegmentGrid
    sources: tuple[PeopleSource, ...]
    areas: AreaTable
    inputs: dict[str, str]  # layer -> content hash

    @property
    def frontage(self) -> Frontage | None:
        """The main population along the streets."""
        return self.sources[0].frontage if self.sources else None

    @property
    def alternatives(self) -> tuple[PeopleSource, ...]:
        return self.sources[1:]


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
    sources = _sources(session, network, grid, areas, method)
    inputs = {
        "network": content_hash(network),
        "boundaries": _hash_areas(areas),
        "population": _hash_arrays(sources[0].frontage.cells, sources[0].frontage.cell_people) if sources else "",
    }
    facts = {
        "inputs": inputs,
        "sources": [
            {"dataset_id": s.dataset_id, "name": s.name, "sha256": s.sha256, "synthetic": s.synthetic} for s in sources
        ],
        "areas": [
            {**vars(area), "level": area.level.value, "outline": shapely.to_wkb(outline, hex=True)}
            for area, outline in zip(areas.areas, areas.outlines, strict=True)
        ],
    }
    parts: dict[str, Any] = {"network": network, "grid": grid}
    for k, source in enumerate(sources):
        parts[f"frontage_{k}"], parts[f"beyond_{k}"] = source.frontage, source.beyond
    return Contents(parts, facts)


def _sources(
    session: Session, network: WalkNetwork, grid: SegmentGrid, areas: AreaTable, method: MethodSettings
) -> list[PeopleSource]:
    """The main population and its alternatives; nothing without a main one or without areas."""
    main = dataset_repo.find_current(session, DatasetKind.POPULATION)[:1]
    found: list[PeopleSource] = []
    if not main or not areas.leaf_codes:
        return found
    for dataset in (*main, *dataset_repo.find_alternatives(session, DatasetKind.POPULATION)):
        cells, people = population_repo.read_cells(session, dataset.id)
        if len(cells):
            frontage = build_frontage(network, grid, cells, people, areas.leaves, method.link_limit_m)
            beyond = relinked(frontage, network, grid, method.link_limit_m * method.uncertainty_limit_factor)
            facts = (dataset.id, dataset.name, dataset.sha256, dataset.synthetic)
            found.append(PeopleSource(*facts, frontage=frontage, beyond=beyond))
        elif dataset is main[0]:
            return []
    return found


def read_city(pack: Pack) -> CityPart:
    """The part as it was filed. Raises PackBroken."""
    facts = pack.facts
    outlines = [shapely.from_wkb(area.pop("outline")) for area in facts["areas"]]
    infos = [AreaInfo(**{**area, "level": AreaLevel(area["level"])}) for area in facts["areas"]]
    return CityPart(
        key=pack.name,
        network=pack.part("network", WalkNetwork),
        grid=pack.part("grid", SegmentGrid),
        sources=tuple(
            PeopleSource(
                **source,
                frontage=pack.part(f"frontage_{k}", Frontage),
                beyond=pack.part(f"beyond_{k}", Frontage),
            )
            for k, source in enumerate(facts["sources"])
        ),
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
