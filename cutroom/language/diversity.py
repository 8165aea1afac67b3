"""The best of many that say different things: maximal marginal relevance (Carbonell and Goldstein 1998)."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cutroom.media.cues import Numbers

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SAME = 0.3  # the share that likeness counts
SAME_CHAPTER = 0.3  # likeness of two that are of one chapter, at least


def diverse(worth: Numbers, rows: "csr_matrix", chapters: Sequence[int]) -> Iterator[int]:
    """Places, the best first, each less the likeness to the nearest of those before it. `rows`: vectors of length 1."""
    if not len(worth):
        return
    low, high = worth.min(), worth.max()
    good, near = (worth - low) / ((high - low) or 1.0), np.zeros(len(worth))
    left, of = np.ones(len(worth), bool), np.asarray(chapters)
    while left.any():
        place = int(np.argmax(np.where(left, (1 - SAME) * good - SAME * near, -np.inf)))
        yield place
        left[place] = False
        alike = (rows @ rows[place].T).toarray().ravel()
        near = np.maximum(near, np.maximum(alike, SAME_CHAPTER * (of == of[place])))
