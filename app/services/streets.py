"""The streets that the database holds, for those who need nothing else of a snapshot."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.geo.arrays import FloatArray
from app.geo.network import WalkNetwork, build_network
from app.geo.snapping import SegmentGrid, build_grid, snap
from app.repositories import network as network_repo
from app.services.city_part import KIND as CITY
from app.services.city_part import read_city
from app.services.islands import Attached, attached, island_edges, islands_nearer
from app.services.pack_store import PackStore
from app.services.packing import PackBroken
from app.services.snapshot import wanted_keys
from app.settings import HomeSettings, MethodSettings


@dataclass(frozen=True)
class Streets:
    """The network and the grid to snap with, under the limits of ``method``."""

    network: WalkNetwork
    grid: SegmentGrid
    method: MethodSettings

    def attached(self, lng: FloatArray, lat: FloatArray, *, step_free: bool) -> list[Attached]:
        """How each WGS84 position is attached in one variant of the network: as a snapshot attaches stations."""
        network, grid, limit_m = self.network, self.grid, self.method.snap_limit_m
        places = snap(network, grid, network.adjacency(step_free=step_free).usable, lng, lat, limit_m)
        islands = island_edges(network, step_free=step_free)
        return attached(places, islands_nearer(network, grid, islands, places, lng, lat, limit_m))


def streets_now(engine: Engine, home: HomeSettings, method: MethodSettings) -> Streets | None:
    """From the snapshot's files where those are up to date, else from the database (seconds); None without any."""
    store = PackStore(home.snapshots)
    with Session(engine) as session:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        if not network_repo.has_network(session):
            return None
        try:
            with store.locked():
                city = store.open(CITY, wanted_keys(session, method).city).read_by(read_city)
            return Streets(city.network, city.grid, method)
        except PackBroken:
            network = build_network(network_repo.read_network(session), method.min_component_m)
            return Streets(network, build_grid(network), method)
