import pytest

from tst.cli.command_line import arrange


@pytest.mark.parametrize(
    ("typed", "arranged"),
    [
        ("-m benchmark=a,b model=x,y", "-m model=x,y benchmark=a,b"),
        ("benchmark=a -m model=x", "-m model=x benchmark=a"),
        ("diagnostic=rf fold.k=3 --multirun", "--multirun diagnostic=rf fold.k=3"),
        ("--config-dir d=x benchmark=a model.name=q", "--config-dir d=x model.name=q benchmark=a"),
        ("--cfg job benchmark=a model=m", "--cfg job model=m benchmark=a"),
        ("model.quantization=none benchmark=a", "model.quantization=none benchmark=a"),
        ("", ""),
    ],
)
def test_arrange(typed, arranged):
    assert arrange(typed.split()) == arranged.split()
