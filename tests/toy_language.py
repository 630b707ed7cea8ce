"""Small language models of known values, for the tests of the searches."""

import numpy as np

from zhasr import hanzi, language_model, lexicon, ngram_trie

BITS = 8


def random_language_model(rng, words=5, order=3, share=0.4):
    """A back-off model of words w3, w4 ... with random values, not normalised.

    Args:
        rng: numpy random generator.
        words: int, beside <unk>, <s> and </s>.
        order: int.
        share: float, of all possible n-grams that are known.

    Returns:
        language_model.LanguageModel.
    """
    names = (*language_model.SPECIAL_WORDS, *(f"w{3 + one}" for one in range(words)))
    return model_of(names, rng, order, share)


def model_of(names, rng, order=3, share=0.4, known=None, values=(-5.0, -0.2)):
    """The same with given words; the first three are <unk>, <s> and </s>.

    Args:
        names: tuple of str.
        rng: numpy random generator.
        order: int.
        share: float, of all possible n-grams that are known.
        known: dict of n-gram (tuple of str) to log probability, in the place of random
            bigrams; words that it does not have get -9.
        values: (float, float), between which log probabilities are drawn.

    Returns:
        language_model.LanguageModel.
    """
    keys = [np.arange(len(names), dtype=np.uint64)]
    sayable = np.array([1, *range(3, len(names))], np.uint64)  # may stand in a context
    for level in range(1, 2 if known else order):
        beginnings = keys[-1][np.isin(keys[-1] & np.uint64(255), sayable)]
        longer = (beginnings[:, None] << np.uint64(BITS)) | keys[0][None, 2:]
        longer = longer.ravel()
        ends = longer & np.uint64(2 ** (BITS * level) - 1)
        chosen = np.isin(ends, keys[-1]) & (rng.random(len(longer)) < share)
        if known:
            wanted = [_key(names, gram) for gram in known]
            chosen = np.isin(longer, np.array(wanted, np.uint64))
        keys.append(np.sort(longer[chosen]))
    log_probs = [_few_values(rng, len(key), *values) for key in keys]
    back_offs = [_few_values(rng, len(key), -1.0, 0.0) for key in keys[:-1]]
    if known:
        given = {_key(names, gram): value for gram, value in known.items()}
        log_probs = [
            np.array([given.get(int(one), -9.0) for one in key], np.float32)
            for key in keys
        ]
        back_offs = [np.zeros(len(keys[0]), np.float32)]
    tables = ngram_trie.pack(BITS, keys, log_probs, back_offs)
    return language_model.LanguageModel(tuple(names), tables, "word", {})


def _key(names, gram):
    key = 0
    for word in gram:
        key = (key << BITS) | names.index(word)
    return key


def _few_values(rng, count, least, most):
    """Random numbers, at most 200 different ones."""
    return rng.choice(rng.uniform(least, most, 200), count).astype(np.float32)


def toy_language(words, seed=0):
    """A whole language of a few words, all of them alike.

    Args:
        words: sequence of str, hanzi.
        seed: int.

    Returns:
        hanzi.Language.
    """
    names = (*language_model.SPECIAL_WORDS, *words)
    rng = np.random.default_rng(seed)
    model = model_of(names, rng, order=2, share=0.3, values=(-3.0, -2.0))
    return hanzi.Language(model, lexicon.build(names, [1] * len(names)))
