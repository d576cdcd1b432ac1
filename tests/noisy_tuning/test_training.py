"""Training on planned steps: losses, probes, micro-batches, optimizers; a random tiny model."""

import numpy as np
import pandas as pd
import pytest
import torch

from tests.optimizers.test_build import Readbacks
from tst.diagnostics.llm.model.loading import load_base
from tst.diagnostics.llm.settings import ModelSettings, OptimizerSettings
from tst.diagnostics.llm.training.memory import MemoryPlan
from tst.noisy_tuning.encoding import encode_pairs
from tst.noisy_tuning.generated import generate_pairs
from tst.noisy_tuning.losses import pair_losses
from tst.noisy_tuning.schedule import plan_steps
from tst.noisy_tuning.settings import ScheduleSettings, TrainingSettings
from tst.noisy_tuning.step_passes import PairCollator
from tst.noisy_tuning.step_probe import StepProbe
from tst.noisy_tuning.training import ProbedTrainer, RunPlan, SharedTraining, trained

TINY = ModelSettings("tiny", quantization="none")


@pytest.fixture(scope="module")
def base():
    return load_base(TINY, "cpu")


@pytest.fixture(scope="module")
def examples(base):
    pairs = generate_pairs(50, seed=0)
    prompts, responses = [p.prompt for p in pairs], [p.response for p in pairs]
    return encode_pairs(base.tokenizer, prompts, responses, 128).examples


def plan(kind="probe", steps=3):
    corrupted = np.arange(50) < 15
    return plan_steps(corrupted, ScheduleSettings(kind, steps, 6), seed=0)


def run(base, examples, optimizer="adamw", micro_batch=6, steps=3, every=0, **settings):
    def measure(losses):
        return {"held_out": losses(examples[:4]).mean(axis=1)}

    training = TrainingSettings(learning_rate=1e-2, **settings)
    memory = MemoryPlan(micro_batch, checkpointing=training.checkpointing)
    one = RunPlan(training, OptimizerSettings(optimizer), plan(steps=steps))
    shared = SharedTraining(base, examples, 0, memory, every, measure)
    with trained(shared, one) as outcome:
        (steps,), (curve,) = outcome.steps, outcome.curves
        return steps, curve, outcome.losses(examples)[0]


def test_pair_losses_are_each_pairs_mean_over_its_target(base, examples):
    losses = pair_losses(base.model, examples)
    prompt, target = examples[7]
    with torch.no_grad():
        logits = base.model(torch.tensor([prompt + target])).logits[0, len(prompt) - 1 : -1]
    expected = torch.nn.functional.cross_entropy(logits, torch.tensor(target))
    assert losses.shape == (50,)
    assert losses[7] == pytest.approx(float(expected), abs=1e-4)


def test_every_step_is_measured(base, examples):
    steps, curve, _ = run(base, examples, "casmo", every=2)
    names = ["loss", "confidence", "agar", "grad_norm", "seconds", "optimizer_seconds"]
    assert list(steps) == names and len(steps) == 3
    assert steps.notna().all(axis=None)
    assert (steps["seconds"] > steps["optimizer_seconds"]).all()
    assert steps["agar"].between(0, 1).all() and steps["confidence"].between(0, 1).all()
    assert curve["step"].tolist() == [2]


def test_a_steps_loss_is_the_mean_of_its_target_tokens(base, examples):
    steps, _, _ = run(base, examples, dropout=0.0)
    before = pair_losses(base.model, examples)
    rows = plan()[0].rows
    sizes = np.array([len(examples[i][1]) for i in rows])
    assert steps["loss"][0] == pytest.approx((before[rows] * sizes).sum() / sizes.sum(), abs=1e-4)


def test_micro_batches_change_nothing_with_dropout_too(base, examples):
    whole, _, after = run(base, examples, dropout=0.2)
    parts, _, after_parts = run(base, examples, dropout=0.2, micro_batch=2)
    columns = ["loss", "grad_norm"]
    np.testing.assert_allclose(whole[columns], parts[columns], rtol=1e-4)
    np.testing.assert_allclose(after, after_parts, rtol=1e-3)


def test_training_learns_and_leaves_the_base_bare(base, examples):
    before = pair_losses(base.model, examples)
    _, _, after = run(base, examples, steps=30)
    assert after.mean() < before.mean() - 0.1
    np.testing.assert_array_equal(pair_losses(base.model, examples), before)


def test_measuring_on_the_way_does_not_change_training(base, examples):
    _, _, silent = run(base, examples)
    _, _, watched = run(base, examples, every=1)
    np.testing.assert_array_equal(silent, watched)


@pytest.mark.parametrize("name", ["adamw", "casmo", "casmo_calibrated"])
def test_every_optimizer_trains_and_reports_what_it_has(base, examples, name):
    if name == "casmo_calibrated":
        pytest.importorskip("casmo")
    steps, _, _ = run(base, examples, name)
    assert steps["agar"].notna().all() == (name != "adamw")
    # the package calibrates itself for 50 steps first
    assert steps["confidence"].notna().any() == (name == "casmo")


@pytest.mark.parametrize("name", ["adamw", "casmo"])
def test_measuring_a_step_reads_nothing_back(base, examples, monkeypatch, name):
    """Everything stays on the device until training is over, when the table is read once."""
    found = []
    read = StepProbe.tables

    def late(probe, losses):
        found.append((probe, losses))
        return [pd.DataFrame()]

    monkeypatch.setattr(StepProbe, "tables", late)
    counts = []
    for steps in (2, 5):
        with Readbacks() as readbacks:
            run(base, examples, name, steps=steps)
        counts.append(readbacks.count)
    assert counts[0] == counts[1]
    assert [len(read(*each)[0]) for each in found] == [2, 5]


def test_the_memory_probe_keeps_no_more_than_training_will(base, examples, monkeypatch):
    """Checkpointed, a step keeps a layer's input where it would keep all of its activations."""
    kept = {}
    train = ProbedTrainer.train

    def probe_and_train(trainer):
        storages = {}

        def note(tensor):
            storages[tensor.untyped_storage()._cdata] = tensor.untyped_storage()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            trainer.probe(trainer.data_collator.longest())
        kept[trainer.args.gradient_checkpointing] = sum(s.nbytes() for s in storages.values())
        assert all(p.grad is None for p in trainer.model.parameters())
        return train(trainer)

    monkeypatch.setattr(ProbedTrainer, "train", probe_and_train)
    plain, _, after = run(base, examples, dropout=0.0)
    checkpointed, _, after_checkpointed = run(base, examples, dropout=0.0, checkpointing=True)
    assert kept[True] < 0.5 * kept[False]
    columns = ["loss", "grad_norm"]
    np.testing.assert_allclose(plain[columns], checkpointed[columns], rtol=1e-4)
    np.testing.assert_allclose(after, after_checkpointed, rtol=1e-4)


def test_a_steps_passes_hold_its_pairs_longest_first(examples):
    steps = plan("plain", 12)
    collator = PairCollator(examples, [steps], 4, 0)
    for number, step in enumerate(steps):
        first, second = collator.passes(number)
        assert (len(first.input_ids), len(second.input_ids)) == (4, 2)
        assert first.input_ids.shape[1] >= second.input_ids.shape[1]
        tokens = sum(sum(map(len, examples[i])) - 1 for i in step.rows)
        assert first.tokens + second.tokens == tokens
        assert float(first.weights.sum() + second.weights.sum()) == pytest.approx(1)


def test_the_longest_pass_is_found_for_the_memory_probe(examples):
    collator = PairCollator(examples, [plan("plain", 12)], 2, 0)
    assert len(collator) == 12
    widest = max(b.input_ids.shape[1] for i in range(12) for b in collator.passes(i))
    assert collator.longest().input_ids.shape[1] == widest
