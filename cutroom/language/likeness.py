"""How alike sentences are, by TF-IDF over their terms, and which of them the others are like.

scikit-learn and networkx are imported where they are used: a worker that sums up nothing does without their 100 MB.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cutroom.media.cues import Numbers
from cutroom.media.subjects import terms

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

NEAREST = 20  # sentences that each is joined to
BLOCK = 256
LEAST_PARTED = 0.5


def terms_of(texts: Sequence[str]) -> list[list[str]]:
    """The terms of each plain text; pairs of neighbouring characters where words give hardly any, as in scripts without spaces."""
    found = [terms(text) for text in texts]
    if sum(map(bool, found)) >= LEAST_PARTED * len(texts):
        return found
    run_on = ["".join(text.split()) for text in texts]
    return [[text[at : at + 2] for at in range(len(text) - 1)] for text in run_on]


def vectors(bags: Sequence[Sequence[str]]) -> "csr_matrix":
    """A row of length 1 for each bag of terms; of nothing but zeros where it is empty. Likeness is their dot product."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    known = bags if any(bags) else [["-"], *bags[1:]]
    return TfidfVectorizer(analyzer=list, sublinear_tf=True).fit_transform(known)


def centrality(rows: "csr_matrix") -> Numbers:
    """How much each sentence is like sentences that others are like, 1 on the average: PageRank over the graph of each one's
    nearest (LexRank, Erkan and Radev 2004). Time and memory grow with their number times `NEAREST`, in blocks.
    """
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(range(rows.shape[0]))
    for begin in range(0, rows.shape[0], BLOCK):
        alike = (rows[begin : begin + BLOCK] @ rows.T).toarray()
        alike[np.arange(len(alike)), begin + np.arange(len(alike))] = 0
        nearest = np.argsort(-alike, axis=1, kind="stable")[:, :NEAREST]
        for row, others in enumerate(nearest.tolist()):
            graph.add_weighted_edges_from((begin + row, other, alike[row, other]) for other in others if alike[row, other] > 0)
    ranks = nx.pagerank(graph)
    return np.asarray([rows.shape[0] * float(ranks[node]) for node in range(rows.shape[0])])
