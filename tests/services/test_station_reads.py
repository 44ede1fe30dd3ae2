"""Stations as they are shown: names around them, coordinates, and faults that name a way out."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from app.errors import InvalidInput, LevelNotLoaded, NotFound
from app.geo.crs import Crs, from_wgs84
from app.models.vocabularies import AreaLevel
from app.repositories.areas import delete_levels, list_area_facts
from app.repositories.stations import StationFilter, station_codes
from app.services.station_reads import check_area, get_station, list_stations
from app.services.station_table import today
from tests.support.cities import load_block_city


def test_pages_join_to_the_list_and_count_all(session: Session) -> None:
    load_block_city(session)
    codes = station_codes(session)
    seen: list[str] = []
    after: str | None = None
    while True:
        page = list_stations(session, StationFilter(), after_code=after, limit=1)
        assert page.total == len(codes)
        seen += [view.row.code for view in page.stations]
        after = page.last_code
        if after is None:
            break
    assert seen == codes and len(codes) > 1


def test_the_last_full_page_says_that_it_is_the_last(session: Session) -> None:
    load_block_city(session)
    number = len(station_codes(session))
    assert list_stations(session, StationFilter(), after_code=None, limit=number).last_code is None
    assert list_stations(session, StationFilter(), after_code=None, limit=number - 1).last_code is not None


@pytest.mark.parametrize("crs", list(Crs))
def test_coordinates_are_in_the_system_asked_for(session: Session, crs: Crs) -> None:
    load_block_city(session)
    view = get_station(session, station_codes(session)[0], crs)
    lng, lat = from_wgs84(view.row.lng, view.row.lat, crs)
    assert (view.lng, view.lat, view.crs) == (float(lng), float(lat), crs)


def test_areas_are_named_as_long_as_they_are_loaded(session: Session) -> None:
    load_block_city(session)
    code = station_codes(session)[0]
    district = get_station(session, code).district
    assert district is not None
    (facts,) = list_area_facts(session, today(), codes=[district.code])
    assert district.name == facts.name
    delete_levels(session, [AreaLevel.DISTRICT.value])
    still = get_station(session, code).district
    assert still is not None and (still.code, still.name) == (district.code, None)


def test_an_unknown_station_names_those_like_it(session: Session) -> None:
    load_block_city(session)
    code = station_codes(session)[0]
    with pytest.raises(NotFound) as caught:
        get_station(session, code + "x")
    (item,) = caught.value.errors
    assert item.value == code + "x" and item.remedy_en is not None and code in item.remedy_en
    with pytest.raises(NotFound) as caught:
        get_station(session, "东方明珠")
    assert "/v1/stations?q=" in str(caught.value.errors[0].remedy_en)


def test_areas_to_filter_by_are_checked(session: Session) -> None:
    load_block_city(session)
    district = list_area_facts(session, today(), level="district")[0].code
    city = list_area_facts(session, today(), level="city")[0].code
    check_area(session, "district", AreaLevel.DISTRICT, district)
    with pytest.raises(InvalidInput, match="not district") as caught:
        check_area(session, "district", AreaLevel.DISTRICT, city)
    assert caught.value.errors[0].field == "district"
    with pytest.raises(InvalidInput, match="There is no district"):
        list_stations(session, StationFilter(district_code="none"), after_code=None, limit=1)


def test_without_areas_there_is_nothing_to_filter_by(session: Session) -> None:
    with pytest.raises(LevelNotLoaded):
        list_stations(session, StationFilter(town_code="440106011"), after_code=None, limit=1)
    page = list_stations(session, StationFilter(), after_code=None, limit=1)
    assert (page.stations, page.total, page.last_code) == ([], 0, None)
