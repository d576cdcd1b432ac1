import pytest
from hypothesis import given
from hypothesis import strategies as st

from tst.core.units import asked_unit, canonical_unit
from tst.pruning.model_answers.choices import read_choice
from tst.pruning.model_answers.files import answer_text
from tst.pruning.model_answers.numbers import read_number
from tst.pruning.model_answers.texts import read_text

XYZ = ["x", "y", "z"]
PETS = ["dog", "cat"]
SEATS = ["red sofa", "blue chair", "green bench"]
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
        # a stated or concluded answer beats what is mentioned on the way
        ("The lamp is behind the red sofa. So B.", SEATS, 1),
        ("It is left of the red sofa. Therefore B", SEATS, 1),
        ("The mat lies by the red sofa. I choose B", SEATS, 1),
        ("The cat sits on the red sofa. Option b", SEATS, 1),
        ('The bag is by the red sofa, thus "B"', SEATS, 1),
        ("The key lies under the red sofa. Go with B!", SEATS, 1),
        ("The red sofa is far. Hence, B is correct.", SEATS, 1),
        ("The red sofa is far, but the blue chair is the best answer.", SEATS, 1),
        ("Near the red sofa.\n答案:B", SEATS, 1),
        ("【答案】B", SEATS, 1),
        ("正确答案是：B。", SEATS, 1),
        ("我选B", SEATS, 1),
        ("Die Antwort lautet: C", SEATS, 2),
        ("Respuesta: B", SEATS, 1),
        ("Ｂ", SEATS, 1),
        ('{"answer": "B"}', SEATS, 1),
        # on the way to another, or cut off: no answer
        ("The red sofa is near. The lamp hangs above.", SEATS, None),
        ("Looking at the red sofa...", SEATS, None),
        # a box or a statement that is no option is none, whatever was named earlier
        (r"The red sofa is near. \boxed{D}", SEATS, None),
        (r"\boxed{\text{the green lamp}} by the red sofa", SEATS, None),
        ("The red sofa is near. The answer is E.", SEATS, None),
        ("The red sofa is near. The answer is none of them.", SEATS, None),
        (r"\boxed{A} or rather \boxed{B}", SEATS, None),
        (r"So $\boxed{\textbf{(B)}}$", SEATS, 1),
        (r"\boxed{\mathrm{\text{blue chair}}}", SEATS, 1),
        # thoughts are no answers
        ("Maybe the sofa. So the answer is A? Let me check.\n</think>\n\nB", SEATS, 1),
        ("<think>Perhaps the sofa, so the answer is A", SEATS, None),
        ("[THINK]A[/THINK]B", SEATS, 1),
        ("<|channel|>analysis<|message|>A?<|end|><|channel|>final<|message|>B", SEATS, 1),
    ],
)
def test_choices(text, options, expected):
    assert read_choice(text, options).answer == expected


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
        # units and words stuck to a number
        ("2.3m", 2.3),
        ("12.5m.", 12.5),
        ("about 1.75m long", 1.75),
        ("25 m²", 25),
        ("90°", 90),
        ("$5", 5),
        ("20%", 20),
        ("12b", None),
        ("3D", None),
        ("the 2nd", None),
        ("5 feet 3 inches", None),
        # sums, fractions, signs, words
        ("256+37 = 293", 293),
        ("256 + 37 = 293.", 293),
        ("1/2", 0.5),
        ("2½ m", 2.5),
        ("−5", -5),
        ("twenty-one", 21),
        ("It is the one on the left.", None),
        ("2,5 m", None),
        ("12:30", None),
        ("3-4", None),
        ("1.2 x 10^3", None),
        # what is stated or concluded beats what is mentioned
        ("I count 3 here and 2 there. Therefore 5.", 5),
        ("2 here and 2 there, so 4 in total", 4),
        ("The answer is 3 (counting the one behind).", 3),
        ("The answer is between 3 and 4", None),
        (r"\boxed{\text{2.3 m}}", 2.3),
        (r"12 of them? \boxed{many}", None),
        ("<think>7", None),
        ("<think>7</think>4", 4),
    ],
)
def test_values(text, expected):
    assert read_number(text).answer == expected


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("2.3 m", "m", 2.3),
        ("2.3", "m", 2.3),
        ("2.3 m", "cm", None),
        ("2.3 m (7.5 ft)", "m", 2.3),
        ("2.3 m (7.5 ft)", None, None),
        ("25 m2", "m²", 25),
        ("25 meters", "m²", None),
        ("The answer is 2 minutes.", "s", None),
    ],
)
def test_a_number_in_another_unit_is_no_answer(text, unit, expected):
    assert read_number(text, unit).answer == expected


@pytest.mark.parametrize(
    ("question", "unit"),
    [
        ("How long is the bench in metres?", "m"),
        ("What is the size of this room (in square meters)?", "m²"),
        ("How many seconds does it take?", "s"),
        ("What share is it, in percent?", "%"),
        ("How many chairs are in the room?", None),
        ("Who is in second place?", None),
        ("Is it in m or cm?", None),
    ],
)
def test_the_unit_that_a_question_asks_for(question, unit):
    assert asked_unit(question) == unit


def test_symbols_keep_their_case():
    assert [canonical_unit(u) for u in ("m", "M", "KM", "sq. ft", "metres")] == [
        "m", None, "km", "ft²", "m"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Yes, there is a kite above the roof.", "yes"),
        ("No, there is no kite.", "no"),
        ("**Yes**", "yes"),
        ("The answer is no.", "no"),
        ("Yes or no?", None),
        ("There may be one.", None),
    ],
)
def test_the_first_word_answers_a_yes_no_question(text, expected):
    assert read_text(text, ["yes"]).answer == expected


WAYS = (
    "{L}", "({L})", "[{L}]", "{l}", "{l}.", "{L})", "{L}:", "'{L}'", "**{L}**", "Option {L}",
    "{L}. {o}", "({L}) {o}", "**{L}. {o}**", "{L} - {o}", "{L}: {o}", "{o}", "{o}.", "The {o}.",
    "The {o} ({L})", "Answer: {L}", "**Answer:** {L}", "The answer is {L}.", "The answer is ({l})",
    "The correct answer is {L}. {o}", "Correct option: ({L})", "Final answer: {L}", "I choose {L}",
    "I think it's {L}", "I'd go with option {L}.", "So {L}.", "Therefore, the answer is {L}.",
    "It must be the {o}.", "{L} is correct.", r"\boxed{{{L}}}", r"$\boxed{{\text{{{L}}}}}$",
    r"\boxed{{\textbf{{({L})}}}}", "<answer>{L}</answer>", "<think>A? B? C?</think>{L}",
    "hmm, A</think>\n{L}", "答案：{L}", "答案是{L}。", "选{L}", "Antwort: {L}", "Réponse : {L}",
    "{L}\n\nBecause it is near.", "### Answer\n{L}", "{L}</s>", '{{"answer": "{L}"}}',
)  # fmt: skip
ASIDES = ("", "Let me look at the picture. ", "The lamp is behind the {other}. ")


@given(
    st.lists(
        st.sampled_from(["red", "blue", "green", "tall", "small", "old", "round", "flat"]),
        min_size=2, max_size=6, unique=True,
    ),
    st.sampled_from(WAYS),
    st.sampled_from(ASIDES),
    st.data(),
)  # fmt: skip
def test_one_answer_said_in_many_ways_reads_the_same_or_not_at_all(colours, way, aside, data):
    options = [f"{colour} chair" for colour in colours]
    gold = data.draw(st.integers(0, len(options) - 1))
    other = data.draw(st.sampled_from(options))
    letter = "ABCDEF"[gold]
    said = way.format(L=letter, l=letter.lower(), o=options[gold])
    reading = read_choice(aside.format(other=other) + said, options)
    assert reading.answer in (gold, None)
    if not aside:
        assert reading.answer == gold, said


@given(st.sampled_from([3, 2.5, 1200, 0.4, 17]), st.sampled_from([
    "{n}", "{n}.", "{n} m", "{n}m", "{n} meters", "about {n} m", "**{n}**", "The answer is {n}.",
    "Answer: {n} m", "It is {n} metres long.", r"\boxed{{{n}}}", r"\boxed{{{n}\,\text{{m}}}}",
    "<think>4 or 5?</think>{n}", "1 + 1 = 2 chairs. The answer is {n}", "I count 6 and 7, so {n}",
    "{n} m (in feet it would be 9 ft)", "答案：{n}", "['{n}']",
]))  # fmt: skip
def test_one_number_said_in_many_ways_reads_the_same_or_not_at_all(number, way):
    assert read_number(answer_text(way.format(n=number)), "m").answer == number


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
    assert read_text(text).answer == expected
