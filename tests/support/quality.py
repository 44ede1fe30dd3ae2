"""Officers of the known city, for tests of supervision."""

from __future__ import annotations

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.models.vocabularies import AreaLevel, Channel, Role
from app.repositories.scope import Scope
from app.services.actors import Actor

HERE, ELSEWHERE = "S-001", "S-015"  # stations in the towns 900101 and 900201


def officer(role: Role, level: AreaLevel, code: str) -> Actor:
    return Actor(None, f"{role.value}-{code}", "某人", role, Scope(level, code), Channel.SESSION)


CITY = officer(Role.CITY_OFFICER, AreaLevel.CITY, "90")
FIRST = officer(Role.DISTRICT_OFFICER, AreaLevel.DISTRICT, "9001")
SECOND = officer(Role.DISTRICT_OFFICER, AreaLevel.DISTRICT, "9002")
TOWN = officer(Role.TOWN_OFFICER, AreaLevel.TOWN, "900101")
VIEWER = officer(Role.VIEWER, AreaLevel.DISTRICT, "9001")


def whole_table(connection: Connection | Session, table: str) -> str:
    """Everything that a table holds, as text; the ``repr`` of rows leaves out the middle of long ones."""
    return "\n".join(connection.scalars(text(f"SELECT CAST(to_jsonb(t) AS text) FROM {table} t")))
