"""Files before their format matters: is it there, what is its hash, how is its text encoded."""

from __future__ import annotations

import hashlib
from pathlib import Path

from app.errors import ErrorItem, FileUnreadable

CHUNK_BYTES = 1 << 20
SAMPLE_BYTES = 1 << 22


def unreadable(
    path: Path, message_zh: str, message_en: str, *, remedy_zh: str, remedy_en: str, field: str | None = None
) -> FileUnreadable:
    """The error for a file that cannot be taken in, with what to do about it."""
    return FileUnreadable(
        f"无法读取 {path.name}:{message_zh}。",
        f"{path.name} cannot be read: {message_en}.",
        errors=[
            ErrorItem(
                field or "FILE", message_zh, message_en, value=path.name, remedy_zh=remedy_zh, remedy_en=remedy_en
            )
        ],
    )


def check_file(path: Path) -> None:
    """Raises FileUnreadable when there is no such file, it is a folder, it is empty, or may not be read."""
    if not path.exists():
        raise unreadable(
            path, f"文件不存在({path})", f"there is no such file ({path})",
            remedy_zh="检查路径与文件名", remedy_en="check the path and the name",
        )  # fmt: skip
    if path.is_dir():
        raise unreadable(
            path, "这是一个文件夹", "it is a folder",
            remedy_zh="给出其中的文件", remedy_en="name the file inside it",
        )  # fmt: skip
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as fault:
        raise unreadable(
            path, f"系统报告:{fault.strerror}", f"the system says: {fault.strerror}",
            remedy_zh="检查文件权限与磁盘", remedy_en="check the permissions of the file and the disk",
        ) from fault  # fmt: skip
    if empty:
        raise unreadable(
            path, "文件是空的(0 字节)", "it is empty (0 bytes)",
            remedy_zh="下载或导出可能没有完成,请重做", remedy_en="its download or export may have failed: repeat it",
        )  # fmt: skip


def sha256_of(path: Path) -> str:
    """The hash of a file, in hexadecimal. A Shapefile is the sum of its parts: see ``vectors.sidecars``."""
    return sha256_of_all([path])


def sha256_of_all(paths: list[Path]) -> str:
    """One hash over the content of several files, in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()


def text_encoding(path: Path) -> str:
    """``utf-8-sig``, ``utf-16`` or ``gb18030`` (which contains GBK), whichever the whole file is valid in.

    Raises FileUnreadable when it is text in none of them.
    """
    with path.open("rb") as file:
        start = file.read(4)
    marked = start[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ["utf-16"] if marked else ["utf-8-sig", "gb18030"]:
        if _is_text(path, encoding):
            return encoding
    raise unreadable(
        path, "不是 UTF-8 或 GBK 编码的文本", "it is not text in UTF-8 or GBK",
        remedy_zh="另存为“CSV UTF-8”后再导入", remedy_en="save it as “CSV UTF-8” and import that",
    )  # fmt: skip


def _is_text(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding) as file:
            while chunk := file.read(CHUNK_BYTES):
                if "\x00" in chunk:
                    return False
    except UnicodeError:
        return False
    return True
