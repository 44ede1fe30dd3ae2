"""Who is served by whom, in answers."""

from __future__ import annotations

from pydantic import BaseModel, Field

from app.api.schemas.common import Notice, NoticeField
from app.api.schemas.coverage import COVERED, Method
from app.models.vocabularies import AreaLevel

OUTSIDE = "null 为不在任何该级区划内的站点 · null for stations in no area of the level"
OWN = "其中最近站点就在本区划内的居民 · Those whose nearest station stands in the same area"
SHARE_OWN = "own ÷ covered;无人时为 null · null where nobody is covered"


class ServingColumn(BaseModel):
    """The stations of one area, and whom they serve, wherever those live and whichever rows are listed."""

    code: str | None = Field(description=OUTSIDE, examples=["440106"])
    name: str = Field(examples=["天河区"])
    stations: int = Field(description="计入的站点数 · Stations that count", examples=[30])
    served: int = Field(
        description="最近站点在此、且步行可及的居民 · Residents within the walk whose nearest station is one of these",
        examples=[1674109],
    )
    inflow: int = Field(description="其中住在别的区划的居民 · Those of them who live in another area", examples=[64122])


class ServedCell(BaseModel):
    """People of the row whose nearest station is in the column."""

    code: str | None = Field(description=OUTSIDE, examples=["440104"])
    people: int = Field(examples=[18819])


class ServedRow(BaseModel):
    """One area: ``covered`` is that of /v1/coverage, and ``served_by`` adds up to it."""

    code: str = Field(examples=["440106"])
    name: str = Field(examples=["天河区"])
    parent_code: str | None = Field(examples=["4401"])
    covered: int = Field(description=COVERED, examples=[1638847])
    own: int = Field(description=OWN, examples=[1609987])
    share_own: float | None = Field(description=SHARE_OWN, examples=[0.98239])
    served_by: list[ServedCell] = Field(description="只列不为零的 · Only those that are not zero")


class ServedTotals(BaseModel):
    """All rows listed, added up."""

    covered: int = Field(description=COVERED, examples=[9123573])
    own: int = Field(description=OWN, examples=[8984571])
    share_own: float | None = Field(description=SHARE_OWN, examples=[0.984765])


class CoverageMatrix(Method):
    """Rows by code; columns by code, stations in no area last."""

    level: AreaLevel = Field(description="行的级别 · Level of the rows", examples=["district"])
    by: AreaLevel = Field(description="列的级别 · Level of the columns", examples=["district"])
    within: str | None = Field(examples=[None])
    totals: ServedTotals
    columns: list[ServingColumn]
    rows: list[ServedRow]
    data_notice: Notice | None = NoticeField
