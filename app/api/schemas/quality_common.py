"""Parts that the schemas of supervision share."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.api.language import Language
from app.api.schemas.ledger_stations import ONE_LINE
from app.models.vocabularies import Vocabulary

MAX_ID = 2**31 - 1
# neither control characters (but line ends and tabs) nor nothing but blanks
WORDS = r"^[^\x00-\x08\x0b-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x08\x0b-\x1f\x7f]*$"

VersionField = Field(ge=1, le=MAX_ID, description="读取时的版本 · The version that was read", examples=[1])
StationField = Field(
    min_length=1, max_length=64, pattern=ONE_LINE, description="站点编号 · Station code", examples=["YC440106-001"]
)


# text that somebody writes, over several lines if wanted; blanks around it are taken off
Short = Annotated[str, Field(min_length=1, max_length=500, pattern=WORDS), AfterValidator(str.strip)]
Text = Annotated[str, Field(min_length=1, max_length=1000, pattern=WORDS), AfterValidator(str.strip)]
Long = Annotated[str, Field(min_length=1, max_length=2000, pattern=WORDS), AfterValidator(str.strip)]


def title(term: Vocabulary, language: Language) -> str:
    return language.pick(term.title_zh, term.title_en)


class Asked(BaseModel):
    """What is sent; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class VersionAsked(Asked):
    """The version that was read. 读取时的版本"""

    version: int = VersionField


class ReasonAsked(VersionAsked):
    """The version that was read, and why. 版本与原因"""

    reason: Short = Field(description="原因 · Why", examples=["现场复核不符"])


class StationRef(BaseModel):
    """A station by code and name. 站点"""

    code: str = Field(examples=["YC440106-001"])
    name: str = Field(examples=["天河南街羊城技能加油站"])
