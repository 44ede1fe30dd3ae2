"""Organisations and pairings."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from app.api.language import Language
from app.api.schemas.ledger_stations import LINES, ONE_LINE
from app.models.vocabularies import OrganisationKind, PairingMode
from app.repositories.organisations import OrganisationRow, PairingRow

MAX_ID = 2**31 - 1
CREDIT_CODE = r"^[0-9A-HJ-NPQRTUWXY]{18}$"  # GB 32100-2015


class OrganisationFacts(BaseModel):
    """What is known of an organisation. 单位信息"""

    model_config = ConfigDict(extra="forbid")

    kind: OrganisationKind = Field(default=OrganisationKind.OTHER, examples=["training_institution"])
    credit_code: str | None = Field(
        default=None,
        pattern=CREDIT_CODE,
        examples=["91440101MA5XXXXX4Q"],
        description="统一社会信用代码 · GB 32100 code",
    )
    contact: str | None = Field(default=None, max_length=100, pattern=ONE_LINE, examples=["陈老师"])
    phone: str | None = Field(default=None, max_length=50, pattern=ONE_LINE, examples=["020-00000000"])


class NewOrganisation(OrganisationFacts):
    """An organisation to be registered. 登记单位"""

    name: str = Field(
        min_length=1,
        max_length=200,
        pattern=r"^[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$",
        examples=["广州市某职业培训学校"],
    )


class OrganisationChange(OrganisationFacts):
    """All facts as they shall be, and the version that was read. 全部信息与读取时的版本"""

    version: int = Field(ge=1, le=MAX_ID, examples=[1])


class OrganisationOut(BaseModel):
    """An organisation. 单位"""

    id: int = Field(examples=[7])
    name: str = Field(examples=["广州市某职业培训学校"])
    kind: OrganisationKind = Field(examples=["training_institution"])
    kind_title: str = Field(examples=["培训机构"])
    credit_code: str | None = Field(examples=["91440101MA5XXXXX4Q"])
    contact: str | None = Field(examples=["陈老师"])
    phone: str | None = Field(examples=["020-00000000"])
    stations: int = Field(description="涉及的站点数 · Stations that name it", examples=[3])
    version: int = Field(examples=[1])

    @classmethod
    def of(cls, row: OrganisationRow, language: Language) -> OrganisationOut:
        kind = OrganisationKind(row.kind)
        return cls(**{**row.__dict__, "kind": kind, "kind_title": language.pick(kind.title_zh, kind.title_en)})


class OrganisationList(BaseModel):
    """A page, by name."""

    next_cursor: str | None = Field(examples=[None])
    organisations: list[OrganisationOut]


class PairingFacts(BaseModel):
    """What is agreed. 结对内容"""

    model_config = ConfigDict(extra="forbid")

    mode: PairingMode = Field(examples=["one_to_many"])
    agreement: str | None = Field(default=None, max_length=200, pattern=ONE_LINE, examples=["天河结对〔2025〕12 号"])
    projects: str | None = Field(default=None, max_length=1000, pattern=LINES, examples=["养老护理、茶艺"])
    signed_on: date | None = Field(default=None, examples=["2025-07-01"])
    ends_on: date | None = Field(default=None, examples=["2027-06-30"])


class NewPairing(PairingFacts):
    """A pairing to be recorded. 登记结对"""

    station_code: str = Field(min_length=1, max_length=64, pattern=ONE_LINE, examples=["YC440106-001"])
    organisation_id: int = Field(ge=1, le=MAX_ID, examples=[7])


class PairingChange(PairingFacts):
    """All that is agreed as it shall be, and the version that was read."""

    version: int = Field(ge=1, le=MAX_ID, examples=[1])


class PairingOut(BaseModel):
    """A pairing. 结对"""

    id: int = Field(examples=[3])
    station_code: str = Field(examples=["YC440106-001"])
    station_name: str = Field(examples=["天河南街羊城技能加油站"])
    organisation_id: int = Field(examples=[7])
    organisation: str = Field(examples=["广州市某职业培训学校"])
    mode: PairingMode = Field(examples=["one_to_many"])
    mode_title: str = Field(examples=["一对多"])
    agreement: str | None = Field(examples=["天河结对〔2025〕12 号"])
    projects: str | None = Field(examples=["养老护理、茶艺"])
    signed_on: date | None = Field(examples=["2025-07-01"])
    ends_on: date | None = Field(examples=["2027-06-30"])
    version: int = Field(examples=[1])

    @classmethod
    def of(cls, row: PairingRow, language: Language) -> PairingOut:
        mode = PairingMode(row.mode)
        return cls(**{**row.__dict__, "mode": mode, "mode_title": language.pick(mode.title_zh, mode.title_en)})


class PairingList(BaseModel):
    """A page, by number."""

    next_cursor: str | None = Field(examples=[None])
    pairings: list[PairingOut]
