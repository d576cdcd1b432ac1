"""What options claim about a question's entities."""

from itertools import permutations

import numpy as np
import pandas as pd

from tst.diagnostics.forest.features.encoding_keys import option_claims
from tst.diagnostics.forest.text.question_reader import QuestionReader
from tst.diagnostics.forest.text.templates import TemplateMiner

THINGS = ("lamp", "chair", "table", "sofa", "piano", "mirror", "carpet", "window")


def test_left_of_is_right_of_with_the_entities_swapped():
    pairs = list(permutations(THINGS, 2))
    frame = pd.DataFrame(
        {
            "question_type": "relation",
            "question": [f"Where is the {a} relative to the {b} in the picture?" for a, b in pairs],
            "options": [["left", "right"]] * len(pairs),
            "metadata": [{}] * len(pairs),
            "format": "mc",
            "unit": [str(i) for i in range(len(pairs))],
        }
    )
    questions = QuestionReader([]).read(frame, np.arange(len(frame)), [])
    claims = option_claims(questions, TemplateMiner().fit(questions).transform(questions))
    turned = claims["opposites.turned_0"]
    found = {
        pairs[questions.owner[row]]: (key, sign)
        for row, key, sign in zip(turned.row, turned.key, turned.sign, strict=True)
        if questions.position[row] == 0
    }
    assert len(found) == len(pairs)
    for (a, b), (key, sign) in found.items():
        assert found[b, a] == (key, -sign)
