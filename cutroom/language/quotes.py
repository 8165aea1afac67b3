"""Whether words stand in a text: quotes word for word, and short texts that are about it. Punctuation and case do not count."""

import re
import unicodedata

# Thai to Lao, kana and Chinese characters are written without spaces: each counts as a word.
_WORDS = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]|[^\W_\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]+")
_QUOTED = re.compile('["\u201c\u201e\u00ab]([^"\u201c\u201d\u201e\u00ab\u00bb]+)["\u201d\u201c\u00bb]')
_NOT_PLAIN = re.compile(r"[<>@`{}\x00-\x1f]|://|www\.|[^\W\d_]{2,}\.[^\W\d_]{2,}|\]\(")
LEAST_QUOTED = 3
STEM = 4


def find_quote(quote: str, text: str) -> str:
    """The place of `text` that says `quote` word for word, as it stands there; empty where there is none.

    Fewer than three words are no quote.
    """
    wanted = words(quote)
    there = list(_WORDS.finditer(text))
    said = [_plain(found.group()) for found in there]
    if len(wanted) < LEAST_QUOTED:
        return ""
    for first in range(len(said) - len(wanted) + 1):
        if said[first : first + len(wanted)] == wanted:
            end = there[first + len(wanted) - 1].end()
            while end < len(text) and unicodedata.category(text[end]).startswith("M"):  # a vowel sign of the last word
                end += 1
            return text[there[first].start() : end]
    return ""


def quoted_in(text: str) -> list[str]:
    """What a text puts between quotation marks, where it is long enough to be a quote."""
    return [found for found in _QUOTED.findall(text) if len(words(found)) >= LEAST_QUOTED]


def is_plain(text: str) -> bool:
    """Whether a text is words alone: no address, no markup, one line."""
    return bool(words(text)) and not _NOT_PLAIN.search(text)


def is_about(short: str, text: str) -> bool:
    """Whether a short text is made of what `text` says: each figure of it, and two in three of its longer words by their stems."""
    said = words(text)
    stems = {word[:STEM] for word in said}
    own = words(short)
    longer = [word for word in own if len(word) >= STEM] or own
    known = sum(word[:STEM] in stems for word in longer)
    return bool(own) and 3 * known >= 2 * len(longer) and all(word in said for word in own if any(c.isdigit() for c in word))


def words(text: str) -> list[str]:
    """The words of a text, in lower case."""
    return [_plain(word) for word in _WORDS.findall(text)]


def _plain(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold()
