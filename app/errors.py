"""The one error tree of the project.

DomainError
├── InvalidInput            422  a value is wrong: field, value and remedy are named
│   ├── CrsRequired         422  a coordinate came without its coordinate system
│   ├── CoordinateInvalid   422  not a number, out of range, or swapped
│   └── UnknownParameter    422  a query parameter that the call does not have
├── NotFound                404  a code that is not in the database
│   └── LevelNotLoaded      404  no areas of that level are loaded
├── Conflict                409  the state of the data does not allow it
│   ├── StaleVersion        409  somebody else has changed it since it was read
│   ├── ReportLocked        409  the figures belong to a report that is submitted or accepted
│   ├── KeyReused           409  an idempotency key that came with another request before
│   ├── SessionFull         409  no seat is left, nor a place on the waiting list where one was asked for
│   ├── AlreadySignedUp     409  the same person for the same session
│   └── JobFinished         409  a job that is over cannot be cancelled
├── Unauthenticated         401  no sign-in
│   ├── InvalidCredentials  401  no such account, another password, or a disabled account: which is not told
│   ├── TokenExpired        401  an access token, refresh token or API token whose time is over
│   ├── TokenInvalid        401  forged, mutilated, revoked, or of another service
│   └── SessionEnded        401  signed out, replaced, or ended by an administrator
├── Forbidden               403  signed in, but not allowed
│   └── OutOfScope          403  it lies outside of the account's area
├── TooManyRequests         429  too often: failed sign-ins, ratings, complaints
│   └── LockedOut           429  an account after several wrong passwords in a row
├── Refused                 422  understood, but it has no meaningful answer
│   ├── NotWalkable         422  a position with no walkable street within the snapping limit
│   └── RulesConflict       422  rules of siting that cannot hold together: which, is told
├── NotReady                503  nothing loaded yet, or a snapshot still being built
└── ImportFailed            422  a file could not be taken in; carries the row-level report
    └── FileUnreadable      422  truncated, of another format, or in another encoding

``DatabaseUnavailable`` (503) stands beside them for a database that cannot be reached; ``JobFailed`` and
``JobInterrupted`` are never answers, but what jobs that went wrong have as their problem.
Every error has a stable ``code`` (never translated), a Chinese and an English text,
and a list of ``ErrorItem`` that name field, value and remedy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class ErrorItem:
    """One fault: which field (or ``row 7, column lng``), which value, and what to do about it."""

    field: str
    message_zh: str
    message_en: str
    value: str | None = None
    remedy_zh: str | None = None
    remedy_en: str | None = None


class DomainError(Exception):
    """Base of every error that this project raises on purpose."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    title_zh: ClassVar[str] = "出错了"
    title_en: ClassVar[str] = "Error"

    def __init__(self, message_zh: str, message_en: str, *, errors: Sequence[ErrorItem] = ()) -> None:
        super().__init__(message_en)
        self.message_zh = message_zh
        self.message_en = message_en
        self.errors = tuple(errors)


class InvalidInput(DomainError):
    code = "invalid_input"
    status = 422
    title_zh = "输入有误"
    title_en = "Invalid input"


class CrsRequired(InvalidInput):
    code = "crs_required"
    title_zh = "必须注明坐标系"
    title_en = "Coordinate system required"


class CoordinateInvalid(InvalidInput):
    code = "coordinate_invalid"
    title_zh = "坐标有误"
    title_en = "Invalid coordinate"


class UnknownParameter(InvalidInput):
    code = "unknown_parameter"
    title_zh = "未知参数"
    title_en = "Unknown parameter"


class NotFound(DomainError):
    code = "not_found"
    status = 404
    title_zh = "未找到"
    title_en = "Not found"


class LevelNotLoaded(NotFound):
    code = "level_not_loaded"
    title_zh = "尚未导入该级区划"
    title_en = "No areas of this level are loaded"


class Conflict(DomainError):
    code = "conflict"
    status = 409
    title_zh = "数据冲突"
    title_en = "Conflict"


class StaleVersion(Conflict):
    code = "stale_version"
    title_zh = "内容已被他人修改"
    title_en = "Changed by somebody else meanwhile"


class ReportLocked(Conflict):
    code = "report_locked"
    title_zh = "报表已报送或接收"
    title_en = "The report is submitted or accepted"


class KeyReused(Conflict):
    code = "idempotency_key_reused"
    title_zh = "幂等键已用于另一请求"
    title_en = "Idempotency key used before"


class SessionFull(Conflict):
    code = "session_full"
    title_zh = "场次已满"
    title_en = "The session is full"


class AlreadySignedUp(Conflict):
    code = "already_signed_up"
    title_zh = "已经报名"
    title_en = "Signed up already"


class JobFinished(Conflict):
    code = "job_finished"
    title_zh = "任务已结束"
    title_en = "The job is over"


class Unauthenticated(DomainError):
    code = "unauthenticated"
    status = 401
    title_zh = "需要登录"
    title_en = "Sign-in required"


class InvalidCredentials(Unauthenticated):
    code = "invalid_credentials"
    title_zh = "用户名或密码不对"
    title_en = "Wrong username or password"


class TokenExpired(Unauthenticated):
    code = "token_expired"
    title_zh = "令牌已过期"
    title_en = "Token expired"


class TokenInvalid(Unauthenticated):
    code = "token_invalid"
    title_zh = "令牌无效"
    title_en = "Token not valid"


class SessionEnded(Unauthenticated):
    code = "session_ended"
    title_zh = "登录已结束"
    title_en = "The session has ended"


class Forbidden(DomainError):
    code = "forbidden"
    status = 403
    title_zh = "没有权限"
    title_en = "Not allowed"


class OutOfScope(Forbidden):
    code = "out_of_scope"
    title_zh = "超出管辖范围"
    title_en = "Outside of the account's scope"


class TooManyRequests(DomainError):
    """``retry_after_s`` goes into the header ``Retry-After``."""

    code = "too_many_requests"
    status = 429
    title_zh = "请求过于频繁"
    title_en = "Too many requests"

    def __init__(
        self, message_zh: str, message_en: str, *, retry_after_s: int = 60, errors: Sequence[ErrorItem] = ()
    ) -> None:
        super().__init__(message_zh, message_en, errors=errors)
        self.retry_after_s = retry_after_s


class LockedOut(TooManyRequests):
    code = "locked_out"
    title_zh = "账号暂时锁定"
    title_en = "Locked for a while"


class Refused(DomainError):
    code = "refused"
    status = 422
    title_zh = "无法回答"
    title_en = "No meaningful answer"


class NotWalkable(Refused):
    code = "not_walkable"
    title_zh = "该位置附近没有可步行的道路"
    title_en = "No walkable street near this position"


class RulesConflict(Refused):
    code = "rules_conflict"
    title_zh = "条件互相冲突"
    title_en = "The rules are in conflict"


class NotReady(DomainError):
    code = "not_ready"
    status = 503
    title_zh = "服务尚未就绪"
    title_en = "Not ready"


class DatabaseUnavailable(DomainError):
    code = "database_unavailable"
    status = 503
    title_zh = "数据库不可用"
    title_en = "Database unavailable"


class ImportFailed(DomainError):
    code = "import_failed"
    status = 422
    title_zh = "导入失败,未写入任何数据"
    title_en = "Import failed, nothing was written"


class FileUnreadable(ImportFailed):
    code = "file_unreadable"
    title_zh = "文件无法读取"
    title_en = "File unreadable"


class JobFailed(DomainError):
    """Something went wrong inside of a job that nobody foresaw; the log of the worker has it."""

    code = "job_failed"
    title_zh = "任务出错"
    title_en = "The job went wrong"


class JobInterrupted(DomainError):
    """A job broke off again and again: its worker died, or lost the database."""

    code = "job_interrupted"
    title_zh = "任务多次中断"
    title_en = "The job was interrupted again and again"
