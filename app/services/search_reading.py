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

    ``understood`` says what it was taken for, where that is not what was written.
    """

    words: tuple[WordHits, ...]
    phrase: WordHits | None
    how: How
    understood: str | None


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
    if phrase is None and not all(hits.any for hits in found):
        return None
    return _reading(found if all(hits.any for hits in found) else [phrase] if phrase else [], phrase, None)


def read_forgivingly(index: SearchIndex, words: list[str]) -> Reading:
    """How a question may have been meant: what is not found as written is cut into known words, or read with errors.

    Kept by the question; takes milliseconds.
    """
    return index.readings.get(tuple(words), lambda: _forgiven(index, words))


def _forgiven(index: SearchIndex, words: list[str]) -> Reading:
    found: list[WordHits] = []
    meant: list[str] = []
    for word in words:
        hits = index.texts.direct(word)
        if hits.any:
            found.append(hits)
            meant.append(word)
            continue
        parts = _parts(index, word)
        if parts is not None:
            found += [index.texts.direct(part) for part in parts]
            meant += parts
            continue
        hits = index.texts.forgiving(word)
        if not hits.any:
            return NOTHING
        found.append(hits)
        meant.append(_meant(index, word, hits))
    return _reading(found, None, " ".join(meant))


def _parts(index: SearchIndex, word: str) -> list[str] | None:
    """A run of Chinese without spaces as words, each of which is found as it is."""
    if len(word) < FEWEST_SPLIT or not any(map(is_chinese, word)):
        return None
    parts = split_by_terms(word, index.terms)
    if parts is None or len(parts) > MOST_WORDS or not all(index.texts.direct(part).any for part in parts):
        return None
    return parts


def _phrase(index: SearchIndex, words: list[str]) -> WordHits | None:
    if len(words) < 2:
        return None
    hits = index.texts.direct("".join(words))
    return hits if hits.any else None


def _reading(found: list[WordHits], phrase: WordHits | None, understood: str | None) -> Reading:
    how = min(hits.how for hits in found)
    return Reading(tuple(found), phrase, max(how, phrase.how) if phrase else how, understood)


def _meant(index: SearchIndex, word: str, hits: WordHits) -> str:
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
