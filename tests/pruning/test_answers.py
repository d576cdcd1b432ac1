import pytest

from tst.pruning.model_answers.choices import parse_choice
from tst.pruning.model_answers.values import parse_text, parse_value

XYZ = ["x", "y", "z"]
PETS = ["dog", "cat"]
ROOM = ["sofa", "table", "lamp", "chair"]


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        # the text is an answer
        ("A", XYZ, 0),
        ("(B)", XYZ, 1),
        ("b.", XYZ, 1),
        ("C)", XYZ, 2),
        ("option C", XYZ, 2),
        ("**B**", XYZ, 1),
        ("cat", PETS, 1),
        ("The cat.", PETS, 1),
        ("2", ["0", "1", "2"], 2),
        ("2.0", ["0", "1", "2"], 2),
        ("two", ["0", "1", "2"], 2),
        ("C", ["A", "B", "C"], 2),
        # it states one
        ("The answer is B.", XYZ, 1),
        ("The correct answer is:\nB cat", PETS, 1),
        ("Correct option: (B)", XYZ, 1),
        ("Answer: **A)** dog", PETS, 0),
        ("The answer is the cat (B), not the dog (A)", PETS, 1),
        ("The correct answer is (B) cat, as (A) dog is wrong", PETS, 1),
        ("Answer: A\nFinal answer: B", XYZ, 1),
        ("First A, then B. The answer is C", XYZ, 2),
        (r"So we get $\boxed{B}$", XYZ, 1),
        ("thinking aloud, perhaps A <answer>b</answer>", XYZ, 1),
        ("<think>The answer is A</think>B", XYZ, 1),
        ("Because of this:\n\nB) cat", PETS, 1),
        ("Answer:\nThe one nearer to the door is:\nA) dog", PETS, 0),
        # it begins with one
        ("B cat\n\nThe cat is nearer.", PETS, 1),
        ("A dog\n\nThe dog is nearer.", PETS, 0),
        ("B: because of the light", XYZ, 1),
        ("B is nearer", XYZ, 1),
        ("No, it is not", ["Yes", "No"], 1),
        ("Yes. Clearly.", ["Yes", "No"], 0),
        # it names exactly one
        ("There is a dog here", PETS, 0),
        ("There are three cars", ["3", "2"], 0),
        ("It is in the top left corner", ["left", "top left"], 1),
        ("I choose option B, as it fits", XYZ, 1),
        ("D. None of the above", ["a1", "b1", "c1", "None of the above"], 3),
        # it says none, or several, or contradicts itself
        ("", XYZ, None),
        ("D", XYZ, None),
        ("A or B", XYZ, None),
        ("A and B", XYZ, None),
        ("A, B", XYZ, None),
        ("neither A nor B", XYZ, None),
        ("The answer is A or B", XYZ, None),
        ("The answer is B or C", XYZ, None),
        ("Answer: A\nWait. Answer: B", XYZ, None),
        ("A cat", PETS, None),
        ("B dog", PETS, None),
        ("A person stands there", PETS, None),
        ("I think so", [f"item {i}" for i in range(9)], None),
        ("It is not a dog", PETS, None),
        ("A dog and a cat", ["cat", "fish"], 0),  # names one option, and only it
        ("The dog is nearer than the cat", PETS, None),
        ("The dogs are here", ["dogs", "cats"], 0),
        ("The books lie on the table", ["books", "table"], None),
        ("(A) dog\n(B) cat", PETS, None),
        ("A: x B: y C: z", XYZ, None),
        ("Answer: cannot be determined", XYZ, None),
        ("Failed to obtain answer via API.", XYZ, None),
        # it takes back what it begins with
        ("C is not correct, D is.", ROOM, None),
        ("B is unlikely, so C", ROOM, None),
        ("B, C and D are all plausible", ROOM, None),
        ("B vs C", ROOM, None),
        ("(B) vs (C)", ROOM, None),
        ("The answer is B, no, C", ROOM, None),
        ("The answer is B. No, C.", ROOM, None),
        ("A. Sofa is wrong. C. Lamp is right.", ROOM, None),
        ("A. Sofa is wrong.", ROOM, None),
        ("B) is not possible because it is far", ROOM, None),
        ("B) isn’t visible", ROOM, None),
        ("Sofa, no, lamp", ROOM, None),
        ("C, or maybe A", ROOM, None),
        ("(B) or perhaps (C)", ROOM, None),
        ("(B) table or (C) lamp", ROOM, None),
        ("Sofa or table", ROOM, None),
        ("Sofa, table and lamp are all plausible", ROOM, None),
        ("The answer is the sofa or the table", ROOM, None),
        ("B\nC", ROOM, None),
        ("B. A person stands nearer", ROOM, 1),
        ("The answer is (B), as C is wrong", ROOM, 1),
        ("A sofa (A) is nearer than the lamp (C)", ROOM, 0),
        ("The answer is B, not C", ROOM, 1),
        ("The answer is B: it is nearer. The others cannot be seen.", ROOM, 1),
        ("No. There is none.", ["Yes", "No"], 1),
        ("B. False", ["True", "False"], 1),
        ("False, as it is not there", ["True", "False"], 1),
        ("The answer is C. Both A and B", ["a1", "b1", "Both A and B"], 2),
        ("B", ["B", "A"], None),
        ("same", ["same", "Same"], None),
    ],
)
def test_choices(text, options, expected):
    assert parse_choice(text, options) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", 3),
        ("-2.5", -2.5),
        ("3.5 meters", 3.5),
        ("three", 3),
        ("about 1,200 cm", 1200),
        ("1.2e3", 1200),
        ("There are 4 chairs and 2 tables. The answer is 4.", 4),
        ("final answer: 4, earlier answer: 3", 4),
        (r"\boxed{7}", 7),
        ("2 chairs here, so 2", 2),
        ("between 3 and 4", None),
        ("answer: 3\nanswer: 4", None),
        ("many", None),
        ("", None),
        ("frame12b", None),
        ("I cannot tell from frame 7.", None),
        ("There aren't 3", None),
        ("The answer is not 7", None),
        ("The answer is 3, no, 4", None),
    ],
)
def test_values(text, expected):
    assert parse_value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Paris", "Paris"),
        ("The answer is Paris.", "Paris"),
        ("It may be Rome. <answer>Paris</answer>", "Paris"),
        ("Answer: Rome\nAnswer: Paris", None),
        ("", None),
    ],
)
def test_texts(text, expected):
    assert parse_text(text) == expected
