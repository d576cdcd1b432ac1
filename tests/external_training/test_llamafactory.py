"""The three steps in one. A program that trains with plain PEFT stands where LLaMA-Factory would.

With TST_LLAMAFACTORY=PATH (its llamafactory-cli) the real one is tried as well.
"""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from transformers import AutoTokenizer

from tests.commands import run_here
from tests.external_training.conftest import train_fold
from tst.config.composition import compose
from tst.core.errors import UserError
from tst.diagnostics.llm.diagnostic import LoraLLMDiagnostic
from tst.diagnostics.llm.prompting.encoding import Encoder
from tst.external_training.export import export_folds
from tst.external_training.llamafactory import is_trained_elsewhere, run_with_llamafactory
from tst.external_training.settings import FOR_LLAMAFACTORY
from tst.records.run_records import read_record
from tst.stress_testing.run import load_table, plan_for

REAL = os.environ.get("TST_LLAMAFACTORY", "")
needs_the_real_one = pytest.mark.skipif(
    not REAL, reason="set TST_LLAMAFACTORY to a llamafactory-cli to try the real LLaMA-Factory"
)

TRAINER = """
import socket, sys
from pathlib import Path
assert sys.argv[1] == "train"
name = Path(sys.argv[2]).stem.removeprefix("train-")
if name in {failing!r}:
    sys.exit("out of luck")
with socket.socket(socket.AF_UNIX) as trainer:
    trainer.connect({address!r})
    trainer.sendall(f"{{Path.cwd()}}\\n{{name}}".encode())
    trainer.shutdown(socket.SHUT_WR)
    sys.exit(trainer.recv(10_000).decode() or None)
"""


class Training(socketserver.StreamRequestHandler):
    """Trains the fold that a program asks for; what went wrong is the answer.

    It does so in the tests' process, which has the seconds of imports behind it.
    """

    def handle(self) -> None:
        folder, name = self.rfile.read().decode().split("\n")
        try:
            output = train_fold(Path(folder), name)
            (output / "trainer_state.json").write_text('{"log_history": []}')
        except Exception as error:
            self.wfile.write(repr(error).encode())


@pytest.fixture(scope="module")
def trainer() -> Iterator[str]:
    """The address of a trainer."""
    with TemporaryDirectory() as folder:  # pytest's own are too long for the name of a socket
        address = f"{folder}/trainer"
        with socketserver.UnixStreamServer(address, Training) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield address
            server.shutdown()


@pytest.fixture
def environment(tmp_path, trainer):
    """Makes bin/llamafactory-cli and bin/python of an environment of its own."""

    def make(failing: tuple[str, ...] = ()) -> Path:
        folder = tmp_path / "env" / "bin"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "trainer.py").write_text(TRAINER.format(address=trainer, failing=failing))
        (folder / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        cli = folder / "llamafactory-cli"
        cli.write_text(f'#!/bin/sh\nexec {sys.executable} {folder}/trainer.py "$@"\n')
        for path in (folder / "python", cli):
            path.chmod(0o755)
        return cli

    return make


@pytest.fixture
def run_config(words, tmp_path):
    def make(cli: Path, *more: str):
        return compose([*words, "diagnostic.trainer=llamafactory",
                        f"diagnostic.llamafactory={cli}", f"outputs_root={tmp_path}/out",
                        *more])  # fmt: skip

    return make


def test_export_training_and_scoring_in_one(run_config, environment, tmp_path):
    config = run_config(environment())
    assert is_trained_elsewhere(config)
    result = run_with_llamafactory(config)
    assert result.complete and len(result.questions) == 24
    record = read_record(result.record)
    assert record.label == "TsT-LLM, trained elsewhere"
    assert record.leaves["diagnostic.trainer"].startswith("llamafactory")
    (exported,) = (tmp_path / "out" / "exports").iterdir()
    before = (exported / "adapters" / "0-0" / "adapter_model.safetensors").stat().st_mtime_ns
    assert run_with_llamafactory(config).record == result.record  # nothing is trained again
    after = (exported / "adapters" / "0-0" / "adapter_model.safetensors").stat().st_mtime_ns
    assert before == after


def test_a_failing_trainer_is_one_message_and_what_is_trained_stays(
    run_config, environment, tmp_path
):
    with pytest.raises(UserError, match="exit code 1") as failed:
        run_with_llamafactory(run_config(environment(failing=("0-1",))))
    assert "out of luck" in str(failed.value)
    (exported,) = (tmp_path / "out" / "exports").iterdir()
    assert (exported / "adapters" / "0-0" / "trainer_state.json").is_file()
    done = run_with_llamafactory(run_config(environment()))
    assert done.complete
    assert "fold 0-0 is trained" in (exported / "training.log").read_text()


def test_one_fold_alone(run_config, environment):
    result = run_with_llamafactory(run_config(environment(), "fold.only=[1]"))
    assert not result.complete and set(result.questions["fold"]) == {1}


def test_a_dry_run_describes_what_would_be_trained(words, environment, tmp_path):
    done = run_here(
        "tst.main", *words, "diagnostic.trainer=llamafactory", "dry_run=true",
        f"diagnostic.llamafactory={environment()}", f"outputs_root={tmp_path}/out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "optimizer steps per adapter" in done.stdout and "tokens trained on" in done.stdout


def test_no_program_and_other_commands_are_refused(run_config, tmp_path):
    config = run_config(tmp_path / "none")
    with pytest.raises(UserError, match="no such program"):
        run_with_llamafactory(config)
    with pytest.raises(UserError, match="only a whole stress test"):
        LoraLLMDiagnostic(config.diagnostic, config.model, config.optimizer)
    config.diagnostic = replace(config.diagnostic, mc_scoring="options", llamafactory="sh")
    with pytest.raises(UserError, match="mc_scoring=options: others train letters"):
        run_with_llamafactory(config)


def test_versions_are_those_that_its_python_would_import(exported, environment, tmp_path):
    cli = environment()
    for place, version in (("first", "5.6.0"), ("second", "5.17.0")):
        about = tmp_path / place / f"transformers-{version}.dist-info" / "METADATA"
        about.parent.mkdir(parents=True)
        about.write_text(f"Metadata-Version: 2.1\nName: transformers\nVersion: {version}\n")
    path = f"{tmp_path}/first:{tmp_path}/second"
    run = ["bash", str(exported.folder / "run.sh")]
    known = {**os.environ, "LLAMAFACTORY": str(cli), "FOLDS": " ", "PYTHONPATH": path}
    subprocess.run(run, env=known, check=False)
    versions = json.loads((exported.folder / "adapters" / "versions.json").read_text())
    assert versions["transformers"] == "5.6.0" and "llamafactory" not in versions


def test_the_script_says_what_is_missing(exported):
    done = subprocess.run(
        ["bash", str(exported.folder / "run.sh")],
        env={**os.environ, "LLAMAFACTORY": "/nowhere/llamafactory-cli"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and "set LLAMAFACTORY=PATH" in done.stderr


def test_the_script_trains_on_one_gpu_and_says_which_fold_failed(exported, tmp_path):
    folder = tmp_path / "env"
    folder.mkdir()
    for name, line in (
        ("python", "echo '{}'"),
        ("llamafactory-cli", 'echo "$2 on GPU <$CUDA_VISIBLE_DEVICES>"; exit $CODE'),
    ):
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    here = {k: v for k, v in os.environ.items() if k != "CUDA_VISIBLE_DEVICES"}
    here["LLAMAFACTORY"] = str(folder / "llamafactory-cli")

    def run_script(**more: str) -> subprocess.CompletedProcess[str]:
        line = ["bash", str(exported.folder / "run.sh")]
        return subprocess.run(line, env=here | more, capture_output=True, text=True, check=False)

    done = run_script(CODE="7")
    assert done.returncode == 7 and "train-0-0.yaml on GPU <0>\n" in done.stdout
    assert "train-0-1.yaml" not in done.stdout
    assert "fold 0-0: " in done.stderr and "ended with exit code 7. Folds that" in done.stderr
    done = run_script(CODE="0", FOLDS="0-1", CUDA_VISIBLE_DEVICES="3,1")
    assert done.returncode == 1 and "train-0-1.yaml on GPU <3>\n" in done.stdout
    assert "fold 0-1: no adapters/0-1/trainer_state.json was written" in done.stderr
    assert "on GPU <>\n" in run_script(CODE="1", CUDA_VISIBLE_DEVICES="").stdout
    done = run_script(CODE="0", FOLDS="0-0 0-5")
    assert done.returncode == 2 and done.stdout == ""
    assert "there is no fold 0-5; there are 0-0 0-1" in done.stderr


RENDER = """
import json, sys
import yaml
from transformers import HfArgumentParser
from llamafactory.hparams import get_train_args
from llamafactory.model import load_tokenizer
from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
args = yaml.safe_load(open(sys.argv[1]))
model_args, data_args, training_args, _, _ = get_train_args(args)
module = load_tokenizer(model_args)
template = get_template_and_fix_tokenizer(module["tokenizer"], data_args)
found = get_dataset(template, model_args, data_args, training_args, stage="sft", **module)
rows = [[r["input_ids"], r["labels"]] for r in found["train_dataset"]]
json.dump(rows, open(sys.argv[2], "w"))
"""


@needs_the_real_one
@pytest.mark.parametrize("style", FOR_LLAMAFACTORY)
def test_the_real_one_reads_the_prompts_token_by_token(export_config, base, tmp_path, style):
    config = export_config(f"format={style}", f"to={tmp_path}/folds")
    folder = export_folds(config, tmp_path / "folds", style).folder
    (tmp_path / "render.py").write_text(RENDER)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    for fold in (0, 1):
        line = [str(Path(REAL).parent / "python"), str(tmp_path / "render.py"),
                f"train-0-{fold}.yaml", str(tmp_path / "rows.json")]  # fmt: skip
        done = subprocess.run(line, cwd=folder, env=environment, capture_output=True,
                              text=True, check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        rows = json.loads((tmp_path / "rows.json").read_text())
        table = load_table(config)
        plan = plan_for(config, table)
        held = set(plan.heldout_rows(0, fold))
        train = table.frame.loc[[i for i in plan.order if i not in held]]
        encoder = Encoder(AutoTokenizer.from_pretrained(base), 1024)
        prompts, targets = encoder.encode(train).prompts, encoder.encode_targets(train)
        assert len(rows) == len(train)
        for (ids, labels), prompt, target in zip(rows, prompts, targets, strict=True):
            assert ids[: len(prompt.ids)] == prompt.ids
            assert labels[: len(prompt.ids)] == [-100] * len(prompt.ids)
            assert labels[len(prompt.ids) :] == ids[len(prompt.ids) :] == target


@needs_the_real_one
def test_the_real_one_trains_the_folds(run_config):
    result = run_with_llamafactory(run_config(Path(REAL), "model.quantization=none"))
    assert result.complete
    leaves = read_record(result.record).leaves
    assert leaves["diagnostic.trainer"].startswith("llamafactory 0.")
    assert leaves["diagnostic.epochs"] == 1.0
