from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import pytest
import shapely
import xlsxwriter
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.errors import Conflict, CrsRequired, FileUnreadable, ImportFailed, InvalidInput
from app.geo.crs import Crs, from_wgs84
from app.geo.geodesy import distances_m
from app.ingest.report import Severity
from app.ingest.stations import StationOptions, import_stations, read_stations
from app.models.vocabularies import AreaLevel, HostKind, StationStatus, StationType
from app.repositories.areas import AreaRow
from app.repositories.stations import StationFilter, list_stations
from tests.ingest.conftest import Count, load_areas, write

WGS84 = StationOptions(Crs.WGS84)
WEST, EAST = shapely.box(113.2, 23.0, 113.3, 23.2), shapely.box(113.3, 23.0, 113.4, 23.2)


def area(code: str, name: str, geom: shapely.Geometry, level: str = "district") -> AreaRow:
    return AreaRow(code, level, name, None, "synthetic", 1.0, 113.3, 23.1, 1, geom)


AREAS = [area("440105", "海珠区", WEST), area("440106", "天河区", EAST)]


def csv(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    return write(path, "\n".join(lines), encoding)


def faults(path: Path, options: StationOptions = WGS84, areas: list[AreaRow] = AREAS) -> list[str]:
    with pytest.raises(ImportFailed) as caught:
        read_stations(path, options, areas)
    return [f"{item.field.partition('row ')[2]}: {item.message_en}" for item in caught.value.errors]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_chinese_ledger(tmp_path: Path, encoding: str) -> None:
    path = csv(
        tmp_path / "a.csv", "羊城技能加油站台账,,,,,,,,,",
        "序号,站点编号,站点名称,站点类型,载体类型,状态,经度,纬度,开站日期,所属区",
        "1,GZ001,天河“一号”站,社区型,就业驿站,运营中,113.35,23.1,2025年6月30日,天河区",
        "2,ＧＺ００２,海珠站,园区型,,,１１３．２５,23.1,2025/7/1,海珠", encoding=encoding,
    )  # fmt: skip
    stations, report = read_stations(path, WGS84, AREAS)
    first, second = stations
    assert (first.code, first.name, first.type) == ("GZ001", "天河“一号”站", StationType.COMMUNITY)
    assert first.host_kind is HostKind.EMPLOYMENT_POST and first.opened_on == date(2025, 6, 30)
    assert (second.code, second.lng, second.host_kind) == ("GZ002", 113.25, HostKind.OTHER)
    assert second.status is StationStatus.OPEN and second.opened_on == date(2025, 7, 1)
    assert report.figures["rows_read"] == 2 and not report.issues
    assert any("序号" in zh for zh, _ in report.notes)


def test_a_workbook_with_excel_dates(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("旧表").hide()
        book.add_worksheet("空表").activate()
        sheet = book.add_worksheet("台账")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(1, 0, ["编号", "名称", "经度", "纬度", "开站日期", "挂牌日期"])
        sheet.write_row(2, 0, [440106001, "一号站", 113.35, "23.1"])
        sheet.write_datetime(2, 4, datetime(2025, 6, 30), day)
        sheet.write_number(2, 5, 45838)
        sheet.write_row(4, 0, [440106002, "二号站", "", 23.1])
    (fault,) = faults(path)
    assert fault == "5, lng: the coordinate is missing"  # row 5 as the workbook shows it
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["编号", "名称", "经度", "纬度", "开站日期", "挂牌日期"])
        sheet.write_row(1, 0, [440106001, "一号站", 113.35, "23.1"])
        sheet.write_datetime(1, 4, datetime(2025, 6, 30), book.add_format({"num_format": "yyyy-mm-dd"}))
        sheet.write_number(1, 5, 45838)
    ((station,), _) = read_stations(path, WGS84, AREAS)
    assert station.code == "440106001" and station.opened_on == station.plaque_hung_on == date(2025, 6, 30)


def test_geojson(tmp_path: Path) -> None:
    point = {"type": "Point", "coordinates": [113.35, 23.1, 8.0]}
    feature = {"type": "Feature", "properties": {"code": "A", "name": "一号站", "lng": "ignored"}, "geometry": point}
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    ((station,), report) = read_stations(path, StationOptions(None), AREAS)
    assert (station.lng, station.lat, station.source_crs) == (113.35, 23.1, "wgs84")
    assert any("RFC 7946" in en for _, en in report.notes)
    ((moved,), report) = read_stations(path, StationOptions(Crs.GCJ02), AREAS)
    assert moved.source_crs == "gcj02" and report.of(Severity.WARNING)[0].field == "crs"
    old = {"type": "FeatureCollection", "features": [feature], "crs": {"properties": {"name": "EPSG:4547"}}}
    path.write_text(json.dumps(old))
    with pytest.raises(CrsRequired):
        read_stations(path, StationOptions(None), AREAS)
    feature["geometry"] = {"type": "Polygon", "coordinates": []}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    assert faults(path, StationOptions(None)) == [
        "1, lng: the coordinate is missing", "1, lat: the coordinate is missing"
    ]  # fmt: skip


def test_the_system_must_be_stated(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", "code,name,lng,lat", "A,a,113.35,23.1")
    with pytest.raises(CrsRequired, match="600 m") as caught:
        read_stations(path, StationOptions(None), AREAS)
    assert "gcj02" in (caught.value.errors[0].remedy_zh or "")


@pytest.mark.parametrize("crs", list(Crs))
def test_positions_are_kept_as_given_and_as_wgs84(tmp_path: Path, crs: Crs) -> None:
    lng, lat = (float(v) for v in from_wgs84(113.35, 23.1, crs))
    path = csv(tmp_path / "a.csv", "code,name,lng,lat", f"A,a,{lng!r},{lat!r}")
    ((station,), _) = read_stations(path, StationOptions(crs), AREAS)
    assert (station.source_lng, station.source_lat, station.source_crs) == (lng, lat, crs.value)
    assert distances_m(station.lng, station.lat, 113.35, 23.1).item() < 0.001


def test_every_bad_position_is_reported_and_nothing_is_moved(tmp_path: Path) -> None:
    path = csv(
        tmp_path / "a.csv", "code,name,lng,lat,district",
        "A,good,113.35,23.1,", "B,zero,0,0,", "C,swapped,23.1,113.35,", "D,far,121.47,31.23,", "E,nan,NaN,23.1,",
        "F,huge,1133.5,23.1,", "G,text,113°21′,23.1,", "H,empty,,23.1,", "I,elsewhere,113.25,23.1,天河区",
    )  # fmt: skip
    found = faults(path)
    assert found == [
        "3, lng, lat: the position is 0, 0, which usually means that it is missing",
        "4, lng, lat: longitude and latitude seem to be exchanged",
        "5, lng, lat: the position is outside of the city (the 2 district areas loaded)",
        "6, lng: the coordinate is not a number",
        "7, lng, lat: the coordinates are out of the range of degrees",
        "8, lng: the coordinate is not a number",
        "9, lng: the coordinate is missing",
    ]
    with pytest.raises(ImportFailed) as caught:
        read_stations(path, WGS84, AREAS)
    assert all(item.remedy_zh and item.remedy_en and "行" in item.field for item in caught.value.errors)


def test_swapped_inside_the_range_of_degrees(tmp_path: Path) -> None:
    areas = [area("1", "Porto Alegre", shapely.box(-51.3, -30.2, -51.0, -29.9), "city")]
    path = csv(tmp_path / "a.csv", "code,name,lng,lat", "A,a,-30.0,-51.2")
    assert faults(path, WGS84, areas) == ["2, lng, lat: longitude and latitude seem to be exchanged"]


@pytest.mark.parametrize("crs", [Crs.GCJ02, Crs.BD09])
def test_rows_in_another_system_are_recognised(tmp_path: Path, crs: Crs) -> None:
    # inside the city either way, but in the district of the row only when the shift is undone
    lng, lat = (float(v) for v in from_wgs84(113.2990, 23.1, crs))
    by_district = csv(tmp_path / "a.csv", "code,name,lng,lat,区", f"A,a,{lng!r},{lat!r},海珠区", "B,b,113.35,23.1,天河")
    (fault,) = faults(by_district)
    assert fault.startswith("2, lng, lat: as wgs84 it is not in 海珠区, as ") and crs.value in fault
    # outside of the city as given
    lng, lat = (float(v) for v in from_wgs84(113.3990, 23.1, crs))
    (fault,) = faults(csv(tmp_path / "b.csv", "code,name,lng,lat", f"A,a,{lng!r},{lat!r}"))
    assert "it is not in the city" in fault and crs.value in fault
    # and the other way: WGS84 given out as another system
    (fault,) = faults(csv(tmp_path / "c.csv", "code,name,lng,lat", "A,a,113.2001,23.1"), StationOptions(crs))
    assert f"as {crs.value} it is not in the city" in fault and "wgs84" in fault


def test_the_wrong_district_without_such_an_explanation_is_a_warning(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", "code,name,lng,lat,区", "A,a,113.25,23.1,天河区", "B,b,113.25,23.1,不存在区")
    _, report = read_stations(path, WGS84, AREAS)
    assert [(i.row, i.message_en) for i in report.of(Severity.WARNING)] == [
        (2, "the position is not in 天河区, which the row names"), (3, "there is no district of that name"),
    ]  # fmt: skip


def test_codes_names_words_and_dates(tmp_path: Path) -> None:
    path = csv(
        tmp_path / "a.csv", "编号,名称,经度,纬度,类型,载体,状态,开站日期,关闭日期",
        "A,a,113.35,23.1,,,,,", "A,b,113.35,23.11,,,,,", ",c,113.35,23.1,,,,,", "D,,113.35,23.1,,,,,",
        "E,e,113.35,23.1,城市型,茶馆,忙,,", "F,f,113.35,23.1,,,,2025-02-30,",
        "G,g,113.35,23.1,,,,2025-06-30,2025-06-01", "G,h,0,0,,,,,",
    )  # fmt: skip
    assert sorted(faults(path)) == [
        "2, code: the code is also that of row 3", "3, code: the code is also that of row 2",
        "4, code: the code is empty", "5, name: the name is empty",
        "6, host_kind: an unknown host_kind", "6, status: an unknown status",
        "6, type: an unknown type", "7, opened_on: not a date", "8, closed_on: it was closed before it was opened",
        "8, code: the code is also that of row 9", "9, code: the code is also that of row 8",
        "9, lng, lat: the position is 0, 0, which usually means that it is missing",
    ]  # fmt: skip


def test_codes_are_made_where_there_is_no_column(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", "name,lng,lat", "a,113.35,23.1", "b,113.35,23.1", "a,113.35,23.1001")
    stations, report = read_stations(path, WGS84, AREAS)
    assert len({s.code for s in stations}) == 3 and all(s.code.startswith("S-") and len(s.code) == 12 for s in stations)
    assert [s.code for s in stations] == [s.code for s in read_stations(path, WGS84, AREAS)[0]]
    (issue,) = report.of(Severity.WARNING)
    assert issue.row == 4 and "same name as row 2" in issue.message_en
    assert any("no column code" in en for _, en in report.notes)


def test_columns_and_files(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="lat"):
        read_stations(csv(tmp_path / "a.csv", "code,name,lng", "A,a,113.35"), WGS84, AREAS)
    with pytest.raises(InvalidInput, match="both mean"):
        read_stations(csv(tmp_path / "b.csv", "name,lng,lat,经度", "a,113.35,23.1,113.35"), WGS84, AREAS)
    (tmp_path / "bad.xlsx").write_bytes(b"PK\x03\x04 not a workbook")
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "bad.geojson").write_text('{"type": "Feature')
    csv(tmp_path / "words.csv", "一,二,三", "1,2,3")
    csv(tmp_path / "none.csv", "code,name,lng,lat")
    for name in ("bad.xlsx", "empty.csv", "bad.geojson", "words.csv", "none.csv", "missing.csv"):
        with pytest.raises(FileUnreadable):
            read_stations(tmp_path / name, WGS84, AREAS)


def test_areas_that_change_meanwhile_are_noticed(tmp_path: Path, own_engine: Engine, count: Count) -> None:
    path = csv(tmp_path / "a.csv", "code,name,lng,lat", "M,m,113.25,23.1")
    before = count("stations"), count("datasets")

    def meanwhile(message_zh: str, message_en: str) -> None:
        if message_en == "reading the ledger":
            load_areas(own_engine, {"440199": (AreaLevel.CITY, "新市", shapely.box(114, 23, 115, 24))})

    with pytest.raises(Conflict, match="run this command again"):
        import_stations(own_engine, path, WGS84, tell=meanwhile)
    assert (count("stations"), count("datasets")) == (before[0], before[1] + 1)
    with own_engine.begin() as connection:
        connection.execute(text("DELETE FROM areas"))


def test_a_system_that_shifts_nothing_there_is_doubted(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", "code,name,lng,lat", "A,a,-51.2,-30.0", "B,b,113.35,23.1")
    _, report = read_stations(path, StationOptions(Crs.GCJ02), [])
    (issue,) = report.of(Severity.WARNING)
    assert issue.field == "--crs" and issue.value == "1 / 2"
    assert not read_stations(path, WGS84, [])[1].issues


def test_right_beside_the_border_is_doubted_and_kept(tmp_path: Path) -> None:
    areas = [area("1", "Porto Alegre", shapely.box(-51.3, -30.2, -51.1, -29.9), "city")]
    path = csv(tmp_path / "a.csv", "code,name,lng,lat", "A,a,-51.09,-30.0", "B,b,-51.2,-30.0")
    stations, report = read_stations(path, WGS84, areas)
    (issue,) = report.of(Severity.WARNING)
    assert len(stations) == 2 and "965 m outside of the city (the city area loaded)" in issue.message_en
    far = csv(tmp_path / "b.csv", "code,name,lng,lat", "A,a,-51.07,-30.0")
    assert faults(far, WGS84, areas) == ["2, lng, lat: the position is outside of the city (the city area loaded)"]


def test_without_areas_positions_are_not_judged(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", "code,name,lng,lat", "A,a,10,50")
    stations, report = read_stations(path, WGS84, [])
    assert len(stations) == 1 and any("not checked" in en for _, en in report.notes)


def test_import_dry_run_twice_change_replace_and_failure(tmp_path: Path, own_engine: Engine, count: Count) -> None:
    load_areas(
        own_engine,
        {"440105": (AreaLevel.DISTRICT, "海珠区", WEST), "440106": (AreaLevel.DISTRICT, "天河区", EAST)},
    )
    datasets = count("datasets")
    heading = "code,name,lng,lat"
    path = csv(tmp_path / "a.csv", heading, "A,甲,113.25,23.1", "B,乙,113.35,23.1")
    dry = import_stations(own_engine, path, WGS84, dry_run=True)
    assert dry.loaded["added"] == 2 and count("stations") == 0 and count("datasets") == datasets
    assert import_stations(own_engine, path, WGS84).loaded == {"added": 2, "changed": 0, "unchanged": 0, "removed": 0}
    again = import_stations(own_engine, path, WGS84)
    assert again.changed is False and again.loaded["unchanged"] == 2 and count("datasets") == datasets + 1
    bad = csv(tmp_path / "b.csv", heading, "C,丙,113.35,23.1", "D,丁,0,0")
    with pytest.raises(ImportFailed):
        import_stations(own_engine, bad, WGS84)
    assert count("stations") == 2
    more = csv(tmp_path / "c.csv", heading, "B,乙站,113.35,23.1", "C,丙,113.35,23.11")
    assert import_stations(own_engine, more, WGS84).loaded == {"added": 1, "changed": 1, "unchanged": 0, "removed": 0}
    replaced = import_stations(own_engine, more, StationOptions(Crs.WGS84, replace=True))
    assert replaced.loaded == {"added": 0, "changed": 0, "unchanged": 2, "removed": 1}
    with Session(own_engine) as session:
        rows = list_stations(session, StationFilter())
        assert [(r.code, r.name, r.district_code) for r in rows] == [("B", "乙站", "440106"), ("C", "丙", "440106")]


def test_replacing_loses_no_station_with_records(tmp_path: Path, own_engine: Engine) -> None:
    with own_engine.begin() as connection:
        connection.execute(text("DELETE FROM stations"))
    two = csv(tmp_path / "two.csv", "code,name,lng,lat", "A1,一号站,113.35,23.1", "A2,二号站,113.36,23.1")
    load_areas(own_engine, {"440106": (AreaLevel.DISTRICT, "天河区", EAST)})
    import_stations(own_engine, two, WGS84)
    with own_engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO courses (station_code, title, kind, form, skill, fee_yuan, subsidised, seats, status) "
                "VALUES ('A2', '茶艺', 'project', 'salon', '茶艺', 0, true, 10, 'offered')"
            )
        )
    one = csv(tmp_path / "one.csv", "code,name,lng,lat", "A3,三号站,113.35,23.11")
    with pytest.raises(Conflict) as caught:
        import_stations(own_engine, one, StationOptions(Crs.WGS84, replace=True))
    assert [item.value for item in caught.value.errors] == ["A2"] and "closed" in str(caught.value.errors[0].remedy_en)
    with Session(own_engine) as session:
        assert [row.code for row in list_stations(session, StationFilter())] == ["A1", "A2"]
    with own_engine.begin() as connection:
        connection.execute(text("DELETE FROM courses"))


def test_porto_alegre_points_of_interest(shared_data: Path, own_engine: Engine, count: Count) -> None:
    with own_engine.begin() as connection:
        connection.execute(text("DELETE FROM stations"))
    load_areas(
        own_engine,
        {"poa": (AreaLevel.CITY, "Porto Alegre", shapely.box(-51.3, -30.2, -51.1, -29.9)),
         "440105": (AreaLevel.DISTRICT, "x", shapely.box(-51.3, -30.2, -51.1, -29.9))},
    )  # fmt: skip
    path = shared_data / "porto-alegre" / "poa_points_of_interest.csv"
    report = import_stations(own_engine, path, WGS84)
    assert report.loaded["added"] == 15 == count("stations")
    assert any("codes are the names" in en for _, en in report.notes)
    with Session(own_engine) as session:
        market = next(r for r in list_stations(session, StationFilter()) if r.code == "public_market")
        assert (market.lng, market.lat, market.name) == (-51.227811, -30.027565, "public_market")
