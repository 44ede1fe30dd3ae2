"""The ledger as a workbook over HTTP: a district's officer from the template to stations that count in coverage."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill
from sqlalchemy import Engine, text

from app.db.engine import make_engine, session_scope
from app.demo.city import generate
from app.demo.load import load_city
from app.demo.spec import CitySpec
from app.main import create_app
from app.models.vocabularies import Role
from app.services.snapshot import ensure_snapshot
from app.settings import home_settings
from tests.api.conftest import FixedHolder, TestClient, serving
from tests.conftest import MakeDatabase
from tests.support.accounts import signed_in
from tests.support.workbooks import cell_of, columns, fill, marked_cells, opened, saved, station_row

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
IMPORTS = "/v1/ledger/imports"
Headers = dict[str, str]


@pytest.fixture(scope="module")
def place(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database())
    with session_scope(made) as writing:
        load_city(writing, generate(CitySpec(node_target=15_000, stations=60)))
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def holder(place: Engine) -> FixedHolder:
    return FixedHolder(ensure_snapshot(place, home_settings()))


@pytest.fixture(scope="module")
def desk(place: Engine, holder: FixedHolder) -> Iterator[TestClient]:
    with serving(create_app(engine=place, holder=holder)) as made:
        yield made


@pytest.fixture(scope="module")
def tianhe(place: Engine) -> Headers:
    return signed_in(place, Role.DISTRICT_OFFICER, "440106", username="tianhe")


@pytest.fixture(scope="module")
def yuexiu(place: Engine) -> Headers:
    return signed_in(place, Role.DISTRICT_OFFICER, "440104", username="yuexiu")


@pytest.fixture(scope="module")
def places(place: Engine) -> list[tuple[float, float]]:
    """Positions on streets of Tianhe where people live."""
    with place.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT ST_X(p) lng, ST_Y(p) lat FROM (SELECT ST_LineInterpolatePoint(geom, 0.5) p FROM walk_edges "
                "WHERE has_frontage ORDER BY id) e WHERE ST_Within(p, (SELECT geom FROM areas WHERE code = '440106'))"
            )
        ).all()
    order = np.random.default_rng(4).permutation(len(rows))[:60]
    return [(round(rows[k].lng, 6), round(rows[k].lat, 6)) for k in order]


def send(desk: TestClient, headers: Headers, data: bytes, **query: Any) -> Any:
    return desk.post(IMPORTS, params=query, content=data, headers={**headers, "Content-Type": XLSX})


def template(desk: TestClient, headers: Headers) -> bytes:
    answer = desk.get("/v1/ledger/template.xlsx", headers=headers)
    assert answer.status_code == 200 and answer.headers["content-type"] == XLSX
    return bytes(answer.content)


def test_from_the_template_to_coverage(
    desk: TestClient, place: Engine, holder: FixedHolder, tianhe: Headers, yuexiu: Headers,
    places: list[tuple[float, float]],
) -> None:  # fmt: skip
    """Thirty rows with six different mistakes: exactly those cells are marked; mended, all of it is there at once."""
    rows = [station_row(f"TH-{k:02d}", *places[k]) for k in range(30)]
    mistakes = {
        ("载体类型", 4): "党群中心", ("开站日期", 7): "2025-13-01", ("座位数", 11): "三十", ("编号", 15): "TH-03",
        ("经度", 20): round(places[18][1], 6), ("开放时间", 26): "朝九晚五",
    }  # fmt: skip
    wrong = [dict(row) for row in rows]
    for (heading, line), value in mistakes.items():
        wrong[line - 2][heading] = value
    wrong[18]["纬度"] = round(places[18][0], 6)  # longitude and latitude exchanged
    empty = template(desk, tianhe)
    data = fill(empty, "站点", wrong)

    tried = send(desk, tianhe, data, dry_run=True)
    assert tried.status_code == 200, tried.text
    at = columns(opened(empty), "站点")
    book = opened(data)
    expected = {cell_of(book, "站点", heading, line).coordinate for heading, line in mistakes}
    expected.add(cell_of(book, "站点", "编号", 5).coordinate)  # the other row of the double code
    sheet = tried.json()["sheets"][0]
    assert {fault["cell"] for row in sheet["rows"] for fault in row["faults"]} == expected
    assert (sheet["faulty"], sheet["added"], tried.json()["written"]) == (7, 23, False)
    assert all(fault["message"] and fault["remedy"] for row in sheet["rows"] for fault in row["faults"])

    checked = send(desk, tianhe, data, dry_run=True, format="xlsx")
    assert marked_cells(checked.content, "站点") == expected
    marked = opened(checked.content)
    assert marked.sheetnames[0] == "检查结果"
    result = columns(marked, "站点")["结果"]
    assert [marked["站点"].cell(row=k, column=result).value for k in (2, 4)] == ["新增", "有误"]
    assert at["编号"] == 1

    refused = send(desk, tianhe, data)
    assert refused.status_code == 422 and refused.json()["code"] == "import_failed"
    assert any(item["field"].startswith(f"站点!{min(expected)}") for item in refused.json()["errors"])
    assert desk.get("/v1/stations?q=TH-").json()["total"] == 0
    elsewhere = send(desk, yuexiu, fill(empty, "站点", rows))
    assert elsewhere.status_code == 403 and elsewhere.json()["code"] == "out_of_scope"

    before = coverage(desk)
    done = send(desk, tianhe, fill(empty, "站点", rows), reason="第一批遴选")
    assert done.status_code == 200 and done.json()["written"] and done.json()["sheets"][0]["added"] == 30, done.text
    listed = desk.get("/v1/stations?q=TH-&limit=500").json()
    assert listed["total"] == 30
    assert all(s["district"]["code"] == "440106" and s["h3"]["r9"] for s in listed["stations"])
    holder.snapshot = ensure_snapshot(place, home_settings())  # what a worker does when the database tells it
    after = coverage(desk)
    assert after["stations"] == before["stations"] + 30 and after["covered"] > before["covered"]

    for name in ("changes",):
        change = {"version": 1, "changes": {"name": "夺"}}
        assert desk.post(f"/v1/ledger/stations/TH-00/{name}", json=change, headers=yuexiu).status_code == 403
    with place.connect() as connection:
        log = connection.execute(text("SELECT * FROM audit_log WHERE actor IN ('tianhe', 'yuexiu') ORDER BY id")).all()
    added = [e for e in log if e.action == "insert" and e.kind == "station"]
    assert len(added) == 30 and {e.reason for e in added} == {"第一批遴选"} and {e.actor for e in added} == {"tianhe"}
    books = [(e.action, e.after.get("written"), e.after.get("code")) for e in log if e.kind == "workbook"]
    assert books == [("dry_run", None, None)] * 2 + [("import", False, "import_failed"), ("import", None, None)]
    assert sum(e.action == "refused" and e.actor == "yuexiu" for e in log) == 2


def coverage(desk: TestClient) -> dict[str, Any]:
    rows = desk.get("/v1/coverage?level=district").json()["rows"]
    found: dict[str, Any] = next(row for row in rows if row["code"] == "440106")
    return found


def test_an_export_comes_back_unchanged_and_an_edit_is_that_edit(
    desk: TestClient, tianhe: Headers, places: list[tuple[float, float]]
) -> None:
    lng, lat = places[40]
    tricky = {
        "code": "RT-01", "name": "=1+1 站", "type": "park", "host_kind": "other", "status": "open", "lng": lng,
        "lat": lat, "crs": "wgs84", "address": "+广州", "notes": "-一\n@二\n😀", "phone": "0012", "seats": 30,
        "contractor_organisations": ["甲、乙校", "丙校"], "target_groups": ["women", "disabled"],
        "hour_exceptions": [
            {"date": "2026-02-17", "hours": None, "note": "春节"},
            {"date": "2026-02-28", "hours": "09:00-12:00", "note": None},
        ],
        "published_rules": "长" * 3000, "signage_met": False, "opened_on": "2026-01-05", "staff_count": 0,
    }  # fmt: skip
    made = desk.post("/v1/ledger/stations", json={"record": tricky}, headers=tianhe)
    assert made.status_code == 201, made.text
    exported = desk.get("/v1/ledger/workbook.xlsx", headers=tianhe).content
    again = send(desk, tianhe, exported)
    sheet = again.json()["sheets"][0]
    assert again.status_code == 200 and sheet["unchanged"] > 30, again.text[:2000]
    assert (sheet["added"], sheet["changed"], sheet["faulty"]) == (0, 0, 0)

    book = opened(exported)
    line = next(row[0].row for row in book["站点"].iter_rows(min_row=2) if row[0].value == "RT-01")
    assert cell_of(book, "站点", "名称", line).data_type == "s"  # a text, never a formula
    cell_of(book, "站点", "座位数", line).value = 77
    edited = send(desk, tianhe, saved(book), dry_run=True).json()["sheets"][0]
    assert edited["changed"] == 1 and edited["unchanged"] == sheet["unchanged"] - 1
    assert [(c["field"], c["old"], c["new"]) for c in edited["rows"][0]["changes"]] == [("seats", 30, 77)]

    # somebody else edits meanwhile: another field merges, the same one is a conflict
    change = {"version": 1, "changes": {"phone": "020-9"}}
    assert desk.post("/v1/ledger/stations/RT-01/changes", json=change, headers=tianhe).status_code == 200
    merged = send(desk, tianhe, saved(book))
    assert merged.status_code == 200 and merged.json()["written"]
    record = desk.get("/v1/ledger/stations/RT-01", headers=tianhe).json()["record"]
    assert (record["seats"], record["phone"]) == (77, "020-9")
    cell_of(book, "站点", "座位数", line).value = 88
    stale = send(desk, tianhe, saved(book))
    assert stale.status_code == 409 and stale.json()["code"] == "stale_version"
    shown = send(desk, tianhe, saved(book), dry_run=True, format="xlsx").content
    assert cell_of(book, "站点", "座位数", line).coordinate in marked_cells(shown, "站点")


def test_training_lines_come_in_and_go_out(desk: TestClient, tianhe: Headers, place: Engine) -> None:
    with place.connect() as connection:
        codes = list(
            connection.scalars(
                text("SELECT code FROM stations WHERE district_code = '440106' AND opened_on < '2026-11-01' LIMIT 4")
            )
        )
    line = {"季度": "2026q4", "培训内容": "专项", "面向群体": "women", "班次": "２", "学时": 4.5}
    rows = [{"站点编号": code, "人次": 40 + k, **line} for k, code in enumerate(codes)]
    done = send(desk, tianhe, fill(template(desk, tianhe), "培训台账", rows))
    assert done.status_code == 200, done.text
    sheets = {sheet["kind"]: sheet for sheet in done.json()["sheets"]}
    assert sheets["training"]["added"] == 4
    exported = desk.get("/v1/ledger/workbook.xlsx?sheet=training&quarter=2026Q4", headers=tianhe).content
    book = opened(exported)
    assert send(desk, tianhe, exported).json()["sheets"][0]["unchanged"] == 4
    cell_of(book, "培训台账", "人次", 2).value = 99
    changed = send(desk, tianhe, saved(book)).json()["sheets"][0]
    assert (changed["changed"], changed["unchanged"]) == (1, 3)
    assert changed["rows"][0]["changes"][0]["new"] == 99


def test_one_workbook_is_imported_once(desk: TestClient, tianhe: Headers, places: list[tuple[float, float]]) -> None:
    data = fill(template(desk, tianhe), "站点", [station_row("ID-01", *places[41])])
    headers = {**tianhe, "Idempotency-Key": "book-1"}
    first, second = send(desk, headers, data), send(desk, headers, data)
    assert first.json() == second.json() and second.headers["idempotency-replayed"] == "true"
    assert send(desk, tianhe, data).status_code == 422  # without the key: the code is there


def book_of(*rows: list[Any], name: str = "Sheet1") -> Workbook:
    book = Workbook()
    page = book.active
    page.title = name
    for row in rows:
        page.append(row)
    return book


HEAD = ["编号", "名称", "站点类型", "载体类型", "状态", "经度", "纬度"]
ROW = ["FR-01", "站", "社区型", "其他", "运营中", 113.33, 23.13]


def faults_of(desk: TestClient, headers: Headers, book: Workbook, **query: Any) -> dict[str, str]:
    answer = send(desk, headers, saved(book), dry_run=True, **query)
    assert answer.status_code == 200, answer.text
    (sheet,) = answer.json()["sheets"]
    told = [*sheet["faults"], *(fault for row in sheet["rows"] for fault in row["faults"])]
    return {fault["cell"]: fault["message"] + (fault["remedy"] or "") for fault in told}


def test_what_officers_do_to_workbooks(desk: TestClient, tianhe: Headers) -> None:
    titled = book_of(["天河区台账"], [], [*HEAD, "我的列", "开站日期"], [*ROW, "x", 45901.0], name="二〇二六")
    answer = send(desk, tianhe, saved(titled), dry_run=True, crs="wgs84").json()["sheets"][0]
    assert (answer["added"], answer["ignored_columns"]) == (1, ["我的列"]), answer
    assert "坐标系" not in str(answer["faults"])

    merged = book_of(HEAD, ROW, ROW)
    merged["Sheet1"].merge_cells("B2:B3")
    assert "合并单元格" in faults_of(desk, tianhe, merged)["B2"]

    renamed = book_of(["编号", "站点的名称叫", "站点类型", "载体类型", "状态", "经度", "纬度"], ROW)
    assert "站点的名称叫" in faults_of(desk, tianhe, renamed)["A1"]

    formula = book_of(HEAD, [*ROW[:5], "=113+0.33", 23.13])
    assert "是公式" in faults_of(desk, tianhe, formula, crs="wgs84")["F2"]

    no_system = book_of(HEAD, ROW)
    assert any("坐标系" in told or "缺少" in told for told in faults_of(desk, tianhe, no_system).values())

    wide = book_of(HEAD, ["ＦＲ－０１", "站", "社区型", "其他", "运营中", "１１３．３３", "２３．１３"])
    assert faults_of(desk, tianhe, wide, crs="wgs84") == {}


def test_stations_come_with_their_training(
    desk: TestClient, tianhe: Headers, places: list[tuple[float, float]]
) -> None:
    """Lines of a station that the same workbook brings are judged with it, in a dry run too, which leaves nothing."""
    line = {
        "站点编号": "ST-01",
        "季度": "2026Q3",
        "培训内容": "专项",
        "面向群体": "women",
        "班次": 1,
        "人次": 9,
        "学时": 4,
    }
    one = fill(template(desk, tianhe), "站点", [station_row("ST-01", *places[44])])
    tried = send(desk, tianhe, fill(one, "培训台账", [line]), dry_run=True)
    assert [sheet["added"] for sheet in tried.json()["sheets"]] == [1, 1], tried.text
    assert desk.get("/v1/ledger/stations/ST-01", headers=tianhe).status_code == 404
    wrong = send(desk, tianhe, fill(one, "培训台账", [{**line, "人次": -1}]))
    assert wrong.status_code == 422
    assert desk.get("/v1/ledger/stations/ST-01", headers=tianhe).status_code == 404
    done = send(desk, tianhe, fill(one, "培训台账", [line]))
    assert done.json()["written"] and [sheet["added"] for sheet in done.json()["sheets"]] == [1, 1]
    assert desk.get("/v1/ledger/stations/ST-01", headers=tianhe).status_code == 200


def test_a_checked_workbook_is_mended_and_checked_again(
    desk: TestClient, tianhe: Headers, places: list[tuple[float, float]]
) -> None:
    """The marks of the first check are gone where the cells are mended; notes of the officer and his colours stay."""
    rows = [station_row("MK-01", *places[45], 座位数="三十", 备注="=1+1"), station_row("MK-02", *places[46], 批次=9)]
    book = opened(fill(template(desk, tianhe), "站点", rows))
    seats, batch = cell_of(book, "站点", "座位数", 2), cell_of(book, "站点", "批次", 3)
    seats.comment = Comment("问过了", "李")
    name = cell_of(book, "站点", "名称", 2)
    name.fill = PatternFill("solid", start_color="FF00B050")
    cell_of(book, "站点", "备注", 2).data_type = "s"
    first = send(desk, tianhe, saved(book), dry_run=True, format="xlsx").content
    assert marked_cells(first, "站点") == {seats.coordinate, batch.coordinate}
    book = opened(first)
    assert cell_of(book, "站点", "座位数", 2).comment.text.startswith("问过了")
    assert cell_of(book, "站点", "备注", 2).data_type == "s"
    cell_of(book, "站点", "批次", 3).value = 2
    second = send(desk, tianhe, saved(book), dry_run=True, format="xlsx").content
    assert marked_cells(second, "站点") == {seats.coordinate}
    book = opened(second)
    assert cell_of(book, "站点", "名称", 2).fill.start_color.rgb == "FF00B050"
    assert [cell.value for cell in book["站点"][1]].count("结果") == 1
    assert [cell_of(book, "站点", "结果", line).value for line in (2, 3)] == ["有误", "新增"]


def test_odd_cells_are_faults_and_can_be_marked(desk: TestClient, tianhe: Headers) -> None:
    """Merged cells, control characters and numbers beyond all measure."""
    book = book_of(
        [*HEAD, "座位数", "版本"], [*ROW[:5], 113.33, 23.13, 1e300, 1e18], [*ROW[:5], 1e300, -1e300, 1, None]
    )
    book["Sheet1"]["A3"] = "FR-02"
    book["Sheet1"]["C2"] = "社_x0007_区"
    book["Sheet1"].merge_cells("B2:B3")
    told = faults_of(desk, tianhe, book, crs="wgs84")
    assert {"B2", "B3", "C2"} <= set(told), told
    answer = send(desk, tianhe, saved(book), dry_run=True, format="xlsx", crs="wgs84")
    assert answer.status_code == 200 and {"B2", "C2"} <= marked_cells(answer.content, "Sheet1")
    head = ["站点编号", "季度", "培训内容", "面向群体", "班次", "人次", "学时", "取证人数", "备注"]
    lines = book_of(head, ["X", "2026Q3", "专项", "women", 1e300, 1e12, 1e300, -1, None])
    assert {"E2", "F2", "G2", "H2"} <= set(faults_of(desk, tianhe, lines))


def packed(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_x", ".x"), content)
    return out.getvalue()


@pytest.mark.parametrize("content", [
    b"", b"%PDF-1.7 ...", b"a,b\n1,2\n", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, b"PK\x03\x04 broken",
    packed(readme_xml=b"<a/>"),
])  # fmt: skip
def test_other_files_are_refused(desk: TestClient, tianhe: Headers, content: bytes) -> None:
    answer = send(desk, tianhe, content, dry_run=True)
    assert answer.status_code == 422 and answer.json()["code"] == "file_unreadable", answer.text
    assert answer.json()["errors"][0]["remedy"]


def damaged(good: bytes, name: str, content: bytes) -> bytes:
    """A workbook one part of which is replaced or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for item in source.infolist():
            if item.filename != name:
                target.writestr(item, source.read(item))
        target.writestr(name, content)
    return out.getvalue()


def test_harmful_workbooks_are_refused(desk: TestClient, tianhe: Headers) -> None:
    good = saved(book_of(HEAD, ROW))
    bomb = damaged(good, "xl/media/image1.bin", b"\0" * 260_000_000)
    assert len(bomb) < 2_000_000
    entity = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><sst/>'
    for content in (
        bomb, damaged(good, "xl/sharedStrings.xml", entity), damaged(good, "xl/vbaProject.bin", b"x"),
        damaged(good, "xl/workbook.xml", b"<workbook"), good[: len(good) // 2],
    ):  # fmt: skip
        answer = send(desk, tianhe, content)
        assert answer.status_code == 422 and answer.json()["code"] == "file_unreadable", answer.text
    large = desk.post(IMPORTS, content=b"x" * 20_000_001, headers={**tianhe, "Content-Type": XLSX})
    assert large.status_code == 413
    elsewhere = desk.post("/v1/ledger/courses", content=b"x" * 2_000_001, headers=tianhe)
    assert elsewhere.status_code == 413


def test_a_form_can_bring_it(desk: TestClient, tianhe: Headers) -> None:
    data = saved(book_of(HEAD, ROW))
    answer = desk.post(f"{IMPORTS}?dry_run=true&crs=wgs84", files={"file": ("a.xlsx", data, XLSX)}, headers=tianhe)
    assert answer.status_code == 200 and answer.json()["sheets"][0]["added"] == 1, answer.text
    none = desk.post(f"{IMPORTS}?dry_run=true", files={"other": ("a.xlsx", data, XLSX)}, headers=tianhe)
    assert none.status_code == 422 and none.json()["errors"][0]["field"] == "file"


def test_the_template_helps(desk: TestClient, tianhe: Headers) -> None:
    book = opened(template(desk, tianhe))
    assert book.sheetnames == ["说明", "代码表", "站点", "培训台账"]
    page = book["站点"]
    assert page.protection.sheet and page["A1"].protection.locked and page["A1"].comment is not None
    lists = {v.formula1 for v in page.data_validations.dataValidation if v.type == "list"}
    assert len(lists) >= 6 and all("代码表" in one for one in lists)
    assert any(v.type == "date" and v.formula1 for v in page.data_validations.dataValidation)
    unlocked = page.column_dimensions["A"]
    assert unlocked.protection.locked is False
    assert cell_of(book, "站点", "版本", 1).protection.locked
