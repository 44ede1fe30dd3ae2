"""The audit log in answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from app.api.language import Language
from app.models.vocabularies import AuditAction, Channel, Role, Vocabulary
from app.repositories.audit import EntryRow

MAX_ID = 2**63 - 1
HEADINGS = (
    "编号 id", "时间 at", "操作人 actor", "操作人编号 actor_id", "角色 role", "范围 scope_code",
    "渠道 channel", "来源地址 address", "请求 request_id", "原因 reason", "操作 action", "对象 kind",
    "对象编号 key", "站点 station_code", "区 district_code", "镇街 town_code", "之前 before", "之后 after",
    "数据库用户 database_user",
)  # fmt: skip


class AuditEntryOut(BaseModel):
    """Who did what, when, from where, why; what was before and after. 一条审计记录"""

    id: int = Field(examples=[1201])
    at: datetime = Field(examples=["2026-11-25T02:00:00Z"])
    actor: str = Field(description="用户名 · Username", examples=["tianhe"])
    actor_id: int | None = Field(examples=[3])
    role: str | None = Field(examples=["district_officer"])
    role_title: str | None = Field(examples=["区级经办"])
    scope_code: str | None = Field(examples=["440106"])
    channel: str = Field(examples=["session"])
    channel_title: str = Field(examples=["登录会话"])
    address: str | None = Field(description="来源地址 · Where it came from", examples=["198.51.100.7"])
    request_id: str | None = Field(examples=["9f86d081884c7d65"])
    reason: str | None = Field(examples=["搬迁"])
    action: str = Field(examples=["update"])
    action_title: str = Field(examples=["修改"])
    kind: str = Field(description="对象种类 · What it is about", examples=["station"])
    key: str = Field(examples=["YC440106-001"])
    station_code: str | None = Field(examples=["YC440106-001"])
    district_code: str | None = Field(examples=["440106"])
    town_code: str | None = Field(examples=["440106011"])
    before: dict[str, Any] | None = Field(
        description="修改前(只列改动的)· What changed, before", examples=[{"seats": 30}]
    )
    after: dict[str, Any] | None = Field(description="修改后 · After", examples=[{"seats": 40}])
    database_user: str = Field(examples=["skillsmap"])

    @classmethod
    def of(cls, row: EntryRow, language: Language) -> AuditEntryOut:
        return cls(
            **row.__dict__,
            role_title=None if row.role is None else _title(Role, row.role, language),
            channel_title=_title(Channel, row.channel, language),
            action_title=_title(AuditAction, row.action, language),
        )


class AuditList(BaseModel):
    """A page, newest first."""

    next_cursor: str | None = Field(examples=[None])
    entries: list[AuditEntryOut]


def _title(kind: type[Vocabulary], value: str, language: Language) -> str:
    """The title of a term; the word itself where an older version wrote one that there is no more."""
    try:
        term = kind(value)
    except ValueError:
        return value
    return language.pick(term.title_zh, term.title_en)
