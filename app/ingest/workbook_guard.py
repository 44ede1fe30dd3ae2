"""Is this a workbook that can be opened without harm? Asked of the bytes, before any parser sees them.

A small file can unpack to gigabytes, and XML can name entities that grow without bound: everything is unpacked once,
counted, and looked through in pieces, up to a limit. Parsers hold a sheet as a full rectangle, and a text once for each
cell that names it: how far the cells reach, how many they are and how much text they come to is limited as well.
"""

from __future__ import annotations

import io
import re
import zipfile

from app.errors import ErrorItem, FileUnreadable

LARGEST_BYTES = 20_000_000
LARGEST_UNPACKED_BYTES = 150_000_000
MOST_PARTS = 2_000
PIECE_BYTES = 1 << 20
OF_OTHER_KINDS = {"xl/workbook.bin", "content.xml"}  # a parser might take it for .xlsb or .ods
FORBIDDEN = (b"<!DOCTYPE", b"<!ENTITY")
OVERLAP = 64  # bytes of a piece that are looked at again with the next: longer than anything looked for
NOT_UTF8 = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")  # XML in which the forbidden words would look different
MOST_CELLS = 5_000_000  # within the rectangle of one sheet
MOST_TEXT_BYTES = 300_000_000  # of all cells together
# a tag is matched first, and looked into afterwards: one expression for both takes the square of its length
CELL = re.compile(rb"<(?:\w+:)?c(?=[\s/>])([^<>]*)>")
LONGEST_TAG = 400
REFERENCE = re.compile(rb"""\sr=["']([A-Z]{1,3})([0-9]{1,7})["']""")
NAMES_TEXT = re.compile(rb"""\st\s*=\s*["']\s*s\s*["']""")
VALUE = re.compile(rb"\s*<(?:\w+:)?v>\s*([0-9]{1,9})")
SHEET_DATA = re.compile(rb"<(?:\w+:)?sheetData[\s/>]")
END_OF_TEXT = re.compile(rb"</(?:\w+:)?si>|<(?:\w+:)?si\s*/>")
SAVE_ANEW = (
    "用 Excel 或 WPS 另存为 .xlsx(不加密码、不含宏)后重试",
    "save it as .xlsx without password and macros, and try again",
)


def check_workbook(data: bytes) -> None:
    """Raises FileUnreadable, saying what it is instead and what to do, unless it is an .xlsx of bearable size."""
    if not data:
        raise _refused("文件是空的", "the file is empty")
    if data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise _refused("是加密的工作簿或旧的 .xls", "it has a password or is an old .xls")
    if data[:5] == b"%PDF-":
        raise _refused("是 PDF,不是工作簿", "it is a PDF, not a workbook")
    if data[:4] != b"PK\x03\x04":
        raise _refused("不是 .xlsx 工作簿", "it is no .xlsx workbook")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_parts(archive)
            _check_cells(archive)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, OSError, ValueError) as fault:
        raise _refused(f"文件不完整或已损坏({type(fault).__name__})", f"it is cut off or damaged ({fault})") from fault
    except RuntimeError as fault:  # zipfile's word for a part with a password
        raise _refused("文件加了密码", "it has a password") from fault
    except Exception as fault:  # zlib.error, which has no public base
        if type(fault).__module__ != "zlib":
            raise
        raise _refused("文件已损坏", f"it is damaged ({fault})") from fault


def _check_parts(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    names = {part.filename for part in parts}
    if len(parts) > MOST_PARTS:
        raise _refused(
            f"含有 {len(parts)} 个部分,超过 {MOST_PARTS}", f"it has {len(parts)} parts, more than {MOST_PARTS}"
        )
    if "xl/workbook.xml" not in names or "[Content_Types].xml" not in names:
        raise _refused("是压缩包,不是 .xlsx 工作簿", "it is an archive, but no .xlsx workbook")
    if len(names) < len(parts) or names & OF_OTHER_KINDS:
        raise _refused("文件构成混乱", "its parts are ambiguous")
    if any(name.endswith("vbaProject.bin") for name in names):
        raise _refused("含有宏", "it has macros")
    left = LARGEST_UNPACKED_BYTES
    for part in parts:
        with archive.open(part) as stream:
            end = b""
            while piece := stream.read(PIECE_BYTES):
                if not end and piece[:2] in NOT_UTF8:
                    raise _refused("XML 不是 UTF-8", "it has XML that is not UTF-8")
                left -= len(piece)
                if left < 0:
                    raise _refused("解压后过大", "it unpacks to more than can be read")
                if any(word in end + piece for word in FORBIDDEN):
                    raise _refused("含有不允许的 XML 声明", "it has XML declarations that are not allowed")
                end = piece[-OVERLAP:]


def _check_cells(archive: zipfile.ZipFile) -> None:
    """No sheet reaches too far, and their texts come to a bearable size."""
    lengths = [len(piece) for piece in END_OF_TEXT.split(_part(archive, "xl/sharedStrings.xml"))]
    texts = 0
    for part in archive.infolist():
        xml = archive.read(part)
        if not SHEET_DATA.search(xml):
            continue
        rows = columns = 0
        if b"<!" in xml:  # a comment could hide what is counted here
            raise _refused("XML 中有注释", "it has cells without their names, or comments in its XML")
        for cell in CELL.finditer(xml):
            place = REFERENCE.search(cell[1]) if len(cell[1]) <= LONGEST_TAG else None
            if place is None:
                raise _refused("有的单元格没有位置", "it has cells without their names")
            if cell[1].endswith(b"/"):
                continue
            rows, columns = max(rows, int(place[2])), max(columns, column_number(place[1].decode()))
            named = VALUE.match(xml, cell.end()) if NAMES_TEXT.search(cell[1]) else None
            if named is not None and int(named[1]) < len(lengths):
                texts += lengths[int(named[1])]
        if rows * columns > MOST_CELLS:
            raise _refused(
                f"数据伸展到第 {rows} 行、第 {columns} 列", f"its cells reach to row {rows}, column {columns}"
            )
        if texts > MOST_TEXT_BYTES:
            raise _refused("文字过多", "its texts come to more than can be read")


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    return archive.read(name) if name in archive.namelist() else b""


def column_number(letters: str) -> int:
    """1 for A, 27 for AA."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _refused(zh: str, en: str) -> FileUnreadable:
    item = ErrorItem("file", zh, en, remedy_zh=SAVE_ANEW[0], remedy_en=SAVE_ANEW[1])
    return FileUnreadable(f"工作簿无法读取:{zh}。", f"The workbook cannot be read: {en}.", errors=[item])
