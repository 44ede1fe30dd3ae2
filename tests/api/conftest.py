"""The service asked without a socket: over the small demonstration city, over a city whose every station is known, and
over a database with nothing in it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest
import shapely
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.db.engine import make_engine, session_scope
from app.errors import NotReady
from app.main import create_app
from app.models.vocabularies import AreaLevel, BoundaryKind, DatasetKind, HostKind, StationStatus, StationType
from app.services.loading import DatasetFacts, NewArea, NewStation, load_boundaries, load_stations
from app.services.snapshot import Snapshot
from tests.conftest import MakeDatabase

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # starlette would rather have httpx2
    from starlette.testclient import TestClient

STATIONS = 23
WEST, SOUTH, SIDE = 113.2, 23.0, 0.1  # two districts side by side, each of two towns


class FixedHolder:
    """Stands for ``SnapshotHolder``: holds one snapshot for ever, or none; ``calls`` tells what the lifespan did."""

    def __init__(self, snapshot: Snapshot | None = None, error: str | None = None) -> None:
        self.snapshot = snapshot
        self.error = error
        self.calls: list[str] = []

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")

    def current(self) -> Snapshot:
        if self.snapshot is None:
            raise NotReady("还没有数据。", "There is no data yet.")
        return self.snapshot


@contextmanager
def serving(app: FastAPI) -> Iterator[TestClient]:
    """A client within the application's lifespan; what the application fails to catch fails the test."""
    with TestClient(app, follow_redirects=False) as client:
        yield client


@pytest.fixture(scope="session")
def app(demo_engine: Engine, demo_snapshot: Snapshot) -> FastAPI:
    """The application over the small demonstration city."""
    return create_app(engine=demo_engine, holder=FixedHolder(demo_snapshot))


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Iterator[TestClient]:
    """Asks the service over the small demonstration city, with its snapshot."""
    with serving(app) as made:
        yield made


@pytest.fixture(scope="session")
def empty_app(engine: Engine) -> FastAPI:
    """The application as ``up --empty`` starts it: migrated, and nothing loaded."""
    return create_app(engine=engine, holder=FixedHolder())


@pytest.fixture(scope="session")
def empty_client(empty_app: FastAPI) -> Iterator[TestClient]:
    """Asks a service over a database that nothing was loaded into."""
    with serving(empty_app) as made:
        yield made


@pytest.fixture(scope="session")
def known_engine(make_database: MakeDatabase) -> Iterator[Engine]:
    """A database with a city, two districts, four towns, and 23 stations; not to be written to."""
    made = make_engine(make_database())
    with session_scope(made) as writing:
        load_known_city(writing)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def known_client(known_engine: Engine) -> Iterator[TestClient]:
    """Asks the service over the city whose stations are listed below; it has no network, so no snapshot."""
    with serving(create_app(engine=known_engine, holder=FixedHolder())) as made:
        yield made


def load_known_city(session: Session) -> None:
    """Write the areas level by level (official city, approximate others), and the synthetic stations."""
    for level, kind in (
        (AreaLevel.CITY, BoundaryKind.OFFICIAL),
        (AreaLevel.DISTRICT, BoundaryKind.OFFICIAL),
        (AreaLevel.TOWN, BoundaryKind.APPROXIMATE),
    ):
        facts = _facts(DatasetKind.BOUNDARIES, level, synthetic=False)
        load_boundaries(session, facts, [area for area in areas(kind) if area.level is level], {"read": 1})
    load_stations(session, _facts(DatasetKind.STATIONS, None, synthetic=True), stations(), {"read": STATIONS})


def areas(kind: BoundaryKind) -> list[NewArea]:
    """City 90, districts 9001 and 9002, towns 900101, 900102, 900201, 900202."""
    made = [_area("90", AreaLevel.CITY, None, "试验市", kind, (0.0, 2.0, 0.0, 1.0))]
    for d in (1, 2):
        made.append(_area(f"900{d}", AreaLevel.DISTRICT, "90", f"第{d}区", kind, (d - 1.0, d, 0.0, 1.0)))
        for t in (1, 2):
            made.append(
                _area(
                    f"900{d}0{t}", AreaLevel.TOWN, f"900{d}", f"第{d}区{t}镇", kind, (d - 1.0, d, (t - 1) / 2, t / 2)
                )
            )  # fmt: skip
    return made


def stations() -> list[NewStation]:
    """23 stations from west to east; every third is planned, the others open; one closed in 2026."""
    kinds, hosts = list(StationType), list(HostKind)
    made = []
    for k in range(STATIONS):
        status = StationStatus.PLANNED if k % 3 == 2 else StationStatus.CLOSED if k == 4 else StationStatus.OPEN
        lng, lat = WEST + SIDE * (0.04 + 0.08 * k), SOUTH + SIDE * (0.23 if k % 2 else 0.77)
        made.append(
            NewStation(
                code=f"S-{k:03d}", name=f"第{k}站_50%", type=kinds[k % len(kinds)], host_kind=hosts[k % len(hosts)],
                status=status, address=None if k == 0 else f"试验路 {k} 号", selected_on=date(2025, 3, 1),
                plaque_hung_on=None, opened_on=date(2025, 6, 1) if status is not StationStatus.PLANNED else None,
                closed_on=date(2026, 1, 1) if status is StationStatus.CLOSED else None, lng=lng, lat=lat,
                source_crs="wgs84", source_lng=lng, source_lat=lat,
            )
        )  # fmt: skip
    return made


def _area(
    code: str, level: AreaLevel, parent: str | None, name: str, kind: BoundaryKind, box: tuple[float, ...]
) -> NewArea:
    x0, x1, y0, y1 = box
    outline = shapely.box(WEST + SIDE * x0, SOUTH + SIDE * y0, WEST + SIDE * x1, SOUTH + SIDE * y1)
    return NewArea(code, level, name, parent, kind, shapely.MultiPolygon([shapely.segmentize(outline, SIDE / 20)]))


def _facts(kind: DatasetKind, level: AreaLevel | None, *, synthetic: bool) -> DatasetFacts:
    return DatasetFacts(
        kind=kind, level=level, name=f"test {kind.value} {level or ''}".strip(), source="test", licence="CC0-1.0",
        vintage="2025", sha256=f"{kind.value}{level}", synthetic=synthetic, parameters={"seed": 1},
    )  # fmt: skip
