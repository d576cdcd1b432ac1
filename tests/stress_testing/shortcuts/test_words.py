"""Codes of words and of runs of words, back to texts."""

import numpy as np

from tst.diagnostics.forest.text.hashing import code_all, run_codes, text_code
from tst.diagnostics.forest.text.text_cache import tokenise
from tst.stress_testing.shortcuts.words import LONGEST_RUN, read_codes


def test_every_word_and_run_is_known_by_its_code():
    text = "Is the red lamp - left of 3,000 chairs, or behind another old wooden red lamp?"
    tokens = tokenise(text)
    known = read_codes(text)
    assert known[text_code("lamp")] == "lamp"
    for first in range(len(tokens)):
        for last in range(first + 1, min(first + LONGEST_RUN, len(tokens)) + 1):
            [code] = run_codes(code_all(tokens[first:last]), np.zeros(1, dtype=np.int64))
            assert known[int(code)] == " ".join(tokens[first:last]).replace(" - ", "-")


def test_a_text_without_words_has_no_codes():
    assert read_codes("") == {}
    assert set(read_codes("lamp").values()) == {"lamp"}
