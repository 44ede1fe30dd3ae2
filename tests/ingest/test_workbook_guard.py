"""Files that would harm whoever opens them are refused before they are opened."""

from __future__ import annotations

import io
import zipfile

import pytest
from openpyxl import Workbook

from app.errors import FileUnreadable
from app.ingest.workbook_guard import check_workbook
from app.ingest.workbook_reading import cell_name, column_number, read_workbook
from tests.support.workbooks import saved

SHEET = "xl/worksheets/sheet1.xml"
HEAD = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
END = b"</sheetData></worksheet>"


def good() -> bytes:
    book = Workbook()
    book.active.append(["编号", "名称", 3, None, "=1+1"])
    return saved(book)


def with_part(name: str, content: bytes, whole: bytes | None = None) -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(whole or good())) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for item in source.infolist():
            if item.filename != name:
                target.writestr(item, source.read(item))
        target.writestr(name, content)
    return out.getvalue()


def refusal(data: bytes) -> str:
    with pytest.raises(FileUnreadable) as refused:
        check_workbook(data)
    assert refused.value.errors[0].remedy_zh
    return refused.value.message_en


def test_a_plain_workbook_passes_and_its_formula_is_seen() -> None:
    (sheet,) = read_workbook(good())
    assert sheet.rows[0][:3] == ["编号", "名称", 3.0] and sheet.formulas == {(1, 5)}


def test_a_cell_far_away_does_not_take_all_memory() -> None:
    far = HEAD + b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>' + END
    assert "row 1048576, column 16384" in refusal(with_part(SHEET, far))
    styled = HEAD + b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576" s="0"/></row>' + END
    assert read_workbook(with_part(SHEET, styled))[0].rows == [[1.0]]  # a column that is coloured to its end


@pytest.mark.parametrize("cell", [
    b"<c><v>1</v></c>", b'<c r="&#65;1"><v>1</v></c>', b'<c a=">" r="XFD1"><v>1</v></c>', b'<c r = "A1"><v>1</v></c>',
    b'<c xr="A1"><v>1</v></c>', b'<!-- <c --><c r="A1"><v>1</v></c>',
])  # fmt: skip
def test_cells_must_say_where_they_are(cell: bytes) -> None:
    assert "without their names" in refusal(with_part(SHEET, HEAD + b'<row r="1048576">' + cell + b"</row>" + END))


@pytest.mark.parametrize("end", [b">", b"", b"/>"])
@pytest.mark.parametrize("attribute", [b' r="A1"', b' t="s"', b" r", b" "])
def test_a_long_tag_costs_no_more_than_its_length(attribute: bytes, end: bytes) -> None:
    """With the square of its length this would take hours."""
    cell = b'<row r="1"><c r="A1"' + attribute * 400_000 + end
    with pytest.raises(FileUnreadable):
        read_workbook(with_part(SHEET, HEAD + cell + b"</row>" + END))


def test_one_long_text_in_many_cells_is_counted_for_each() -> None:
    cells = b"".join(b'<row r="%d"><c r="A%d" t="s"><v>0</v></c></row>' % (k, k) for k in range(1, 2_001))
    texts = b"<sst><si><t>" + b"x" * 200_000 + b"</t></si></sst>"
    book = with_part("xl/sharedStrings.xml", texts, with_part(SHEET, HEAD + cells + END))
    assert "texts come to more" in refusal(book)


@pytest.mark.parametrize("content", [
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a/>', b" " * (1 << 20) + b"<!ENTITY b 'c'>",
    b" " * ((1 << 20) - 4) + b"<!DOCTYPE a>", '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a>'.encode("utf-16"),
    '<?xml version="1.0" encoding="UTF-16BE"?><!DOCTYPE a>'.encode("utf-16-be"),
])  # fmt: skip
def test_declarations_are_found_wherever_they_stand(content: bytes) -> None:
    assert "XML" in refusal(with_part("xl/styles.xml", content))


@pytest.mark.parametrize("name", ["xl/workbook.bin", "content.xml", "xl/vbaProject.bin"])
def test_parts_of_other_kinds_of_file_are_refused(name: str) -> None:
    refusal(with_part(name, b"x"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_part_that_is_there_twice_is_refused() -> None:
    data = io.BytesIO(good())
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr(SHEET, HEAD + END)
    assert "ambiguous" in refusal(data.getvalue())


def test_every_cut_of_a_workbook_is_refused() -> None:
    whole = good()
    for length in range(0, len(whole), 97):
        refusal(whole[:length])


def test_names_of_cells() -> None:
    assert [column_number(name) for name in ("A", "Z", "AA", "XFD")] == [1, 26, 27, 16384]
    assert [cell_name(7, column) for column in (1, 26, 27, 16384)] == ["A7", "Z7", "AA7", "XFD7"]
