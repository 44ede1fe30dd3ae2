"""Signing up, looking up, cancelling; and what officers see and record."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.api.language import Language
from app.api.schemas.ledger_courses import SessionOut as LedgerSession
from app.api.schemas.ledger_courses import Version
from app.api.schemas.sessions import SessionBrief, local
from app.api.schemas.stations import title
from app.models.vocabularies import SignUpState, TargetGroup
from app.services.attendance import Came, Listed
from app.services.sign_ups import SignUp, Wish

Code = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[0-9A-Za-z \-]+$", examples=["7KQ4RM2ZT9XB"])]
Count = Annotated[int, Field(ge=0, le=100_000)]


class SignUpAsked(BaseModel):
    """Who wants to come. 报名"""

    model_config = ConfigDict(extra="forbid")

    phone: Annotated[str, Field(max_length=200)] = Field(
        description="手机号:加密保存,场次结束后若干天抹去 · Kept encrypted, erased some days after the session",
        examples=["138 0013 8000"],
    )
    group: TargetGroup = Field(
        default=TargetGroup.GENERAL,
        description="所属人群,计入培训台账 · For the training ledger",
        examples=["unemployed"],
    )
    waiting: bool = Field(default=False, description="满员时进入候补 · Wait where it is full", examples=[False])

    def wish(self, request_key: str | None) -> Wish:
        return Wish(self.phone, self.group, self.waiting, request_key)


class CodeAsked(BaseModel):
    """The code that was given at signing up. 报名码"""

    model_config = ConfigDict(extra="forbid")

    code: Code


class CodesAsked(BaseModel):
    """Codes of one's own. 报名码"""

    model_config = ConfigDict(extra="forbid")

    codes: list[Code] = Field(min_length=1, max_length=20)


class SignUpOut(BaseModel):
    """A sign-up. 报名"""

    code: str = Field(
        description="凭此查询和取消,请保存 · Looks it up and cancels it: keep it", examples=["7KQ4RM2ZT9XB"]
    )
    state: SignUpState = Field(examples=["confirmed"])
    state_title: str = Field(examples=["已报名"])
    position: int | None = Field(description="候补第几位 · Place on the waiting list", examples=[None])
    phone_masked: str | None = Field(description="已抹去则为 null · null once erased", examples=["138****8000"])
    phone_erased_after: date = Field(description="手机号至迟此日抹去 · Erased after this day", examples=["2026-12-26"])
    signed_up_at: datetime = Field(examples=["2026-11-25T10:00:00+08:00"])
    session: SessionBrief

    @classmethod
    def of(cls, code: str, made: SignUp, language: Language) -> SignUpOut:
        state = SignUpState(made.row.state)
        return cls(
            code=code, state=state, state_title=title(state, language), position=made.position,
            phone_masked=made.phone, phone_erased_after=made.row.erase_after, signed_up_at=local(made.row.created_at),
            session=SessionBrief.of(made.session, language),
        )  # fmt: skip


class SignUpsOut(BaseModel):
    """Those that there are, in the order of the question."""

    sign_ups: list[SignUpOut]
    unknown: list[str] = Field(description="没有的报名码 · Codes that there are none of", examples=[[]])


class ListedSignUp(BaseModel):
    """A sign-up as officers see it."""

    id: int = Field(examples=[1])
    state: SignUpState = Field(examples=["confirmed"])
    state_title: str = Field(examples=["已报名"])
    target_group: TargetGroup = Field(examples=["unemployed"])
    target_group_title: str = Field(examples=["失业人员"])
    phone: str | None = Field(description="查看即记入审计;抹去后为 null · Reading it is audited", examples=[None])
    signed_up_at: datetime = Field(examples=["2026-11-25T10:00:00+08:00"])

    @classmethod
    def of(cls, listed: Listed, language: Language) -> ListedSignUp:
        row = listed.row
        state, group = SignUpState(row.state), TargetGroup(row.target_group)
        return cls(
            id=row.id, state=state, state_title=title(state, language), target_group=group,
            target_group_title=title(group, language), phone=listed.phone, signed_up_at=local(row.created_at),
        )  # fmt: skip


class SessionSignUps(BaseModel):
    """The list of a session."""

    session: LedgerSession
    sign_ups: list[ListedSignUp]


class GroupCount(BaseModel):
    """People of one group."""

    model_config = ConfigDict(extra="forbid")

    group: TargetGroup = Field(examples=["women"])
    count: Count = Field(examples=[3])


class AttendanceAsked(BaseModel):
    """Who came. 到课"""

    model_config = ConfigDict(extra="forbid")

    version: Version
    attended: list[Annotated[int, Field(ge=1, le=2**63 - 1)]] = Field(
        default=[], max_length=10_000, description="报名名单中到课者的编号 · Numbers from the list", examples=[[1, 2]]
    )
    walk_ins: list[GroupCount] = Field(
        default=[], max_length=30, description="未报名而来的人数,按人群 · Others, by group"
    )
    certificates: list[GroupCount] = Field(default=[], max_length=30, description="取证人数,按人群 · By group")

    def came(self) -> Came:
        return Came(self.attended, _sums(self.walk_ins), _sums(self.certificates))


def _sums(counts: list[GroupCount]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in counts:
        found[one.group.value] = found.get(one.group.value, 0) + one.count
    return found
