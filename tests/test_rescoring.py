"""Pruning, spelling and sums over a lattice against all of its paths."""

import itertools
import math

import numpy as np
import pytest
import toy_language

from zhasr import language_model, lattice, rescoring
from zhasr.lattice import NONE

pytestmark = pytest.mark.slow  # compiles the searches


def random_lattice(rng, places=5, most=3):
    """A lattice.Found of a few nodes at each place, with random arcs and scores."""
    counts = [1, *rng.integers(1, most + 1, places - 1)]
    first = np.append(0, np.cumsum(counts)).astype(np.int32)
    nodes = np.zeros(first[-1], lattice.WAY)
    nodes["score"], nodes["before"], nodes["edge"] = -math.inf, NONE, NONE
    nodes["score"][0] = 0
    place_of = np.repeat(np.arange(places), counts)
    arcs = []
    for after in range(1, first[-1]):
        earlier = np.flatnonzero(place_of < place_of[after])
        size = rng.integers(1, len(earlier) + 1)
        for before in sorted(rng.choice(earlier, size, replace=False).tolist()):
            arcs.append((before, after, len(arcs), float(rng.normal(-3, 2))))
    arcs = np.array(arcs, lattice.ARC)
    for arc in arcs:
        total = nodes["score"][arc["before"]] + arc["score"]
        if total > nodes["score"][arc["after"]]:
            nodes["score"][arc["after"]] = total
            nodes["before"][arc["after"]] = arc["before"]
            nodes["edge"][arc["after"]] = arc["edge"]
    ends = nodes["score"][first[-2] :] + rng.normal(-1, 1, counts[-1])
    return lattice.Found(first, nodes, ends, arcs)


def all_paths(found):
    """Every path to the end: (score, edges)."""
    leaving = {}
    for arc in found.arcs:
        leaving.setdefault(int(arc["before"]), []).append(arc)
    last = int(found.first[-2])

    def extend(node):
        if node >= last:
            end = found.finals[node - last] - found.nodes[node]["score"]
            yield float(end), ()
        for arc in leaving.get(node, []):
            for score, edges in extend(int(arc["after"])):
                yield score + float(arc["score"]), (int(arc["edge"]), *edges)

    return list(extend(0))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("width", [0.0, 2.0, 1e6])
def test_pruning_keeps_the_arcs_of_good_paths(seed, width):
    found = random_lattice(np.random.default_rng(seed))
    paths = all_paths(found)
    best = max(score for score, _ in paths)
    expected = {
        edge
        for score, edges in paths
        for edge in edges
        if score >= best - width - rescoring.ROUNDING
    }
    kept = rescoring.prune(found, width)
    assert set(kept.arcs["edge"].tolist()) == expected
    assert (np.diff(kept.arcs["after"]) >= 0).all()


@pytest.mark.parametrize("seed", range(20))
def test_the_best_path(seed):
    found = random_lattice(np.random.default_rng(seed))
    end = int(found.finals.argmax())
    path = rescoring.best_path(found, found.first[-2] + end)
    score, edges = max(all_paths(found))
    assert tuple(path.tolist()) == edges
    assert found.finals[end] == pytest.approx(score)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("scale", [0.5, 1.0])
def test_posteriors_sum_all_paths(seed, scale):
    found = random_lattice(np.random.default_rng(seed))
    paths = all_paths(found)
    total = sum(math.exp(scale * score) for score, _ in paths)
    expected = np.zeros(len(found.arcs))
    for score, edges in paths:
        expected[list(edges)] += math.exp(scale * score) / total
    shares = rescoring.posteriors(found, scale, len(found.arcs))
    np.testing.assert_allclose(shares, expected, atol=1e-9)


def test_posteriors_of_very_unlikely_paths():
    found = random_lattice(np.random.default_rng(1))
    far = found._replace(finals=found.finals - 5000.0)
    shares = rescoring.posteriors(far, 1.0, len(far.arcs))
    expected = rescoring.posteriors(found, 1.0, len(found.arcs))
    np.testing.assert_allclose(shares, expected, atol=1e-6)


def test_entering_has_every_arc_once():
    found = random_lattice(np.random.default_rng(2))
    lists = rescoring.entering(found)
    assert len(lists) == len(found.nodes) and len(lists[0]) == 0
    assert sum(map(len, lists)) == len(found.arcs)
    assert all((arcs["after"] == node).all() for node, arcs in enumerate(lists))


def character_model(seed, order=3):
    names = (*language_model.SPECIAL_WORDS, *"你好吗马")
    return toy_language.model_of(names, np.random.default_rng(seed), order)


def test_spelling():
    model = character_model(0)
    spelling = rescoring.spell(["<unk>", "你好", "", "吗龙"], model)
    assert spelling.first.tolist() == [0, 5, 7, 7, 9]
    assert spelling.characters[5:].tolist() == [3, 4, 5, language_model.UNKNOWN]
    assert not spelling.characters[:5].any()
    assert rescoring.spell([], model).first.tolist() == [0]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("end", [True, False])
def test_characters_are_weighed_on_every_path(seed, end):
    rng = np.random.default_rng(seed)
    found = random_lattice(rng)
    texts = [
        "".join(rng.choice(list("你好吗马"), rng.integers(1, 4))) for _ in range(9)
    ]
    words = rng.integers(0, len(texts), len(found.arcs)).astype(np.int32)
    model = character_model(seed, order=1 + seed % 4)
    weighed = rescoring.weigh_characters(
        found, words, rescoring.spell(texts, model), model.tables, 0.4, model.start, end
    )
    expected = []
    for score, edges in all_paths(found):
        text = "".join(texts[words[edge]] for edge in edges)
        score += 0.4 * model.score(text, begin=True, end=end)
        expected.append((round(score, 4), edges))
    paths = [(round(score, 4), edges) for score, edges in all_paths(weighed)]
    assert len(paths) == len(expected)
    by_edges = {edges: score for score, edges in paths}
    for score, edges in expected:
        assert by_edges[edges] == pytest.approx(score, abs=2e-3)
    best = int(weighed.finals.argmax())
    path = rescoring.best_path(weighed, weighed.first[-2] + best)
    assert weighed.finals[best] == pytest.approx(max(expected)[0], abs=2e-3)
    assert by_edges[tuple(path.tolist())] == pytest.approx(max(expected)[0], abs=2e-3)


def test_states_are_shared():
    """Two ways to the same characters make one node: the search stays small."""
    found = random_lattice(np.random.default_rng(0), places=8)
    words = np.zeros(len(found.arcs), np.int32)
    model = character_model(0, order=2)
    spelling = rescoring.spell(["你"], model)
    weighed = rescoring.weigh_characters(
        found, words, spelling, model.tables, 1.0, model.start, True
    )
    assert len(weighed.nodes) == len(found.nodes)
    assert len(weighed.arcs) == len(found.arcs)
    pairs = itertools.pairwise(weighed.first.tolist())
    assert all(start < end for start, end in pairs)
