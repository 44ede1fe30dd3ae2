from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import shapely
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.db.engine import make_engine
from app.ingest.city import Zone
from app.ingest.vectors import polygonal
from app.models.vocabularies import AreaLevel, BoundaryKind, DatasetKind
from app.services.loading import DatasetFacts, NewArea, load_boundaries
from tests.conftest import MakeDatabase

Count = Callable[[str], int]


@pytest.fixture(scope="module")
def own_engine(make_database: MakeDatabase) -> Iterator[Engine]:
    """An empty database of the module's own, for what commits."""
    made = make_engine(make_database())
    yield made
    made.dispose()


@pytest.fixture
def count(own_engine: Engine) -> Count:
    """Rows of a table of the module's own database."""

    def rows(table: str) -> int:
        with own_engine.connect() as connection:
            return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())

    return rows


def zone_of(geometry: shapely.Geometry) -> Zone:
    return Zone(geometry, "测试范围", "the zone of a test", "fingerprint")


def load_areas(engine: Engine, areas: dict[str, tuple[AreaLevel, str, shapely.Geometry]]) -> None:
    """Put areas into a database: code -> level, name, polygon."""
    made = [
        NewArea(code, level, name, None, BoundaryKind.SYNTHETIC, polygonal(geometry))
        for code, (level, name, geometry) in areas.items()
    ]
    facts = DatasetFacts(
        DatasetKind.BOUNDARIES, None, "areas of a test", "test", "none", "now", repr(sorted(areas)), synthetic=True
    )
    with Session(engine) as session, session.begin():
        load_boundaries(session, facts, made, {})


def write(path: Path, content: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(content.encode(encoding))
    return path
