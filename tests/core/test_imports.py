import pytest

from tst.core.errors import UserError
from tst.core.folds import plan_folds
from tst.core.imports import import_object


def test_an_object_by_its_dotted_path():
    assert import_object("tst.core.folds.plan_folds", "x", "a function") is plan_folds


@pytest.mark.parametrize("dotted", ["no_such_module.f", "tst.core.folds.no_such", "plain", ""])
def test_what_cannot_be_imported_is_one_message(dotted):
    with pytest.raises(UserError) as raised:
        import_object(dotted, "benchmark.reader", "a function")
    text = str(raised.value)
    assert text.startswith(f"benchmark.reader={dotted}: cannot be imported (")
    assert text.endswith(
        "); expected a function. Its module is looked for on PYTHONPATH, in the folder that "
        "python -m is run from, and in the folder of --config-dir."
    )
