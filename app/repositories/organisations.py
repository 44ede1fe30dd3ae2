"""Organisations (载体、运营、承训、合作单位) and pairings (结对)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.models import Organisation, Pairing, Station
from app.models.vocabularies import PairingMode
from app.repositories.scope import Scope, station_in_scope


@dataclass(frozen=True)
class OrganisationRow:
    """``stations`` counts those that name it in any of the four roles, as they are now."""

    id: int
    name: str
    kind: str
    credit_code: str | None
    contact: str | None
    phone: str | None
    version: int
    stations: int


@dataclass(frozen=True)
class PairingRow:
    """One pairing with the names around it."""

    id: int
    station_code: str
    station_name: str
    organisation_id: int
    organisation: str
    mode: str
    agreement: str | None
    projects: str | None
    signed_on: date | None
    ends_on: date | None
    version: int


def _organisations() -> Select[Any]:
    named = or_(
        Station.host_organisation == Organisation.name,
        Station.operator_organisation == Organisation.name,
        Organisation.name == func.any(Station.contractor_organisations),
        Organisation.name == func.any(Station.partner_organisations),
    )
    count = select(func.count()).select_from(Station).where(named).scalar_subquery().label("stations")
    plain = [getattr(Organisation, name) for name in OrganisationRow.__dataclass_fields__ if name != "stations"]
    return select(*plain, count)


def list_organisations(
    session: Session, *, text: str | None, after_name: str | None, limit: int
) -> list[OrganisationRow]:
    """Organisations by name, from the one after ``after_name`` on."""
    query = _organisations().order_by(Organisation.name).limit(limit)
    if text:
        query = query.where(Organisation.name.icontains(text, autoescape=True))
    if after_name is not None:
        query = query.where(Organisation.name > after_name)
    return [OrganisationRow(**row._mapping) for row in session.execute(query)]


def get_organisation(session: Session, organisation_id: int) -> OrganisationRow | None:
    row = session.execute(_organisations().where(Organisation.id == organisation_id)).one_or_none()
    return None if row is None else OrganisationRow(**row._mapping)


def find_taken(session: Session, name: str | None, credit_code: str | None, but: int | None) -> str | None:
    """The field (``name`` or ``credit_code``) in which another organisation is the same, if there is one."""
    for field, column, value in (
        ("name", Organisation.name, name),
        ("credit_code", Organisation.credit_code, credit_code),
    ):
        if value is None:
            continue
        query = select(Organisation.id).where(column == value)
        if but is not None:
            query = query.where(Organisation.id != but)
        if session.scalar(query.limit(1)) is not None:
            return field
    return None


def insert_organisation(session: Session, values: Mapping[str, Any]) -> int:
    return int(session.scalars(insert(Organisation).values(**values).returning(Organisation.id)).one())


def update_organisation(session: Session, organisation_id: int, values: Mapping[str, Any]) -> None:
    session.execute(update(Organisation).where(Organisation.id == organisation_id).values(**values))


def _pairings() -> Select[Any]:
    named = {"station_name": Station.name, "organisation": Organisation.name}
    columns = [
        named[name].label(name) if name in named else getattr(Pairing, name) for name in PairingRow.__dataclass_fields__
    ]
    return (
        select(*columns)
        .join(Station, Station.code == Pairing.station_code)
        .join(Organisation, Organisation.id == Pairing.organisation_id)
    )


def list_pairings(
    session: Session,
    scope: Scope,
    *,
    station_code: str | None,
    current_on: date | None,
    after_id: int | None,
    limit: int,
) -> list[PairingRow]:
    """Pairings of stations in a scope by id; ``current_on``: only those not over by that day."""
    query = _pairings().where(station_in_scope(scope, Pairing.station_code)).order_by(Pairing.id).limit(limit)
    if station_code is not None:
        query = query.where(Pairing.station_code == station_code)
    if current_on is not None:
        query = query.where(or_(Pairing.ends_on.is_(None), Pairing.ends_on >= current_on))
    if after_id is not None:
        query = query.where(Pairing.id > after_id)
    return [PairingRow(**row._mapping) for row in session.execute(query)]


def get_pairing(session: Session, pairing_id: int) -> PairingRow | None:
    row = session.execute(_pairings().where(Pairing.id == pairing_id)).one_or_none()
    return None if row is None else PairingRow(**row._mapping)


def current_pairings(session: Session, station_code: str, day: date, but: int | None = None) -> list[PairingRow]:
    """The pairings of a station that are not over by that day, but for one."""
    query = _pairings().where(
        Pairing.station_code == station_code, or_(Pairing.ends_on.is_(None), Pairing.ends_on >= day)
    )
    if but is not None:
        query = query.where(Pairing.id != but)
    return [PairingRow(**row._mapping) for row in session.execute(query)]


def insert_pairing(session: Session, values: Mapping[str, Any]) -> int:
    return int(session.scalars(insert(Pairing).values(**values).returning(Pairing.id)).one())


def update_pairing(session: Session, pairing_id: int, values: Mapping[str, Any]) -> None:
    session.execute(update(Pairing).where(Pairing.id == pairing_id).values(**values))


def pair_with_contractors(session: Session, agreement: str) -> None:
    """Record a pairing (一对多) of every station that has opened with each of its contractors, by one agreement."""
    named = Organisation.name == func.any(Station.contractor_organisations)
    rows = (
        select(
            Station.code, Organisation.id, literal(PairingMode.ONE_TO_MANY.value), literal(agreement), Station.opened_on
        )
        .join(Organisation, named)
        .where(Station.opened_on.is_not(None))
        .order_by(Station.code, Organisation.id)
    )
    names = ["station_code", "organisation_id", "mode", "agreement", "signed_on"]
    session.execute(insert(Pairing).from_select(names, rows))
