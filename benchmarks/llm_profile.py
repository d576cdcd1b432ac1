"""Which kernels one captured pass of stacked training spends its time in (CUDA).

    python benchmarks/llm_profile.py --shape mistral7b benchmark=vsi_bench data_root=DIR

Takes the options of llm_speed.py. The pass is one of the table's own, of a common length.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections import Counter

import torch
from llm_setup import lora_settings, parse, read_table, smollm2_folder
from llm_shapes import random_base
from llm_speed import Run
from transformers import AutoTokenizer

from tst.core.folds import plan_folds
from tst.diagnostics.llm.model.answer_head import AnswerHead
from tst.diagnostics.llm.model.loading import keep_base, pick_device
from tst.diagnostics.llm.settings import ModelSettings
from tst.diagnostics.llm.training.cuda_graphs import GraphedPass
from tst.diagnostics.llm.training.objective import pass_losses
from tst.diagnostics.llm.training.stacked_adapters import StackedAdapters
from tst.diagnostics.llm.training.stacked_folds import CUDA_LENGTHS
from tst.diagnostics.llm.training.steps import StepCollator, as_inputs

REPLAYS = 20
KERNELS = 40


def main(arguments: argparse.Namespace) -> None:
    warnings.filterwarnings("ignore")
    device = pick_device("cuda")
    tokenizer = AutoTokenizer.from_pretrained(arguments.tokenizer or smollm2_folder())
    table = read_table(arguments.questions, arguments.rows or 1500)
    settings = lora_settings(arguments)
    model = ModelSettings(name=arguments.shape, quantization=arguments.quantization)
    base = random_base(
        arguments.shape, tokenizer, device, arguments.quantization, arguments.kernels
    )
    keep_base(model, "cuda", base)
    plan = plan_folds(table, k=arguments.k, seed=0)
    tasks = Run(arguments, settings, model, table, plan, 1, 1.0).tasks
    with_head = any(task.learns_choices for task in tasks)
    adapters = StackedAdapters(base, settings, [task.seed for task in tasks], with_head)
    shapes = StepCollator(tasks, settings, arguments.batch, CUDA_LENGTHS).shapes()
    batch = shapes[len(shapes) * 2 // 3]

    def loss_of(inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        adapters.bind()
        adapters.masks.begin(inputs["dropout_keys"], inputs["input_ids"].shape[1])
        with AnswerHead(base.model).attached() as head:
            logits, _ = head.logits(inputs["input_ids"], inputs["positions"], use_cache=False)
        losses, _ = pass_losses(
            logits, head.states, inputs, adapters.head, tasks[0].yes_no, len(tasks)
        )
        return losses.sum()

    with adapters.attached():
        base.model.train()
        replay = GraphedPass(loss_of, adapters.weights, True)
        (inputs,) = as_inputs([batch])["passes"]
        inputs = {name: tensor.to(device) for name, tensor in inputs.items()}
        replay.capture(inputs, uses=1)
        replay(inputs)
        torch.cuda.synchronize()
        started = time.perf_counter()
        for _ in range(REPLAYS):
            replay(inputs)
        torch.cuda.synchronize()
        seconds = (time.perf_counter() - started) / REPLAYS
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as trace:
            replay(inputs)
            torch.cuda.synchronize()
    spent: Counter[str] = Counter()
    times: Counter[str] = Counter()
    for event in trace.events():
        spent[event.name] += event.device_time
        times[event.name] += 1
    print(
        f"{arguments.shape} {arguments.quantization} {base.identity}: "
        f"{tuple(batch.input_ids.shape)}, {batch.tokens} tokens, "
        f"{1e3 * seconds:.1f} ms, {sum(times.values())} kernels, peak "
        f"{torch.cuda.max_memory_allocated() / 2**30:.2f} GiB"
    )
    for name, micros in spent.most_common(KERNELS):
        print(f"{micros / 1e3:8.2f} ms {times[name]:5d}  {name[:120]}")


if __name__ == "__main__":
    main(parse(__doc__))
