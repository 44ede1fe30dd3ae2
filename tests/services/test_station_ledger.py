"""Officers write records: who may, what is refused, what two people make of one station."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.errors import Forbidden
from app.models.vocabularies import AreaLevel, Channel, Role
from app.repositories.scope import Scope
from app.repositories.station_records import records_of_codes
from app.services.actors import Actor
from app.services.station_ledger import EditResult, Outcome, StationEdit, save_stations
from app.services.station_table import today
from tests.api.conftest import SIDE, SOUTH, WEST, load_known_city
from tests.support.ledger import new_moment


def officer(role: Role, level: AreaLevel, code: str) -> Actor:
    return Actor(None, f"{role.value}-{code}", "某", role, Scope(level, code), Channel.SESSION)


CITY = officer(Role.CITY_OFFICER, AreaLevel.CITY, "90")
FIRST = officer(Role.DISTRICT_OFFICER, AreaLevel.DISTRICT, "9001")
SECOND = officer(Role.DISTRICT_OFFICER, AreaLevel.DISTRICT, "9002")
TOWN = officer(Role.TOWN_OFFICER, AreaLevel.TOWN, "900101")
# positions within the towns 900101, 900102 and 900201
PLACES = {
    "900101": (WEST + SIDE * 0.5, SOUTH + SIDE * 0.2),
    "900102": (WEST + SIDE * 0.5, SOUTH + SIDE * 0.8),
    "900201": (WEST + SIDE * 1.5, SOUTH + SIDE * 0.2),
}


@pytest.fixture
def city(session: Session) -> Session:
    load_known_city(session)
    return session


def record(town: str = "900101", **values: Any) -> dict[str, Any]:
    lng, lat = PLACES[town]
    return {
        "code": "N-1", "name": "新站", "type": "community", "host_kind": "other", "status": "open", "lng": lng,
        "lat": lat, "crs": "wgs84", "opened_on": date(2026, 1, 5), **values,
    }  # fmt: skip


def add(session: Session, actor: Actor = CITY, town: str = "900101", **values: Any) -> EditResult:
    new_moment(session)
    values = record(town, **values)
    (result,) = save_stations(session, actor, [StationEdit(values["code"], values, None)])
    return result


def change(session: Session, actor: Actor, version: int | None, code: str = "N-1", **values: Any) -> EditResult:
    new_moment(session)
    since, until = values.pop("since", None), values.pop("until", None)
    (result,) = save_stations(session, actor, [StationEdit(code, values, version, since, until)])
    return result


def held(session: Session, code: str = "N-1") -> dict[str, Any]:
    return records_of_codes(session, [code])[code].values


def states(session: Session, code: str = "N-1") -> list[tuple[Any, ...]]:
    rows = session.execute(
        text(
            "SELECT valid_from, valid_to, name, status, seats FROM station_versions "
            "WHERE code = :code AND known_to IS NULL ORDER BY valid_from NULLS FIRST"
        ),
        {"code": code},
    )
    return [tuple(row) for row in rows]


def test_a_new_station_is_placed_and_registered(city: Session) -> None:
    result = add(city, TOWN, host_organisation="甲单位", contractor_organisations=["乙学校"], target_groups=["women"])
    assert (result.outcome, result.version, result.faults) == (Outcome.ADDED, 1, [])
    row = city.execute(text("SELECT * FROM stations WHERE code = 'N-1'")).one()
    assert (row.district_code, row.town_code, row.source_crs) == ("9001", "900101", "wgs84")
    assert row.h3_r9 > 0 and row.target_groups == ["women"]
    assert set(city.scalars(text("SELECT name FROM organisations"))) == {"甲单位", "乙学校"}
    dataset = city.execute(text("SELECT * FROM datasets WHERE id = :id"), {"id": row.dataset_id}).one()
    assert not dataset.synthetic and dataset.is_current


def test_positions_are_read_in_their_system(city: Session) -> None:
    from app.geo.crs import Crs, from_wgs84

    lng, lat = from_wgs84(*PLACES["900101"], Crs.GCJ02)
    add(city, CITY, crs="gcj02", lng=float(lng), lat=float(lat))
    row = city.execute(text("SELECT ST_X(geom) x, ST_Y(geom) y FROM stations WHERE code = 'N-1'")).one()
    assert (row.x, row.y) == pytest.approx(PLACES["900101"], abs=1e-6)


def test_only_what_lies_in_the_scope_can_be_written(city: Session) -> None:
    for actor, town in ((FIRST, "900201"), (SECOND, "900101"), (TOWN, "900102")):
        result = add(city, actor, town)
        assert result.out_of_scope and result.outcome is Outcome.FAULTY
    added = add(city, FIRST, "900102")
    assert change(city, SECOND, added.version, name="夺").out_of_scope
    assert change(city, TOWN, added.version, name="夺").out_of_scope
    lng, lat = PLACES["900201"]
    assert change(city, FIRST, added.version, lng=lng, lat=lat).out_of_scope  # out of the own district
    assert held(city)["name"] == "新站"
    assert change(city, CITY, added.version, lng=lng, lat=lat).outcome is Outcome.CHANGED
    assert change(city, SECOND, 2, name="新区的站").outcome is Outcome.CHANGED


def test_a_viewer_writes_nothing(city: Session) -> None:
    with pytest.raises(Forbidden):
        add(city, officer(Role.VIEWER, AreaLevel.CITY, "90"))


def test_all_or_nothing(city: Session) -> None:
    edits = [
        StationEdit("N-1", record(), None),
        StationEdit("N-2", record(code="N-2", seats=-1), None),
        StationEdit("S-000", {"name": "改名"}, 1),
    ]
    results = save_stations(city, CITY, edits)
    assert [r.outcome for r in results] == [Outcome.ADDED, Outcome.FAULTY, Outcome.CHANGED]
    assert records_of_codes(city, ["N-1", "N-2"]) == {}
    assert held(city, "S-000")["name"] == "第0站_50%"
    edits[1] = StationEdit("N-2", record(code="N-2"), None)
    save_stations(city, CITY, edits)
    assert held(city, "N-2")["name"] == "新站" and held(city, "S-000")["name"] == "改名"


def test_a_dry_run_tells_the_same_and_writes_nothing(city: Session) -> None:
    edits = [StationEdit("N-1", record(), None), StationEdit("S-000", {"seats": 9}, 1), StationEdit("S-001", {}, 1)]
    tried = save_stations(city, CITY, edits, dry_run=True)
    assert [r.outcome for r in tried] == [Outcome.ADDED, Outcome.CHANGED, Outcome.UNCHANGED]
    assert records_of_codes(city, ["N-1"]) == {} and held(city, "S-000")["seats"] is None


def test_two_people_change_different_fields(city: Session) -> None:
    add(city)
    assert change(city, CITY, 1, seats=10).version == 2
    late = change(city, FIRST, 1, phone="020-1")
    assert (late.outcome, late.changes) == (Outcome.CHANGED, {"phone": (None, "020-1")})
    assert (held(city)["seats"], held(city)["phone"]) == (10, "020-1")


def test_two_people_change_one_field(city: Session) -> None:
    add(city)
    change(city, CITY, 1, seats=10, name="改")
    late = change(city, FIRST, 1, seats=20, phone="020-1")
    assert late.outcome is Outcome.CONFLICT
    (conflict,) = late.conflicts
    assert (conflict.field, conflict.base, conflict.theirs, conflict.mine) == ("seats", None, 10, 20)
    assert (held(city)["seats"], held(city)["phone"], late.version) == (10, None, 2)
    assert change(city, FIRST, 1, seats=10).outcome is Outcome.UNCHANGED  # the same: no conflict
    whole = {**held(city), "name": "新站", "seats": None, "phone": "020-2"}  # a workbook that was exported at version 1
    merged = change(city, FIRST, 1, **{k: v for k, v in whole.items() if k != "code"})
    assert merged.changes == {"phone": (None, "020-2")}
    assert (held(city)["seats"], held(city)["name"]) == (10, "改")


@pytest.mark.parametrize(
    ("version", "code", "field"), [(None, "S-000", "code"), (1, "S-999", "code"), (7, "S-000", "version")]
)
def test_a_version_belongs_to_a_station(city: Session, version: int | None, code: str, field: str) -> None:
    values = record(code=code) if version is None else {"name": "改"}
    (result,) = save_stations(city, CITY, [StationEdit(code, values, version)])
    assert [item.field for item in result.faults] == [field]


def test_the_same_station_twice_is_refused(city: Session) -> None:
    results = save_stations(city, CITY, [StationEdit("S-000", {"seats": k}, 1) for k in (1, 2)])
    assert [r.outcome for r in results] == [Outcome.FAULTY] * 2
    assert held(city, "S-000")["seats"] is None


def test_a_correction_has_always_been_so(city: Session) -> None:
    add(city)
    change(city, CITY, 1, name="改正")
    assert states(city) == [(None, None, "改正", "open", None)]


def test_a_change_holds_from_its_day(city: Session) -> None:
    add(city)
    change(city, CITY, 1, since=date(2026, 3, 1), name="三月")
    change(city, CITY, held_version(city), since=date(2026, 2, 1), until=date(2026, 2, 15), seats=7)
    change(city, CITY, held_version(city), since=date(2026, 2, 10), phone="1")
    assert states(city) == [
        (None, date(2026, 2, 1), "新站", "open", None),
        (date(2026, 2, 1), date(2026, 2, 10), "新站", "open", 7),
        (date(2026, 2, 10), date(2026, 2, 15), "新站", "open", 7),
        (date(2026, 2, 15), date(2026, 3, 1), "新站", "open", None),
        (date(2026, 3, 1), None, "三月", "open", None),
    ]
    assert held(city)["phone"] == "1" and held(city)["name"] == "三月"


def held_version(session: Session, code: str = "N-1") -> int:
    return records_of_codes(session, [code])[code].version


def test_a_status_holds_from_its_day_or_from_today(city: Session) -> None:
    add(city)
    change(city, CITY, 1, status="suspended", phone="1")
    assert states(city) == [
        (None, today(), "新站", "open", None),
        (today(), None, "新站", "suspended", None),
    ]
    phones = city.scalars(text("SELECT phone FROM station_versions WHERE code = 'N-1' AND known_to IS NULL"))
    assert set(phones) == {"1"}  # the telephone number is a correction
    add(city, code="N-2")
    change(city, CITY, 1, "N-2", status="closed", closed_on=date(2026, 6, 1))
    assert [row[:2] + row[3:4] for row in states(city, "N-2")] == [
        (None, date(2026, 6, 1), "open"), (date(2026, 6, 1), None, "closed"),
    ]  # fmt: skip


def test_nothing_is_recorded_for_the_future(city: Session) -> None:
    add(city)
    tomorrow = today() + timedelta(days=1)
    assert [i.field for i in change(city, CITY, 1, since=tomorrow, name="改").faults] == ["effective_on"]
    assert [i.field for i in change(city, CITY, 1, until=today(), name="改").faults] == ["effective_until"]


def test_faults_name_the_fields(city: Session) -> None:
    result = add(city, status="planned", seats=-3, opening_hours="朝九晚五", name=" ")
    assert {item.field for item in result.faults} == {"seats", "opening_hours", "name"}
    assert [item.field for item in add(city, status="planned").faults] == ["status"]
    values = {name: value for name, value in record().items() if name not in ("type", "lng")}
    (result,) = save_stations(city, CITY, [StationEdit("N-1", values, None)])
    assert {item.field for item in result.faults} == {"type", "lng"}
