"""The carried facts are whole and agree with each other."""

from __future__ import annotations

from app.demo import facts


def test_there_are_eleven_districts_one_city_and_176_towns() -> None:
    codes = [d.code for d in facts.districts()]
    assert len(codes) == 12 and codes[-1] == "4401"
    towns = facts.towns()
    assert len(towns) == 176 and len({t.code for t in towns}) == 176
    assert all(len(t.code) == 9 and t.code[:6] == t.district_code and t.district_code in codes for t in towns)
    assert sum(t.kind == "街道" for t in towns) == 142 and sum(t.kind == "镇" for t in towns) == 34


def test_district_totals_sum_to_the_city() -> None:
    *districts, city = facts.districts()
    assert sum(d.census2020_resident for d in districts) == city.census2020_resident == 18_676_605
    assert sum(d.yearend2023_resident for d in districts) == city.yearend2023_resident == 18_827_000


def test_known_town_figures_are_those_published_and_never_exceed_their_district() -> None:
    known = [t for t in facts.towns() if t.census2020_resident is not None]
    assert len(known) == 29
    tianhe = [t for t in known if t.district_code == "440106"]
    assert len(tianhe) == 21
    assert abs(sum(t.census2020_resident or 0 for t in tianhe) - 2_241_826) < 21 * 100
    for district in facts.districts()[:-1]:
        total = sum(t.census2020_resident or 0 for t in known if t.district_code == district.code)
        assert total <= district.census2020_resident + 2_100


def test_every_centre_says_where_it_is_from() -> None:
    kinds = [t.centre_kind for t in facts.towns()]
    assert kinds.count("geonames") == 76 and kinds.count("estimated") == 100
