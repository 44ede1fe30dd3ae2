"""Texts as they are searched: letters and digits alone, and how Chinese is read aloud (pinyin without tones).

Spaces, punctuation and emoji are left out of texts and questions alike; full-width forms and capitals are made plain.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any

from app.models.vocabularies import CourseForm, CourseKind, HostKind, StationType, TargetGroup

# characters that people of Guangzhou read in several ways, some of them in names that dictionaries read otherwise
READINGS = {
    "长": ("chang", "zhang"), "重": ("zhong", "chong"), "行": ("xing", "hang"), "乐": ("le", "yue"),
    "会": ("hui", "kuai"), "调": ("tiao", "diao"), "厦": ("sha", "xia"), "番": ("pan", "fan"), "曾": ("zeng", "ceng"),
    "朝": ("chao", "zhao"), "传": ("chuan", "zhuan"), "滘": ("jiao",), "涌": ("chong", "yong"), "陂": ("bei", "po"),
    "校": ("xiao", "jiao"), "都": ("du", "dou"),
}  # fmt: skip
MOST_VARIANTS = 4  # readings of one text beside the usual one
BLURRED = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ng", "n"), ("l", "n"), ("v", "u"))
FILLERS = (
    "附近", "有没有", "我想学", "我要学", "我想", "我要", "想学", "学习", "哪里", "哪儿", "培训", "课程", "的", "学",
    "课", "班", "在", "找", "和", "区", "街道", "街", "镇", "吗", "有",
)  # fmt: skip
AREA_SUFFIXES = ("街道", "区", "镇", "街", "市")


@lru_cache(maxsize=65_536)
def squeezed(text: str) -> str:
    """The letters and digits of a text, in small letters of normal width."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(c for c in plain if c.isalnum())


def words_of(text: str) -> list[str]:
    """The words of a question, each once, in order: what stands between spaces and punctuation."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).replace("ü", "v")
    spaced = "".join(c if c.isalnum() else " " for c in plain)
    return list(dict.fromkeys(spaced.split()))


def is_chinese(character: str) -> bool:
    """Is it written with Chinese characters (the rarer ones of four bytes, too)?"""
    return "㐀" <= character <= "鿿" or "𠀀" <= character <= "𲎯" or "豈" <= character <= "﫿"


def is_latin(word: str) -> bool:
    return word.isascii()


@lru_cache(maxsize=65_536)
def syllables(text: str) -> tuple[str, ...]:
    """How each character of a squeezed text is read: its pinyin as the word demands, itself where it has none."""
    read = _read_aloud()(text, errors=list)
    return tuple(read) if len(read) == len(text) else tuple(text)


@cache
def _read_aloud() -> Any:
    from pypinyin import lazy_pinyin  # takes a fifth of a second and much memory, so not before it is needed

    return lazy_pinyin


def readings(text: str) -> Iterator[tuple[str, ...]]:
    """The usual reading of a squeezed text; then those with one of its ambiguous characters read otherwise."""
    usual = syllables(text)
    yield usual
    count = 0
    for at, character in enumerate(text):
        for other in READINGS.get(character, ()):
            if other != usual[at] and count < MOST_VARIANTS:
                count += 1
                yield (*usual[:at], other, *usual[at + 1 :])


@lru_cache(maxsize=8_192)
def blurred(letters: str) -> str:
    """Pinyin as it is confused in the south: zh, ch, sh like z, c, s; n like l; -ng like -n."""
    for sound, like in BLURRED:
        letters = letters.replace(sound, like)
    return letters


def titled(vocabulary: type[CourseForm | CourseKind | HostKind | StationType | TargetGroup]) -> dict[str, str]:
    """What is searched of a vocabulary: Chinese and English title by code."""
    return {member.value: f"{member.title_zh} {member.title_en}" for member in vocabulary}


def terms_of(text: str) -> list[str]:
    """What of a skill, a title of a vocabulary or the name of an area people write without spaces around it."""
    found = [word for word in words_of(text) if len(word) >= 2]
    for word in list(found):
        for suffix in AREA_SUFFIXES:
            if word.endswith(suffix) and len(word) - len(suffix) >= 2:
                found.append(word.removesuffix(suffix))
                break
    return found


def split_by_terms(word: str, terms: Collection[str]) -> list[str] | None:
    """A run of Chinese cut into terms that are known, without the words that mean nothing here; what is left between
    them stays as words of its own. None where there is no term in it, or nothing else.
    """
    longest = max((len(term) for term in terms), default=0)
    found: list[str] = []
    rest, at = "", 0
    while at < len(word):
        piece = _piece(word, at, terms, longest)
        if piece is None:
            rest, at = rest + word[at], at + 1
            continue
        if rest:
            found.append(rest)
        rest, at = "", at + len(piece)
        if piece in terms:
            found.append(piece)
    if rest:
        found.append(rest)
    parts = list(dict.fromkeys(found))
    return parts if parts != [word] and any(part in terms for part in parts) else None


def _piece(word: str, at: int, terms: Collection[str], longest: int) -> str | None:
    """The longest term at a place, or a word that means nothing here."""
    for length in range(min(longest, len(word) - at), 1, -1):
        if word[at : at + length] in terms:
            return word[at : at + length]
    return next((filler for filler in FILLERS if word.startswith(filler, at)), None)


def joined_titles(codes: Sequence[str], titles: dict[str, str]) -> str:
    """The titles of several codes as one text."""
    return "、".join(titles.get(code, code) for code in codes)
