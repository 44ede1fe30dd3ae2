"""How a question is understood: its words, each found as it is or as what it may have been meant for."""

from __future__ import annotations

from dataclasses import dataclass

from app.errors import ErrorItem, InvalidInput
from app.services.search_forms import How, WordHits
from app.services.search_index import SearchIndex
from app.services.search_text import is_chinese, readings, split_by_terms, words_of

MOST_WORDS = 8
FEWEST_SPLIT = 3  # characters


@dataclass(frozen=True)
class Reading:
    """``words`` are those of the question as they were found, all of which have to be; ``phrase`` the question as one,
    where it has several words and is found whole. Without words nothing was understood.

    ``understood`` says what it was taken for, where that is not what was written; ``key`` are the words, and how they
    are read.
    """

    words: tuple[WordHits, ...]
    phrase: WordHits | None
    how: How
    understood: str | None
    key: tuple[str, ...] = ()


NOTHING = Reading((), None, How.NONE, None)


def checked_words(text: str) -> list[str]:
    """The words of a question. Raises InvalidInput where there are none, or too many."""
    words = words_of(text)
    if not words:
        item = ErrorItem(
            "q", "没有文字或数字", "has neither letters nor digits", value=text[:40],
            remedy_zh="写站点、地址、课程或技能的名称、拼音或首字母",
            remedy_en="write a name of a station, address, course or skill, in Chinese, pinyin or initials",
        )  # fmt: skip
        raise InvalidInput("无法查询:只有标点或符号。", "There is nothing to search for but symbols.", errors=[item])
    if len(words) > MOST_WORDS:
        item = ErrorItem(
            "q", f"多于 {MOST_WORDS} 个词", f"has more than {MOST_WORDS} words", value=text[:40],
            remedy_zh="只写最要紧的几个词", remedy_en="write the few that matter",
        )  # fmt: skip
        raise InvalidInput("词太多。", "There are too many words.", errors=[item])
    return words


def read_directly(index: SearchIndex, words: list[str]) -> Reading | None:
    """How a question is understood as it is written; None where some word is not found so. Takes no more than some
    tenths of a millisecond.
    """
    found = [index.texts.direct(word) for word in words]
    phrase = _phrase(index, words)
    key = ("as written", *words)
    if all(hits.any for hits in found):
        return _reading(found, phrase, None, key)
    return None if phrase is None else _reading([phrase], None, None, key)


def read_forgivingly(index: SearchIndex, words: list[str]) -> list[Reading]:
    """How a question may have been meant, the likeliest first: with runs of Chinese cut into known words; with what is
    not found as written read with errors.

    Kept by the question; takes milliseconds.
    """
    return index.readings.get(tuple(words), lambda: _forgiven(index, words))


def _forgiven(index: SearchIndex, words: list[str]) -> list[Reading]:
    cut = [_parts(index, word) or [word] for word in words]
    parts = [part for some in cut for part in some]
    readings = [_meant(index, parts)] if parts != words and len(parts) <= MOST_WORDS else []
    if not all(index.texts.direct(word).any for word in words):  # else there is nothing to forgive
        readings.append(_meant(index, words))
    return [one for one in readings if one is not None]


def _meant(index: SearchIndex, words: list[str]) -> Reading | None:
    """Each word as it is where it is found so, else with errors; None where some word is not found at all."""
    found: list[WordHits] = []
    meant: list[str] = []
    for word in words:
        hits = index.texts.direct(word)
        if not hits.any:
            hits = index.texts.forgiving(word)
            if not hits.any:
                return None
            meant.append(_meant_by(index, word, hits))
        else:
            meant.append(word)
        found.append(hits)
    return _reading(found, None, " ".join(meant), ("as meant", *words))


def _parts(index: SearchIndex, word: str) -> list[str] | None:
    """A run of Chinese without spaces as words."""
    if index.texts.direct(word).any or len(word) < FEWEST_SPLIT or not any(map(is_chinese, word)):
        return None
    return split_by_terms(word, index.terms)


def _phrase(index: SearchIndex, words: list[str]) -> WordHits | None:
    if len(words) < 2:
        return None
    hits = index.texts.direct("".join(words))
    return hits if hits.any else None


def _reading(found: list[WordHits], phrase: WordHits | None, understood: str | None, key: tuple[str, ...]) -> Reading:
    how = min(hits.how for hits in found)
    return Reading(tuple(found), phrase, max(how, phrase.how) if phrase else how, understood, key)


def _meant_by(index: SearchIndex, word: str, hits: WordHits) -> str:
    """The text that was found best, the shortest among equals; of characters that sound alike, those that it has."""
    best = int(hits.grade.max())
    numbers: list[int] = (hits.grade == best).nonzero()[0].tolist()
    number = min(numbers, key=lambda k: (len(index.texts.texts[k]), index.texts.texts[k]))
    plain, sounds = index.texts.plain[number], set(readings(word))
    for at in range(len(plain) - len(word) + 1):
        for aloud in readings(plain):
            if aloud[at : at + len(word)] in sounds:
                return plain[at : at + len(word)]
    return index.texts.texts[number]
