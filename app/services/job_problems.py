"""Why a job failed, as it is kept: in both languages, without what only its log may hold."""

from __future__ import annotations

from typing import Any

from app.errors import DomainError

LONGEST_VALUE = 200
MOST_ITEMS = 50


class JobFailed(DomainError):
    """Something went wrong inside of the work that nobody foresaw; the log of the worker has it."""

    code = "job_failed"
    title_zh = "任务出错"
    title_en = "The job went wrong"


class JobInterrupted(DomainError):
    """The work broke off again and again: its worker died, or lost the database."""

    code = "job_interrupted"
    title_zh = "任务多次中断"
    title_en = "The job was interrupted again and again"


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
