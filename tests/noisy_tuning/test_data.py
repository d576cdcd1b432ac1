"""Reading instruction pairs: formats, canonical order, samples and splits, refusals."""

import json

import pandas as pd
import pytest

from tst.benchmarks.files.records import Source, numbered
from tst.benchmarks.settings import HubSettings
from tst.core.errors import UserError
from tst.noisy_tuning import data as data_module
from tst.noisy_tuning.data import held_out_pairs, load_pairs, split_pairs
from tst.noisy_tuning.pairs import prompt_text
from tst.noisy_tuning.settings import DataSettings, PairColumns


def write(tmp_path, rows, name="pairs.jsonl"):
    path = tmp_path / name
    text = json.dumps(rows) if name.endswith(".json") else "\n".join(map(json.dumps, rows))
    path.write_text(text)
    return str(path)


def load(path, **settings):
    return load_pairs(DataSettings(path=path, **settings), seed=0)


def talk(*contents):
    roles = ["user", "assistant"] * len(contents)
    return [{"role": r, "content": c} for r, c in zip(roles, contents, strict=False)]


def test_default_is_generated():
    table = load_pairs(DataSettings(), seed=0)
    assert len(table.frame) == 400 and table.left_out == []
    assert list(table.frame) == ["prompt", "response", "rejected", "family", "source_row", "id"]


@pytest.mark.parametrize("name", ["pairs.json", "pairs.jsonl"])
def test_alpaca(tmp_path, name):
    rows = [
        {"instruction": "Translate.", "input": " ein Haus ", "output": "a house"},
        {"instruction": "Say hello.", "input": "", "output": " Hello. "},
        {"instruction": "Count.", "output": 3},
    ]
    table = load(write(tmp_path, rows, name))
    frame = table.frame.sort_values("source_row")
    assert [p[0]["content"] for p in frame["prompt"]] == [
        "Translate.\n\nein Haus",
        "Say hello.",
        "Count.",
    ]
    assert list(frame["response"]) == ["a house", "Hello.", "3"]
    assert table.name == "pairs" and table.rows_read == 3


def test_columns_can_have_other_names_and_be_nested(tmp_path):
    rows = [{"q": {"text": "Why?"}, "a": "Because."}]
    columns = PairColumns(instruction="q.text", output="a")
    (row,) = load(write(tmp_path, rows), columns=columns).frame.to_dict("records")
    assert row["prompt"] == talk("Why?") and row["response"] == "Because."


def test_messages_keep_system_and_earlier_turns(tmp_path):
    system = [{"role": "system", "content": "Be brief."}]
    rows = [
        {"messages": system + talk("Hi", "Hello"), "instruction": "x", "output": "y"},
        {"messages": talk("One", "1", "Two", "2")},
    ]
    frame = load(write(tmp_path, rows)).frame.sort_values("source_row")
    assert list(frame["response"]) == ["Hello", "2"]
    assert list(frame["prompt"]) == [system + talk("Hi"), talk("One", "1", "Two")]


def test_preference_of_texts_and_of_messages(tmp_path):
    texts = [{"instruction": "Hi", "chosen": "Hello", "rejected": "What?"}]
    messages = [{"prompt": "Hi", "chosen": talk("Hi", "Hello"), "rejected": talk("Hi", "What?")}]
    for rows in (texts, messages):
        (row,) = load(write(tmp_path, rows)).frame.to_dict("records")
        assert row["prompt"] == talk("Hi")
        assert (row["response"], row["rejected"]) == ("Hello", "What?")


def test_row_order_of_the_source_changes_nothing(tmp_path):
    rows = [{"instruction": f"Add {i}", "output": str(i)} for i in range(60)]
    tables = [load(write(tmp_path, order), n=40) for order in (rows, rows[::-1])]
    first, second = (t.frame.drop(columns=["source_row", "id"]) for t in tables)
    pd.testing.assert_frame_equal(first, second)
    assert [rows[i]["output"] for i in tables[0].frame["source_row"]] == list(first["response"])


def test_bad_rows_are_all_named_at_once_or_left_out(tmp_path):
    rows = [
        {"instruction": "Fine", "output": "yes"},
        {"instruction": " ", "output": "no instruction"},
        {"instruction": "No output", "output": None},
        {"instruction": "A list", "output": ["a", "b"]},
    ]
    path = write(tmp_path, rows)
    with pytest.raises(UserError) as error:
        load(path)
    for part in ("3 of the 4", "row 1: instruction is empty", "row 2: output is empty", "row 3"):
        assert part in str(error.value)
    table = load(path, strict=False)
    assert len(table.frame) == 1 and [b.row for b in table.left_out] == [1, 2, 3]
    assert table.rows_read == 4


def test_sharegpt_messages_are_read_and_empty_system_messages_are_none(tmp_path):
    said = [("system", " "), ("human", "Hi"), ("gpt", "Hello"), ("human", "Bye"), ("gpt", "Ciao")]
    rows = [
        {"conversations": [{"from": who, "value": text} for who, text in said]},
        {"conversations": [{"role": "system", "content": None}, *talk("Hi", "Hey")]},
    ]
    table = load(write(tmp_path, rows), columns=PairColumns(messages="conversations"))
    first, second = table.frame.sort_values("source_row").to_dict("records")
    assert (first["prompt"], first["response"]) == (talk("Hi", "Hello", "Bye"), "Ciao")
    assert (second["prompt"], second["response"]) == (talk("Hi"), "Hey")


def test_a_csv_holds_messages_as_json(tmp_path):
    path = tmp_path / "pairs.csv"
    pd.DataFrame({"messages": [json.dumps(talk("Hi", 'Say "é", twice'))] * 2}).to_csv(path)
    first, _ = load(str(path)).frame.to_dict("records")
    assert (first["prompt"], first["response"]) == (talk("Hi"), 'Say "é", twice')


def test_ids_of_a_numbers_column_with_gaps_stay_whole_numbers(tmp_path):
    path = tmp_path / "pairs.parquet"
    rows = {"id": [100, None, 7], "instruction": ["Hi", "Bye", "Why?"], "output": ["A", "B", "C"]}
    pd.DataFrame(rows).to_parquet(path)
    frame = load(str(path)).frame.sort_values("source_row")
    assert frame["id"].tolist() == ["100", "row1", "7"]


def test_half_a_surrogate_pair_becomes_the_replacement_character(tmp_path):
    rows = [{"id": "\ud83d", "instruction": "Hi \ud83d", "output": "\udc00 Hello"}]
    table = load(write(tmp_path, rows))
    (pair,) = table.frame.to_dict("records")
    assert (pair["id"], pair["response"]) == ("\ufffd", "\ufffd Hello")
    assert prompt_text(pair["prompt"]) == "user: Hi \ufffd" and len(table.fingerprint) == 16


@pytest.mark.parametrize(
    ("row", "advice"),
    [
        ({"id": 1, "question": "Hi", "answer": "Hello"},
         "data.columns.instruction=question data.columns.output=answer"),
        ({"Instruction": "Hi", "Input": "", "Output": "Hello"},
         "data.columns.instruction=Instruction data.columns.output=Output"),
        ({"completion": "Hello", "prompt": "Hi"},
         "data.columns.instruction=prompt data.columns.output=completion"),
        ({"id": "a", "conversations": [{"from": "human", "value": "Hi"}]},
         "data.columns.messages=conversations"),
        ({"x": 1, "y": 2}, "data.columns.instruction=COLUMN data.columns.output=COLUMN"),
    ],
)  # fmt: skip
def test_unknown_columns_are_refused_with_the_settings_that_name_them(tmp_path, row, advice):
    with pytest.raises(UserError) as error:
        load(write(tmp_path, [row, row]))
    assert str(error.value).endswith(f"Name them, e.g. {advice}.")


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ("Hi", "not a list of messages"),
        (talk("Hi"), "does not end with a message of the assistant"),
        (talk("Hi", "Hello")[1:], "no message of the user"),
        (talk("Hi", " "), "content is empty"),
        ([{"role": "robot", "content": "x"}], "role 'robot'"),
        ([{"from": "tool", "value": "x"}], "role 'tool'"),
        ([{"text": "x"}], "role None"),
        ([{"role": "user", "content": [{"type": "image"}]}], "is a list, not text"),
        ([], "does not end"),
    ],
)
def test_bad_messages_say_why(tmp_path, messages, reason):
    rows = [{"messages": messages}, {"messages": talk("Hi", "Hello")}]
    with pytest.raises(UserError, match=reason):
        load(write(tmp_path, rows))


def test_unknown_columns_are_refused_with_what_there_is(tmp_path):
    path = write(tmp_path, [{"instructions": "Hi", "reply": "Hello"}])
    with pytest.raises(UserError, match="columns are instructions, reply"):
        load(path)
    with pytest.raises(UserError, match="did you mean 'instructions'"):
        load(path, format="alpaca")


def test_nothing_usable_is_refused_even_when_not_strict(tmp_path):
    path = write(tmp_path, [{"instruction": "", "output": "x"}])
    with pytest.raises(UserError, match="Check data"):
        load(path, strict=False)


def test_missing_file_and_too_large_sample_are_refused(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        load(str(tmp_path / "none.json"))
    path = write(tmp_path, [{"instruction": "Hi", "output": "Hello"}])
    with pytest.raises(UserError, match="ask for fewer"):
        load(path, n=2)


def test_hub_reads_only_the_mapped_columns(monkeypatch):
    seen = {}

    def read(name, hub, choose):
        seen["columns"] = choose(["prompt", "chosen", "rejected", "messages", "score_chosen"])
        rows = [{"prompt": "Hi", "chosen": talk("Hi", "A"), "rejected": talk("Hi", "B")}]
        return Source([numbered("test.jsonl", rows)], "hf://datasets/owner/name", "abc")

    monkeypatch.setattr(data_module, "read_hub", read)
    columns = PairColumns(instruction="prompt")
    settings = DataSettings(
        "feedback", hub=HubSettings("owner/name"), format="preference", columns=columns
    )
    table = load_pairs(settings, seed=0)
    assert seen["columns"] == ["prompt", "chosen", "rejected", "messages"]
    assert (table.name, table.revision) == ("feedback", "abc")


def test_split_holds_out_whole_prompts(tmp_path):
    rows = [{"instruction": f"Add {i // 2 if i < 20 else i}", "output": str(i)} for i in range(50)]
    frame = load(write(tmp_path, rows)).frame
    train, heldout = split_pairs(frame, 10, seed=0)
    assert (len(train), len(heldout)) == (40, 10)
    assert not set(train["prompt"].map(prompt_text)) & set(heldout["prompt"].map(prompt_text))
    again = split_pairs(frame, 10, seed=0)[1]
    pd.testing.assert_frame_equal(heldout, again)
    assert not heldout["source_row"].equals(split_pairs(frame, 10, seed=1)[1]["source_row"])


def test_split_refuses_too_many(tmp_path):
    rows = [{"instruction": f"Add {max(i, 4)}", "output": str(i)} for i in range(8)]
    with pytest.raises(UserError, match=r"data.held_out=4.*8 pairs, 3 of them"):
        split_pairs(load(write(tmp_path, rows)).frame, 4, seed=0)
    with pytest.raises(UserError, match="every prompt occurs more than once"):
        split_pairs(load(write(tmp_path, rows[:5])).frame, 1, seed=0)
    with pytest.raises(UserError, match="there is one pair"):
        split_pairs(load(write(tmp_path, rows[:1])).frame, 1, seed=0)


def test_a_quarter_is_held_out_and_no_more_than_100():
    assert [held_out_pairs("auto", n) for n in (1, 7, 60, 400, 5000)] == [1, 1, 15, 100, 100]
    assert held_out_pairs(30, 60) == 30
