"""Why a job failed, as it is kept: in both languages, without what only its log may hold."""

from __future__ import annotations

from typing import Any

from app.errors import DomainError, JobFailed, JobInterrupted

LONGEST_VALUE = 200
MOST_ITEMS = 50


def unforeseen() -> JobFailed:
    return JobFailed(
        "任务内部出错,已记录。报告问题时请附上任务编号。",
        "Something went wrong inside the job, and was logged. Please quote the job's id when you report it.",
    )


def interrupted(times: int) -> JobInterrupted:
    return JobInterrupted(
        f"任务运行了 {times} 次,每次都中断(进程被终止、内存不足或数据库连接中断),不再重试。可缩小问题后重新提交。",
        f"The job was begun {times} times and broke off each time (its process ended, memory ran out, or the database "
        "was lost). It is not tried again; ask for something smaller, or start it anew.",
    )


def told(fault: DomainError) -> dict[str, Any]:
    """A fault as the job keeps it."""
    return {
        "code": fault.code,
        "status": fault.status,
        "title": [fault.title_zh, fault.title_en],
        "detail": [fault.message_zh, fault.message_en],
        "errors": [
            {
                "field": item.field,
                "value": None if item.value is None else item.value[:LONGEST_VALUE],
                "message": [item.message_zh, item.message_en],
                "remedy": [item.remedy_zh, item.remedy_en],
            }
            for item in fault.errors[:MOST_ITEMS]
        ],
    }
