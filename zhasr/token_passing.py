"""One-pass search: the compiled part. `zhasr.word_search` is the door to it.

Tokens run through the tree of `zhasr.label_tree`, in which words that are spoken alike
share a node. A token that reaches the end of words returns to the root, once for each
of them: only there the language model is asked which word it was. Until then a token
carries what the best word that is still possible would get by itself (look-ahead).

    beam --stay, follow--> slots, ends --end_words--> slots --prune--> beam

Tokens in the same place of the tree with the same state of the language model have the
same future. If they have said the same words, their probabilities are added; if not,
the better one goes on. Between words the loser is not forgotten: it becomes one of the
*others* of the label that ends the word (see `zhasr.word_lattice`). For this the future
must be the same indeed, so at the root there is one place after a blank and one for
each label that may still go on.

Sources: Young, Russell & Thornton (1989), Token Passing: a Simple Conceptual Model for
    Connected Speech Recognition Systems; Ortmanns, Ney & Eiden (1996), Language-Model
    Look-Ahead for Large Vocabulary Speech Recognition, section 3.
"""

import functools
from typing import NamedTuple

import numpy as np

from zhasr import compiled, lexicon, ngram_trie, tokens
from zhasr.tokens import NONE

END = 2  # word number of </s> in every language model
ROOT = lexicon.ROOT
# Places in Search.counts
BEAM, RECORDS, OTHERS, FRAMES, MOST_OTHERS, ANSWERS, ASKED = range(7)
SLOTS_OF_TOKEN = 64
AFTER_BLANK = -1  # place of a token at the root that has just said a blank
OTHERS_OF_TOKEN = 16  # in one frame; more are forgotten
MOST_ANSWERS = 1 << 16  # of the language model, that are remembered
MOST_ASKED = 1 << 13  # questions, a power of two
OTHERS_MARGIN = 12.0  # losers further behind are forgotten, natural logarithm

TOKEN = np.dtype(
    [
        *tokens.PATHS,
        ("place", "i4"),  # node of the tree; at the root see _spoken_place, AFTER_BLANK
        ("state", "i4"),  # of the language model
        ("word", "i4"),  # the one that the last label ends, or NONE
        ("others", "i4"),  # what else may have been said until here, or NONE
        ("history", "i8"),  # hash of the words said
    ],
    align=True,
)
RECORD = np.dtype([*tokens.RECORD, ("word", "i4"), ("others", "i4")], align=True)
# An item of a list: another record in the place of one, and how its log probability
# compares. Without a record, the ratio is added to all that follow in the list.
OTHER = np.dtype([("record", "i4"), ("ratio", "f4"), ("next", "i4")], align=True)
WORD_END = np.dtype([("token", "i4"), ("node", "i4"), ("score", "f8")], align=True)


class Search(NamedTuple):
    """The memory of a search.

    Attributes:
        beam: TOKEN array (width,).
        slots: TOKEN array, what the next beam is chosen from.
        ends: WORD_END array, where words end in this frame.
        table: int32 array, hash table of the slots; NONE where free.
        made: int32 array (2 width,), records made of the beam in this frame, or NONE.
        records: RECORD array, the labels behind those of the beam.
        others: OTHER array.
        asked: int64 array, hash table of what the language model was asked: a state
            and a node with words; NONE where free.
        answers: int32 array, by place in `asked` the first of the answers to it.
        gains: float32 array, answers: what each word at the node gets in all.
        states: int32 array, answers: the states after these words.
        counts: int64 array (7,): tokens in the beam, records, others, frames read, how
            many others there may be at the end of this frame, answers, questions.
    """

    beam: np.ndarray
    slots: np.ndarray
    ends: np.ndarray
    table: np.ndarray
    made: np.ndarray
    records: np.ndarray
    others: np.ndarray
    asked: np.ndarray
    answers: np.ndarray
    gains: np.ndarray
    states: np.ndarray
    counts: np.ndarray


class Graph(NamedTuple):
    """Words and language as the kernels take them.

    Attributes:
        tree: lexicon.Tables over labels.
        roots: int32 (labels,), child of the root by label, or -1.
        numbers: int32 (words,), of each word in the language model.
        gains: float32 (entries,), what each gets beside the language model.
        ahead: float32 (nodes,), the most that a word below a node gets by itself.
        language: ngram_trie.Tables.
        weight: float, of the language model.
    """

    tree: lexicon.Tables
    roots: np.ndarray
    numbers: np.ndarray
    gains: np.ndarray
    ahead: np.ndarray
    language: ngram_trie.Tables
    weight: float


class Pruning(NamedTuple):
    """How much is followed; see `zhasr.decoding.Options`."""

    width: int
    margin: float
    most: int
    least: float


class Step(NamedTuple):
    """A token that says a label.

    Attributes:
        token: int, index in the beam.
        label: int.
        log_prob: float, of the label in this frame.
        place: int, where it leads.
        state: int, of the language model there.
        word: int, the one that ends, or NONE.
        history: int, hash of the words said then.
    """

    token: int
    label: int
    log_prob: float
    place: int
    state: int
    word: int
    history: int


@functools.lru_cache(maxsize=2)  # the next sentence is searched with the same
def graph(tree, weight, word_bonus, syllable_bonus):
    """Put tree, language model and weights together.

    Args:
        tree: label_tree.LabelTree.
        weight: float, of the language model.
        word_bonus: float, for every word.
        syllable_bonus: float, for every syllable of a word.

    Returns:
        Graph.
    """
    words, language = tree.tables.words, tree.model.tables
    gains = tree.tables.log_weights + word_bonus + syllable_bonus * tree.lengths[words]
    alone = language.log_probs[0, language.codes[tree.numbers[words]]]
    ahead = np.full(len(tree.tables.symbols), -np.inf, np.float32)
    _look_ahead(tree.tables, (weight * alone + gains).astype(np.float32), ahead)
    ahead[ROOT] = 0.0
    return Graph(
        tree.tables,
        tree.roots,
        tree.numbers,
        gains.astype(np.float32),
        ahead,
        language,
        float(weight),
    )


@compiled.njit
def _look_ahead(tree, scores, ahead):
    """The best score of an entry at or below each node, in place."""
    for node in range(len(ahead) - 1, -1, -1):  # children have higher numbers
        for entry in range(tree.first_entries[node], tree.first_entries[node + 1]):
            ahead[node] = max(ahead[node], scores[entry])
        for child in range(tree.first_children[node], tree.first_children[node + 1]):
            ahead[node] = max(ahead[node], ahead[child])


def begin(graph, pruning, labels, state):
    """Make the memory of a search before its first frame.

    Args:
        graph: Graph.
        pruning: Pruning.
        labels: int, size of the vocabulary.
        state: int, of the language model at the beginning.

    Returns:
        Search.
    """
    slots = SLOTS_OF_TOKEN * pruning.width
    room = (2 + OTHERS_OF_TOKEN) * pruning.width
    answers = max(MOST_ANSWERS, int(np.diff(graph.tree.first_entries).max()))
    search = Search(
        np.zeros(pruning.width, TOKEN),
        np.zeros(slots, TOKEN),
        np.zeros(min(pruning.most, labels) * pruning.width, WORD_END),
        np.full(1 << (2 * slots).bit_length(), NONE, np.int32),
        np.full(2 * pruning.width, NONE, np.int32),
        np.zeros(2 * room, RECORD),
        np.zeros(2 * room, OTHER),
        np.full(MOST_ASKED, NONE, np.int64),
        np.zeros(MOST_ASKED, np.int32),
        np.zeros(answers, np.float32),
        np.zeros(answers, np.int32),
        np.zeros(7, np.int64),
    )
    _begin(search, state)
    return search


@compiled.njit
def _begin(search, state):
    token = search.beam[0]
    tokens.begin(token)
    token.place, token.state, token.history = AFTER_BLANK, state, 0
    token.word, token.others = NONE, NONE
    search.counts[BEAM] = 1


def make_room(search):
    """Forget what no token has behind it; double what is too small then.

    Args:
        search: Search; not to be used any more.

    Returns:
        Search.
    """
    _forget(search)
    room = 2 * _needed(search)
    return search._replace(
        records=_resized(search.records, 2 * search.counts[RECORDS] + room),
        others=_resized(search.others, 2 * search.counts[OTHERS] + room),
    )


def _resized(array, length):
    if length <= len(array):
        return array
    larger = np.zeros(length, array.dtype)
    larger[: len(array)] = array
    return larger


@compiled.njit
def _needed(search):
    """Records, and others, that one frame may take."""
    return (2 + OTHERS_OF_TOKEN) * len(search.beam)


@compiled.njit
def read(search, graph, pruning, log_probs, first):
    """Read frames until the memory is full.

    Args:
        search: Search.
        graph: Graph.
        pruning: Pruning.
        log_probs: float32 array (frames, labels).
        first: int, the frame to begin with.

    Returns:
        int, the frame that has to be read next.
    """
    for frame in range(first, len(log_probs)):
        free_records = len(search.records) - search.counts[RECORDS]
        free_others = len(search.others) - search.counts[OTHERS]
        if min(free_records, free_others) < _needed(search):
            return frame
        row = log_probs[frame]
        _begin_frame(search)
        count, best = _stay(search, graph, row)
        count, found, best = _follow(search, graph, pruning, row, count, best)
        count = _end_words(search, graph, pruning, row, count, found, best)
        _prune(search, graph, pruning, count)
    return len(log_probs)


@compiled.njit
def _begin_frame(search):
    search.table[:] = NONE
    search.made[:] = NONE
    most = search.counts[OTHERS] + OTHERS_OF_TOKEN * len(search.beam)
    search.counts[MOST_OTHERS] = most


@compiled.njit
def _stay(search, graph, row):
    """Let every token go on without a new label: fill the first slots.

    Args:
        search: Search.
        graph: Graph.
        row: float32 array (labels,), log probabilities of the frame.

    Returns:
        (slots that are filled, best score): int, float.
    """
    count, best = 0, -np.inf
    for index in range(search.counts[BEAM]):
        old, new = search.beam[index], search.slots[count]
        spoken = row[old.label] if old.label else -np.inf
        tokens.stay(old, new, search.counts[FRAMES], row[0], spoken)
        new.place, new.state, new.history = old.place, old.state, old.history
        new.word, new.others = old.word, old.others
        best = max(best, tokens.total(new) + _ahead(graph, new.place))
        if 0 <= old.place < len(graph.ahead):
            count = _join(search, count)
            continue
        if old.place != AFTER_BLANK:
            search.slots[count + 1] = new
            new.blank = new.best_blank = -np.inf
            count = _join(search, count)
            new = search.slots[count]
        new.spoken = new.best_spoken = -np.inf
        new.place = AFTER_BLANK
        count = _join(search, count)
    return count, best


@compiled.njit
def _join(search, count):
    """Count the next slot in, or unite it with the one that is in its place already."""
    new = search.slots[count]
    key = _seek(search, new.place, new.state)
    if search.table[key] == NONE:
        search.table[key] = count
        return count + 1
    there = search.slots[search.table[key]]  # both have just said a blank
    before, arriving = there.blank, new.blank
    if there.history == new.history:
        tokens.unite(there, new)
        _shift_others(search, there, before - there.blank)
        _take_others(search, there, new.others, arriving - there.blank)
    elif arriving > before:
        other = _record_of_slot(search, there, before - arriving)
        search.slots[search.table[key]] = new
        _add_other(search, there, other, before - arriving)
    else:
        other = _record_of_slot(search, new, arriving - before)
        _add_other(search, there, other, arriving - before)
    return count


@compiled.njit
def _take_others(search, slot, item, ratio):
    """Copy a list of others, whose ratios are to change, into that of a slot."""
    while item != NONE:
        other = search.others[item]
        if other.record == NONE:
            ratio += other.ratio
        elif ratio + other.ratio > -OTHERS_MARGIN:
            _add_other(search, slot, other.record, ratio + other.ratio)
        item = other.next


@compiled.njit
def _spoken_place(graph, label):
    """The place of a token at the root that has just said a label."""
    return len(graph.ahead) + label


@compiled.njit
def _ahead(graph, place):
    return graph.ahead[place] if 0 <= place < len(graph.ahead) else 0.0


@compiled.njit
def _follow(search, graph, pruning, row, count, best):
    """Let every token say the likely labels that some word goes on with.

    Args:
        search: Search.
        graph: Graph.
        pruning: Pruning.
        row: float32 array (labels,), log probabilities of the frame.
        count: int, slots that are filled.
        best: float, the best score so far.

    Returns:
        (slots, ends, best score): int, int, float.
    """
    tree, found = graph.tree, 0
    likely = np.empty(len(row), np.int32)
    likely = likely[: tokens.likely_labels(row, pruning.least, pruning.most, likely)]
    children = np.empty(len(likely), np.int32)
    for index in range(search.counts[BEAM]):
        old = search.beam[index]
        other = tokens.leave(old, NONE)
        node = old.place if 0 <= old.place < len(graph.ahead) else ROOT
        for child in children[: _likely_children(graph, node, likely, children)]:
            label = np.int64(tree.symbols[child])
            paths = tokens.leave(old, label) if label == old.label else other
            score = paths[0] + row[label] + graph.ahead[child]
            if not score > best - pruning.margin:
                continue
            if tree.first_children[child] < tree.first_children[child + 1]:
                best = max(best, score)
                step = _step(index, label, row, child, old.state, NONE, old.history)
                count = _enter(search, count, step, paths)
            if tree.first_entries[child] < tree.first_entries[child + 1]:
                end = search.ends[found]
                end.token, end.node, end.score = index, child, score
                found += 1
    return count, found, best


@compiled.njit
def _step(token, label, row, place, state, word, history):
    """A Step whose types are always the same, so that numba compiles once."""
    return Step(
        np.int64(token),
        np.int64(label),
        np.float64(row[label]),
        np.int64(place),
        np.int64(state),
        np.int64(word),
        np.int64(history),
    )


@compiled.njit
def _likely_children(graph, node, likely, children):
    """Find the children of a node that likely labels lead to; return how many."""
    count = 0
    tree = graph.tree
    first, end = tree.first_children[node], tree.first_children[node + 1]
    if node == ROOT:
        for label in likely:
            if graph.roots[label] != NONE:
                children[count] = graph.roots[label]
                count += 1
        return count
    place = 0
    for child in range(first, end):  # both rise
        while place < len(likely) and likely[place] < tree.symbols[child]:
            place += 1
        if place == len(likely):
            break
        if likely[place] == tree.symbols[child]:
            children[count] = child
            count += 1
    return count


@compiled.njit
def _end_words(search, graph, pruning, row, count, found, best):
    """Let the tokens of the best ends return to the root, once for every word.

    Args:
        search: Search.
        graph: Graph.
        pruning: Pruning.
        row: float32 array (labels,), log probabilities of the frame.
        count: int, slots that are filled.
        found: int, ends.
        best: float, the best score so far.

    Returns:
        int, slots that are filled.
    """
    scores = np.empty(found)
    for index in range(found):
        scores[index] = search.ends[index].score
    kept = np.empty(found, np.int32)
    kept = kept[: tokens.keep(scores, pruning.width, pruning.margin, kept)]
    tree = graph.tree
    for index in kept:
        end = search.ends[index]
        old, label = search.beam[end.token], np.int64(tree.symbols[end.node])
        summed, first, spoken = tokens.leave(old, label)
        first_entry = tree.first_entries[end.node]
        answer = _ask(search, graph, old.state, end.node) - first_entry
        for entry in range(first_entry, tree.first_entries[end.node + 1]):
            gain = np.float64(search.gains[answer + entry])
            score = summed + gain + row[label]
            if not score > best - pruning.margin:
                continue
            best = max(best, score)
            word, state = tree.words[entry], search.states[answer + entry]
            place, history = _spoken_place(graph, label), _mix(old.history, word)
            step = _step(end.token, label, row, place, state, word, history)
            count = _enter(search, count, step, (summed + gain, first + gain, spoken))
    return count


@compiled.njit
def _ask(search, graph, state, node):
    """What the language model says of the words of a node; it is asked only once.

    Args:
        search: Search.
        graph: Graph.
        state: int, of the language model before the word.
        node: int, of the tree.

    Returns:
        int, the first answer, see Search.
    """
    tree, counts = graph.tree, search.counts
    first, end = tree.first_entries[node], tree.first_entries[node + 1]
    full = counts[ANSWERS] + end - first > len(search.gains)
    if full or 2 * counts[ASKED] > len(search.asked):
        search.asked[:] = NONE
        counts[ANSWERS] = counts[ASKED] = 0
    question = np.int64(state) * len(tree.symbols) + node
    place = _seek_question(search, question)
    if search.asked[place] == question:
        return np.int64(search.answers[place])
    search.asked[place], search.answers[place] = question, counts[ANSWERS]
    counts[ASKED] += 1
    answer = counts[ANSWERS]
    counts[ANSWERS] += end - first
    for entry in range(first, end):
        number = np.int64(graph.numbers[tree.words[entry]])
        log_prob, after = ngram_trie.advance(graph.language, np.int64(state), number)
        index = answer + entry - first
        search.gains[index] = graph.weight * log_prob + graph.gains[entry]
        search.states[index] = after
    return answer


@compiled.njit
def _seek_question(search, question):
    mask = len(search.asked) - 1
    mixed = question * np.int64(0x2545F4914F6CDD1D)
    place = (mixed ^ (mixed >> 31)) & mask
    while search.asked[place] != NONE and search.asked[place] != question:
        place = (place + 1) & mask
    return place


@compiled.njit
def _mix(history, word):
    """The hash of some words and one more."""
    mixed = (history ^ np.int64(word + 1)) * np.int64(0x2545F4914F6CDD1D)
    return mixed ^ (mixed >> 29)


@compiled.njit
def _seek(search, place, state):
    """Where a slot is in the hash table, or the free place where it belongs."""
    mask = len(search.table) - 1
    mixed = np.int64(place) * 0x9E3779B1 + np.int64(state) * 0x85EBCA77
    key = (mixed ^ (mixed >> 15)) & mask
    while True:
        index = search.table[key]
        if index == NONE:
            return key
        slot = search.slots[index]
        if slot.place == place and slot.state == state:
            return key
        key = (key + 1) & mask


@compiled.njit
def _enter(search, count, step, paths):
    """Bring a token to its slot, which others may have reached before.

    Args:
        search: Search.
        count: int, slots that are filled.
        step: Step.
        paths: (float, float, bool), as from `tokens.leave`, with the language model.

    Returns:
        int, slots that are filled.
    """
    key = _seek(search, step.place, step.state)
    index = search.table[key]
    if index == NONE:
        if count == len(search.slots):
            return count
        slot = search.slots[count]
        slot.label, slot.place, slot.state = step.label, step.place, step.state
        search.table[key] = count
        _settle(search, slot, step, paths)
        return count + 1
    slot = search.slots[index]
    before, arriving = tokens.total(slot), paths[0] + step.log_prob
    if slot.history == step.history:
        origin = _origin(search, step, paths)
        tokens.arrive(slot, search.counts[FRAMES], paths, step.log_prob, origin)
        _shift_others(search, slot, before - tokens.total(slot))
    elif arriving > before:
        other = _record_of_slot(search, slot, before - arriving)
        _settle(search, slot, step, paths)
        _add_other(search, slot, other, before - arriving)
    else:
        other = _record_of_step(search, step, paths, arriving - before)
        _add_other(search, slot, other, arriving - before)
    return count


@compiled.njit
def _settle(search, slot, step, paths):
    """Let a slot be reached by this step alone."""
    tokens.clear(slot)
    slot.word, slot.history, slot.others = step.word, step.history, NONE
    origin = _origin(search, step, paths)
    tokens.arrive(slot, search.counts[FRAMES], paths, step.log_prob, origin)


@compiled.njit
def _origin(search, step, paths):
    return tokens.source(search.beam[step.token], step.token, paths[2])


@compiled.njit
def _add_other(search, slot, record, ratio):
    """Add a loser to a slot, unless it has no record or there is no room."""
    if record != NONE:
        _add_item(search, slot, record, ratio)


@compiled.njit
def _shift_others(search, slot, ratio):
    """Let the others of a slot fall behind, as it has gained."""
    if slot.others != NONE:
        _add_item(search, slot, NONE, ratio)


@compiled.njit
def _add_item(search, slot, record, ratio):
    index = search.counts[OTHERS]
    if index < search.counts[MOST_OTHERS]:
        search.counts[OTHERS] += 1
        other = search.others[index]
        other.record, other.ratio, other.next = record, ratio, slot.others
        slot.others = index


@compiled.njit
def _can_be_other(search, word, ratio):
    full = search.counts[OTHERS] == search.counts[MOST_OTHERS]
    return word != NONE and ratio >= -OTHERS_MARGIN and not full


@compiled.njit
def _record_of_slot(search, slot, ratio):
    """Write down what a slot was, before another takes its place."""
    if not _can_be_other(search, slot.word, ratio):
        return NONE
    spoken = slot.best_spoken > slot.best_blank
    before = _record(search, slot.spoken_before if spoken else slot.blank_before)
    index = search.counts[RECORDS]
    search.counts[RECORDS] += 1
    record = search.records[index]
    tokens.finish(record, slot, search.counts[FRAMES] + 1, spoken)
    record.before, record.word, record.others = before, slot.word, slot.others
    return index


@compiled.njit
def _record_of_step(search, step, paths, ratio):
    """Write down a step that leads where a better token is."""
    if not _can_be_other(search, step.word, ratio):
        return NONE
    before = _record(search, _origin(search, step, paths))
    index = search.counts[RECORDS]
    search.counts[RECORDS] += 1
    record = search.records[index]
    record.before, record.label, record.word = before, step.label, step.word
    record.start = search.counts[FRAMES]
    record.end = record.start + 1
    record.probability, record.others = np.exp(step.log_prob), NONE
    return index


@compiled.njit
def _record(search, origin):
    """The record of a label that has ended, made when it is first asked for."""
    if origin >= NONE:
        return origin
    key = NONE - 1 - origin
    if search.made[key] == NONE:
        search.made[key] = search.counts[RECORDS]
        search.counts[RECORDS] += 1
        old, record = search.beam[key // 2], search.records[search.made[key]]
        tokens.finish(record, old, search.counts[FRAMES], key % 2 == 1)
        record.word, record.others = old.word, old.others
    return search.made[key]


@compiled.njit
def _prune(search, graph, pruning, count):
    """Make the next beam from the best slots."""
    scores = np.empty(count)
    for index in range(count):
        slot = search.slots[index]
        scores[index] = tokens.total(slot) + _ahead(graph, slot.place)
    kept = np.empty(count, np.int32)
    kept = kept[: tokens.keep(scores, pruning.width, pruning.margin, kept)]
    for index in kept:  # the old beam is needed for all, before it is overwritten
        slot = search.slots[index]
        slot.spoken_before = _record(search, slot.spoken_before)
    for index in range(len(kept)):
        search.beam[index] = search.slots[kept[index]]
    search.counts[BEAM] = len(kept)
    search.counts[FRAMES] += 1


@compiled.njit
def _forget(search):
    """Close the gaps that dead records and others leave; the order stays."""
    marks = np.zeros(search.counts[RECORDS] + 1, np.int32)
    items = np.zeros(search.counts[OTHERS] + 1, np.int32)
    for token in search.beam[: search.counts[BEAM]]:
        tokens.mark(marks, token)
        _mark_others(search, marks, items, token.others)
    for index in range(len(marks) - 2, -1, -1):  # what a record needs comes before it
        if marks[index]:
            marks[search.records[index].before] = 1
            _mark_others(search, marks, items, search.records[index].others)
    items[-1] = 0
    kept_items = tokens.number(items)
    search.counts[RECORDS] = tokens.close_gaps(search.records, marks)
    for record in search.records[: search.counts[RECORDS]]:
        record.others = items[record.others]
    for index in range(len(items) - 1):
        if items[index] != NONE:
            item = search.others[index]
            item.record, item.next = marks[item.record], items[item.next]
            search.others[items[index]] = item
    search.counts[OTHERS] = kept_items
    for token in search.beam[: search.counts[BEAM]]:
        tokens.renumber(marks, token)
        token.others = items[token.others]


@compiled.njit
def _mark_others(search, marks, items, item):
    while item != NONE and not items[item]:
        items[item] = 1
        marks[search.others[item].record] = 1  # NONE is the last
        item = search.others[item].next


def final(search, graph):
    """The tokens of the beam that are between words, as records.

    Args:
        search: Search.
        graph: Graph.

    Returns:
        RECORD array (tokens,) of their last labels, those that have begun to speak;
        float64 array (tokens,), their scores with the end of the sentence; and the
        score of having heard nothing, -inf where it is impossible.
    """
    beam = search.beam[: search.counts[BEAM]]
    scores = np.logaddexp(beam["blank"], beam["spoken"])
    ends = graph.weight * _ends(graph.language, beam)
    silent = beam["label"] == 0
    between = (beam["word"] != NONE) & ~silent
    if not between.any() and not silent.any():  # cut off within a word
        between[:] = True
    records = np.zeros(int(between.sum()), RECORD)
    _finish(search, np.flatnonzero(between), records)
    silence = float(np.max(scores[silent] + ends[silent], initial=-np.inf))
    return records, scores[between] + ends[between], silence


@compiled.njit
def _ends(tables, beam):
    log_probs = np.empty(len(beam))
    for index in range(len(beam)):
        state = np.int64(beam[index].state)
        log_probs[index], _ = ngram_trie.advance(tables, state, np.int64(END))
    return log_probs


@compiled.njit
def _finish(search, indices, records):
    """Write down the last labels of some tokens of the beam."""
    for place in range(len(indices)):
        token, record = search.beam[indices[place]], records[place]
        spoken = token.best_spoken > token.best_blank
        tokens.finish(record, token, search.counts[FRAMES], spoken)
        record.word, record.others = token.word, token.others
