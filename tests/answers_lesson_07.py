"""Answers to the exercises of lesson 07, right and typically wrong."""

import numpy as np

from zhasr import scoring


def edit_table(spoken, heard):
    table = [[column for column in range(len(heard) + 1)]]
    for row in range(1, len(spoken) + 1):
        line = [row]
        for column in range(1, len(heard) + 1):
            pair = table[-1][column - 1]
            if spoken[row - 1] != heard[column - 1]:
                pair += 1
            line.append(min(pair, table[-1][column] + 1, line[-1] + 1))
        table.append(line)
    return np.array(table)


def zero_edges(spoken, heard):
    table = edit_table(spoken, heard)
    table[0], table[:, 0] = 0, 0
    for row in range(1, len(table)):
        for column in range(1, len(table[0])):
            pair = table[row - 1, column - 1] + (spoken[row - 1] != heard[column - 1])
            around = table[row - 1, column], table[row, column - 1]
            table[row, column] = min(pair, 1 + min(around))
    return table


def free_substitutions(spoken, heard):
    table = edit_table(spoken, heard)
    for row in range(1, len(table)):
        for column in range(1, len(table[0])):
            around = table[row - 1, column], table[row, column - 1]
            table[row, column] = min(table[row - 1, column - 1], 1 + min(around))
    return table


def error_rate(spoken, heard):
    errors = sum(edit_table(*pair)[-1, -1] for pair in zip(spoken, heard, strict=True))
    return errors / sum(len(sentence) for sentence in spoken)


def mean_of_rates(spoken, heard):
    pairs = zip(spoken, heard, strict=True)
    return np.mean([error_rate([one], [other]) for one, other in pairs])


def in_one_row(spoken, heard):
    return scoring.count(scoring.align(sum(spoken, []), sum(heard, []))).rate


RIGHT = {
    "edit_table": [edit_table, lambda a, b: edit_table(a, b).tolist()],
    "error_rate": [error_rate],
    "worse_than_nothing": [
        (["ni3", "hao3"], ["li3", "gao3", "ma5"]),
        ("ab", "xyz"),
    ],
}
WRONG = {
    "edit_table": [
        (zero_edges, "The first row and column are not 0"),
        (free_substitutions, "The diagonal step costs 1 where the two labels differ"),
        (lambda a, b: edit_table(b, a), "Rows and columns are exchanged"),
        (lambda a, b: edit_table(a, b)[-1, -1], "That is the corner; return the whole"),
        (lambda a, b: edit_table(a, b) + 1, "Nothing is wrong: the corner is 0"),
        (lambda a, b: a[len(a)], "an error: IndexError: list index out of range"),
    ],
    "error_rate": [
        (mean_of_rates, "the mean of the rates of the sentences, in which short ones"),
        (lambda a, b: min(1, error_rate(a, b)), "above 1 is no mistake of yours"),
        (in_one_row, "align each with its own reference"),
        (lambda a, b: 100 * error_rate(a, b), "That is per cent; return the share"),
    ],
    "worse_than_nothing": [
        ((["ni3", "hao3"], ["ni3", "hao3"]), "comes to 0%: 0 substituted, 0 deleted"),
        ((["ni3", "hao3"], ["li3", "a1", "b1", "c1"]), "with a single insertion"),
        ((["ni3"], ["li3", "a1"]), "and at least two syllables spoken"),
        (([], ["li3"]), "has nothing spoken, so that there is no rate"),
        (0.5, "is to be two lists of syllables, (spoken, heard)"),
    ],
}
