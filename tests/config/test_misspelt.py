import pytest

from tst.compare import COMMAND as COMPARE
from tst.config.composition import compose
from tst.core.errors import UserError


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("diagnostc=rf", "diagnostc: there is no such setting. Did you mean diagnostic?"),
        ("fold.sed=3", "fold.sed: there is no such setting. Did you mean fold.seed?"),
        ("diagnostic.tress=3", "Did you mean diagnostic.trees?"),
        ("trees=10", "trees: there is no such setting. Did you mean diagnostic.trees?"),
        ("seed=1", "Did you mean benchmark.seed or fold.seed?"),
        ("fold.xyz=1", "fold.xyz: there is no such setting. There are fold.group_by, fold.k,"),
        ("diagnostic=rg", "Did you mean diagnostic=rf?"),
        ("benchmark=vsi", "as benchmark=my.csv. Did you mean benchmark=vsi_bench?"),
        ("model=qwen", "or any other as model.name=PATH_OR_HUB_ID. Did you mean model=qwen"),
        ("model=Qwen/Qwen2-7B", "model=Qwen/Qwen2-7B: expected one of gemma2b,"),
        ("model=/my/folder", "or any other as model.name=PATH_OR_HUB_ID."),
        ("hydra/launcher=jobib", "Did you mean hydra/launcher=joblib?"),
        ("diagnostic", "diagnostic: expected a setting, written key=value."),
        ("fold=[1", "fold=[1: cannot be read (no viable alternative at input '[1')."),
    ],
)  # fmt: skip
def test_what_is_misspelt_is_named_with_what_may_be_meant(typed, message):
    with pytest.raises(UserError) as refused:
        compose(["diagnostic=rf", typed] if not typed.startswith("diagnostic=") else [typed])
    assert message in str(refused.value)
    assert "Key '" not in str(refused.value)


def test_settings_of_other_commands_are_known_too():
    with pytest.raises(UserError, match=r"output_root: .* Did you mean outputs_root\?"):
        COMPARE.compose(["output_root=x"])


def test_a_group_that_a_command_lacks_is_named():
    with pytest.raises(UserError, match=r"^model: this command has no such group of options\.\n"):
        COMPARE.compose(["model=tiny"])


def test_a_folder_that_is_no_benchmark_is_named_as_one_is_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "planned").mkdir()
    with pytest.raises(UserError, match=r"The file or folder of that name is \./planned\."):
        compose(["diagnostic=rf", "benchmark=planned"])
