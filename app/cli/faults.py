"""From an exception to what a person reads: what happened, to which value, and what to do; Chinese first."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from app.errors import DomainError, ErrorItem


def report(fault: BaseException) -> int:
    """Print the fault to standard error; the exit code of the command."""
    if isinstance(fault, KeyboardInterrupt):
        print_lines(["已中断,未完成的改动已撤销。", "Interrupted; what was not finished has been rolled back."])
        return 130
    if isinstance(fault, DomainError):
        print_domain_error(fault)
        return 1
    known = explain(fault)
    if known is not None:
        print_lines([f"✗ {known[0]}", f"  {known[1]}"])
        return 1
    log = write_traceback(fault)
    what = f"{type(fault).__name__}: {fault}".splitlines()[0]
    print_lines(
        [
            f"✗ 程序内部出错:{what}",
            f"  An unexpected error: {what}",
            f"  详情(请在报告问题时附上) · details, to be sent along with a report: {log}",
        ]
    )
    return 1


def print_domain_error(fault: DomainError) -> None:
    lines = [f"✗ {fault.title_zh} · {fault.title_en} [{fault.code}]", *indented(fault.message_zh)]
    lines += indented(fault.message_en)
    for item in fault.errors:
        lines += item_lines(item)
    print_lines(lines)


def item_lines(item: ErrorItem) -> list[str]:
    """One fault in one or two lines: field = value: what; → what to do."""
    value = "" if item.value is None else f" = {item.value}"
    lines = [f"  · {item.field}{value}:{item.message_zh} · {item.message_en}"]
    if item.remedy_zh:
        lines.append(f"    → {item.remedy_zh}")
    if item.remedy_en:
        lines.append(f"    → {item.remedy_en}")
    return lines


def indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]


def print_lines(lines: list[str]) -> None:
    """To standard error, red first line where it is a terminal; a terminal without UTF-8 gets escapes, not a crash."""
    stream = sys.stderr
    encoding = stream.encoding or "utf-8"
    texts = [line.encode(encoding, "backslashreplace").decode(encoding) for line in lines]
    if stream.isatty() and not os.environ.get("NO_COLOR"):
        texts[0] = f"\x1b[1;31m{texts[0]}\x1b[0m"
    print("\n".join(texts), file=stream, flush=True)


DISK_FULL = (
    "磁盘空间已满。未完成的改动已撤销;请腾出空间后重试。",
    "The disk is full. What was not finished has been rolled back; make room and try again.",
)
FULL_BYTES = 20_000_000  # less than one segment of the server's log and a little


def home_is_full() -> bool:
    """Is there no room left where the state lies?"""
    try:
        return shutil.disk_usage(os.environ.get("SKILLSMAP_HOME", ".")).free < FULL_BYTES
    except OSError:
        return False


def explain(fault: BaseException) -> tuple[str, str] | None:
    """The two texts for the faults of the machine that everybody meets one day; None for all others."""
    for cause in causes(fault):
        name = f"{type(cause).__module__}.{type(cause).__name__}"
        if (isinstance(cause, OSError) and cause.errno == errno.ENOSPC) or name == "psycopg.errors.DiskFull":
            return (
                f"磁盘空间已满:{cause}。未完成的改动已撤销;请腾出空间后重试。",
                DISK_FULL[1],
            )
        if name == "psycopg.errors.InsufficientPrivilege":
            return (
                f"数据库用户权限不足:{first_line(cause)}。请让数据库管理员授予该用户建表和写入的权限。",
                f"The database user lacks a permission: {first_line(cause)}. "
                "Ask the administrator to let it create and write tables.",
            )
        if isinstance(cause, MemoryError):
            return (
                "内存不足。请关闭其他程序,或换用内存更大的机器。",
                "Out of memory. Close other programs, or use a bigger machine.",
            )
        if name in ("psycopg.OperationalError", "psycopg.errors.AdminShutdown", "psycopg.errors.CrashShutdown"):
            if home_is_full():  # a private server that cannot write its log ends at once, without a last word
                return DISK_FULL
            return (
                f"与数据库的连接中断:{first_line(cause)}。未完成的改动已撤销;确认数据库在运行后重试即可。",
                f"The connection to the database was lost: {first_line(cause)}. What was not finished has been "
                "rolled back; see that the database runs and try again.",
            )
        if isinstance(cause, PermissionError) and cause.filename:
            return (
                f"没有权限访问 {cause.filename}。请改正文件权限后重试。",
                f"No permission for {cause.filename}. Correct its permissions and try again.",
            )
    return None


def causes(fault: BaseException) -> Iterator[BaseException]:
    """The exception and everything it was raised from, SQLAlchemy's ``orig`` included."""
    seen: set[int] = set()
    queue: list[BaseException | None] = [fault]
    while queue:
        current = queue.pop(0)
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        queue += [getattr(current, "orig", None), current.__cause__, current.__context__]


def first_line(fault: BaseException) -> str:
    return (str(fault).splitlines() or [type(fault).__name__])[0].strip()


def write_traceback(fault: BaseException) -> Path | str:
    """Append the traceback to ``logs/errors.log`` of the home, or print it where that is not possible."""
    text = "".join(traceback.format_exception(fault))
    log = Path(os.environ.get("SKILLSMAP_HOME", ".")) / "logs" / "errors.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write(f"--- {datetime.now(UTC).isoformat()} {sys.argv}\n{text}\n")
    except OSError:
        print(text, file=sys.stderr)
        return "stderr"
    return log
