"""Accounts and the audit log."""

from __future__ import annotations

from app.models.vocabularies.base import Vocabulary


class Role(Vocabulary):
    """What a user may do inside the scope of the account, each more than the one before."""

    VIEWER = "viewer", "查看人员", "Viewer"
    TOWN_OFFICER = "town_officer", "镇街经办", "Town officer"
    DISTRICT_OFFICER = "district_officer", "区级经办", "District officer"
    CITY_OFFICER = "city_officer", "市级经办", "City officer"
    ADMINISTRATOR = "administrator", "系统管理员", "Administrator"

    @property
    def rank(self) -> int:
        return list(Role).index(self)


class Channel(Vocabulary):
    """How a write came in."""

    SESSION = "session", "登录会话", "Signed in"
    TOKEN = "token", "接口令牌", "API token"
    COMMAND = "command", "命令行", "Command line"
    PUBLIC = "public", "公众", "The public"
    SYSTEM = "system", "系统", "The system"
    DATABASE = "database", "直接改库", "Straight in the database"


class AuditAction(Vocabulary):
    INSERT = "insert", "新增", "Added"
    UPDATE = "update", "修改", "Changed"
    DELETE = "delete", "删除", "Removed"
    SIGN_IN = "sign_in", "登录", "Signed in"
    SIGN_IN_FAILED = "sign_in_failed", "登录失败", "Failed to sign in"
    SIGN_OUT = "sign_out", "退出", "Signed out"
    LOCKED_OUT = "locked_out", "锁定", "Locked out"
    REFUSED = "refused", "越权被拒", "Refused"
    EXPORT = "export", "导出", "Exported"
    IMPORT = "import", "导入", "Imported"
    DRY_RUN = "dry_run", "试导入", "Tried an import"
    START_JOB = "start_job", "启动任务", "Started a job"
    CANCEL_JOB = "cancel_job", "取消任务", "Cancelled a job"
