"""A service over a small city of known areas and stations, asked without a socket."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
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
from tests.conftest import MakeDatabase

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # starlette would rather have httpx2
    from starlette.testclient import TestClient

STATIONS = 23
WEST, SOUTH, SIDE = 113.2, 23.0, 0.1  # two districts side by side, each of two towns


class FakeHolder:
    """A holder without a snapshot; ``snapshot`` may be set by a test."""

    def __init__(self, error: str | None = None) -> None:
        self.error = error
        self.snapshot: object | None = None
        self.calls: list[str] = []

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")

    def current(self) -> object:
        if self.snapshot is None:
            raise NotReady("还没有数据。", "There is no data yet.")
        return self.snapshot


Serve = Callable[..., TestClient]


@contextmanager
def serving(app: FastAPI) -> Iterator[TestClient]:
    """A client within the application's lifespan; what the application fails to catch fails the test."""
    with TestClient(app, follow_redirects=False) as client:
        yield client


@pytest.fixture(scope="session")
def town_engine(make_database: MakeDatabase) -> Iterator[Engine]:
    """A database with a city, two districts, four towns, and 23 stations; not to be written to."""
    made = make_engine(make_database())
    with session_scope(made) as writing:
        load_small_city(writing)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def town_app(town_engine: Engine) -> FastAPI:
    return create_app(engine=town_engine, holder=FakeHolder())


@pytest.fixture(scope="session")
def client(town_app: FastAPI) -> Iterator[TestClient]:
    """Asks the service over the small city."""
    with serving(town_app) as made:
        yield made


@pytest.fixture(scope="session")
def empty_client(engine: Engine) -> Iterator[TestClient]:
    """Asks a service over a database that nothing was loaded into."""
    with serving(create_app(engine=engine, holder=FakeHolder())) as made:
        yield made


def load_small_city(session: Session) -> None:
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
    made = [_area("90", AreaLevel.CITY, None, "试验市", kind, 0.0, 2.0, 0.0, 1.0)]
    for d in (1, 2):
        made.append(_area(f"900{d}", AreaLevel.DISTRICT, "90", f"第{d}区", kind, d - 1.0, d, 0.0, 1.0))
        for t in (1, 2):
            made.append(
                _area(f"900{d}0{t}", AreaLevel.TOWN, f"900{d}", f"第{d}区{t}镇", kind, d - 1.0, d, (t - 1) / 2, t / 2)
            )
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
    code: str, level: AreaLevel, parent: str | None, name: str, kind: BoundaryKind, x0: float, x1: float, y0: float, y1: float
) -> NewArea:
    box = shapely.box(WEST + SIDE * x0, SOUTH + SIDE * y0, WEST + SIDE * x1, SOUTH + SIDE * y1)
    return NewArea(code, level, name, parent, kind, shapely.MultiPolygon([shapely.segmentize(box, SIDE / 20)]))


def _facts(kind: DatasetKind, level: AreaLevel | None, *, synthetic: bool) -> DatasetFacts:
    return DatasetFacts(
        kind=kind, level=level, name=f"test {kind.value} {level or ''}".strip(), source="test", licence="CC0-1.0",
        vintage="2025", sha256=f"{kind.value}{level}", synthetic=synthetic, parameters={"seed": 1},
    )  # fmt: skip
