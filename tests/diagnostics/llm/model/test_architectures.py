"""Every kind of model that users name, as a tiny random one of its true class.

Answers equal plain transformers', folds trained at once equal folds trained one by one, and what
has adapters is the decoder alone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import transformers as hf

from tests.diagnostics.llm.conftest import mixed_rows
from tst.core.errors import UserError
from tst.core.folds import plan_folds
from tst.core.questions import build_table
from tst.diagnostics.llm.diagnostic import LoraLLMDiagnostic
from tst.diagnostics.llm.dry_run import describe_run
from tst.diagnostics.llm.model.layers import adapted_layers
from tst.diagnostics.llm.model.loading import free_base, load_base
from tst.diagnostics.llm.model.tiny_model import build_tokenizer
from tst.diagnostics.llm.prompting.prompts import LETTERS, render_prompt
from tst.diagnostics.llm.settings import LoraSettings, ModelSettings, OptimizerSettings

VOCABULARY = len(build_tokenizer())
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2}
LOCAL_EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2}
WINDOWS = {"sliding_window": 64, "layer_types": ["sliding_attention", "full_attention"]}
VISION = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1}
ROPE = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
LATENT = {"q_lora_rank": 8, "kv_lora_rank": 8, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8}


def of(config: type[hf.PretrainedConfig], **changes: object) -> hf.PretrainedConfig:
    return config(**{**SIZES, **changes})


CONFIGS: dict[str, Callable[[], hf.PretrainedConfig]] = {
    "llama": lambda: of(hf.LlamaConfig),
    "qwen3": lambda: of(hf.Qwen3Config, head_dim=8),
    "gemma2": lambda: of(hf.Gemma2Config, head_dim=8, sliding_window=64),
    "gemma3_text": lambda: of(hf.Gemma3TextConfig, head_dim=8, **WINDOWS),
    "gpt2": lambda: hf.GPT2Config(vocab_size=VOCABULARY, n_embd=32, n_layer=2, n_head=4),
    "gpt_neox": lambda: of(hf.GPTNeoXConfig),
    "phi": lambda: of(hf.PhiConfig, num_key_value_heads=4),
    "phi3": lambda: of(hf.Phi3Config),
    "opt": lambda: of(hf.OPTConfig, ffn_dim=64, word_embed_proj_dim=32),
    "mixtral": lambda: of(hf.MixtralConfig, **LOCAL_EXPERTS),
    "qwen3_moe": lambda: of(hf.Qwen3MoeConfig, moe_intermediate_size=16, head_dim=8, **EXPERTS),
    "olmoe": lambda: of(hf.OlmoeConfig, **EXPERTS),
    "deepseek_v3": lambda: of(
        hf.DeepseekV3Config, num_key_value_heads=4, n_routed_experts=4, num_experts_per_tok=2,
        n_group=1, topk_group=1, first_k_dense_replace=1, moe_intermediate_size=16, v_head_dim=8,
        **LATENT,
    ),
    "phimoe": lambda: of(hf.PhimoeConfig, **LOCAL_EXPERTS),
    "modernbert_decoder": lambda: of(hf.ModernBertDecoderConfig, num_key_value_heads=4),
    "gpt_oss": lambda: of(hf.GptOssConfig, head_dim=8, **LOCAL_EXPERTS, **WINDOWS),
    "mamba": lambda: of(hf.MambaConfig, state_size=4),
    "mamba2": lambda: of(
        hf.Mamba2Config, state_size=8, num_heads=8, head_dim=8, n_groups=1, chunk_size=64
    ),
    "qwen2_vl": lambda: hf.Qwen2VLConfig(
        text_config={**SIZES, "rope_parameters": ROPE},
        vision_config={"depth": 1, "embed_dim": 32, "hidden_size": 32, "num_heads": 2},
        image_token_id=10, video_token_id=11, vision_start_token_id=12, vision_end_token_id=13,
    ),
    "gemma3": lambda: hf.Gemma3Config(
        text_config={**SIZES, "head_dim": 8, **WINDOWS},
        vision_config={**VISION, "num_attention_heads": 2, "image_size": 28, "patch_size": 14},
        mm_tokens_per_image=4, image_token_index=10, boi_token_index=11, eoi_token_index=12,
    ),
}  # fmt: skip
VISION_LANGUAGE = ("qwen2_vl", "gemma3")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny random model of a kind, with the tiny tokenizer."""
    root = tmp_path_factory.mktemp("models")

    def folder(name: str) -> Path:
        if not (root / name).is_dir():
            language = hf.AutoModelForCausalLM
            kind = hf.AutoModelForImageTextToText if name in VISION_LANGUAGE else language
            torch.manual_seed(0)
            kind.from_config(CONFIGS[name]()).save_pretrained(root / name)
            build_tokenizer().save_pretrained(root / name)
        return root / name

    yield folder
    free_base()


@pytest.fixture(scope="module")
def questions() -> pd.DataFrame:
    rows = [row for row in mixed_rows(16) if row["format"] == "mc"]
    return build_table("questions", rows).frame


def settings_of(folder: Path) -> ModelSettings:
    return ModelSettings(str(folder), dtype="float32", quantization="none")


def run(
    questions: pd.DataFrame, model: ModelSettings, training: str, mc_scoring: str
) -> dict[str, np.ndarray]:
    """Probabilities of all options of all questions, trained and zero-shot."""
    plan = plan_folds(questions, k=2, seed=1)
    settings = LoraSettings(
        training=training, learning_rate=1e-2, dropout=0.0, batch_size=2, warmup=0.0, epochs=2.0,
        mc_scoring=mc_scoring,
    )  # fmt: skip
    diagnostic = LoraLLMDiagnostic(settings, model, OptimizerSettings(), None, "cpu")
    trained, zero_shot = {}, {}
    for at, predictions in diagnostic.run_folds(questions, plan, plan.folds(), 1):
        for row, own, base in zip(
            plan.heldout_rows(*at), predictions.p_options, predictions.p_options_zero_shot,
            strict=True,
        ):  # fmt: skip
            trained[row], zero_shot[row] = own, base
    return {
        name: np.concatenate([values[i] for i in range(len(questions))])
        for name, values in (("trained", trained), ("zero-shot", zero_shot))
    }


def plain(questions: pd.DataFrame, folder: Path, name: str) -> np.ndarray:
    """The same zero-shot probabilities by transformers alone, one question at a time."""
    language = hf.AutoModelForCausalLM
    kind = hf.AutoModelForImageTextToText if name in VISION_LANGUAGE else language
    model = kind.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = hf.AutoTokenizer.from_pretrained(folder)
    parts = []
    for row in questions.to_dict("records"):
        turn = [{"role": "user", "content": render_prompt(row)}]
        inputs = tokenizer.apply_chat_template(
            turn, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        letters = tokenizer.convert_tokens_to_ids([*LETTERS[: len(row["options"])]])
        with torch.no_grad():
            logits = model(input_ids=inputs["input_ids"]).logits[0, -1, letters]
        parts.append(torch.softmax(logits.double(), 0).numpy())
    return np.concatenate(parts)


@pytest.mark.parametrize("name", CONFIGS)
def test_answers_equal_transformers_and_stacked_folds_equal_sequential_ones(
    folders, questions, name
):
    folder = folders(name)
    for mc_scoring in ("options", "letters"):
        stacked = run(questions, settings_of(folder), "stacked", mc_scoring)
        sequential = run(questions, settings_of(folder), "sequential", mc_scoring)
        np.testing.assert_allclose(stacked["trained"], sequential["trained"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(
        stacked["zero-shot"], plain(questions, folder, name), rtol=0, atol=1e-6
    )
    moved = np.abs(stacked["trained"] - stacked["zero-shot"]).max()
    assert moved > 1e-3, "training must have changed something for equality to mean anything"


@pytest.mark.parametrize(
    "name", ["mixtral", "qwen3_moe", "olmoe", "deepseek_v3", "phimoe", "gpt_oss"]
)
def test_a_mixture_of_experts_has_adapters_on_its_attention(folders, name):
    base = load_base(settings_of(folders(name)), "cpu")
    names = adapted_layers(base.model, ["all-linear"])
    assert len(names) >= 2 * 4
    assert all(".self_attn." in name for name in names)


def test_blocks_that_are_called_alike_have_adapters_where_they_have_no_experts():
    config = hf.NemotronHConfig(
        **SIZES, layers_block_type=["linear_attention", "moe", "full_attention"],
        n_routed_experts=4, mamba_num_heads=8, mamba_head_dim=8, ssm_state_size=8, n_groups=1,
    )  # fmt: skip
    with torch.device("meta"):
        model = hf.AutoModelForCausalLM.from_config(config)
    names = adapted_layers(model, ["all-linear"])
    parents = {name.rpartition(".")[0] for name in names}
    assert parents == {"model.layers.0.mixer", "model.layers.2.mixer"}


@pytest.mark.parametrize("name", VISION_LANGUAGE)
def test_a_vision_language_model_has_adapters_on_its_language_model(folders, name):
    base = load_base(settings_of(folders(name)), "cpu")
    names = adapted_layers(base.model, ["all-linear"])
    assert len(names) == 2 * 7
    assert all(".language_model.layers." in name for name in names)


@pytest.mark.parametrize("name", ["llama", "mixtral", "gemma3", "mamba"])
def test_dry_run_reads_what_a_run_reads(folders, questions, name):
    plan = plan_folds(questions, k=2, seed=1)
    model = settings_of(folders(name))
    text = describe_run(questions, plan, LoraSettings(), model, OptimizerSettings(), "cpu")
    assert "quantization=none" in text


@pytest.mark.parametrize(
    ("model", "lora", "message"),
    [
        ({}, {"targets": ["w_q"]}, "has no such linear layer"),
        ({"kernels": "liger"}, {}, "model.kernels=liger"),
        ({"attn_implementation": "flash_attention_2"}, {}, "cannot be loaded"),
    ],
)
def test_dry_run_refuses_what_a_run_refuses(folders, questions, model, lora, message):
    plan = plan_folds(questions, k=2, seed=1)
    chosen = ModelSettings(str(folders("llama")), dtype="float32", quantization="none", **model)
    settings = LoraSettings(**lora)
    with pytest.raises(UserError, match=message):
        describe_run(questions, plan, settings, chosen, OptimizerSettings(), "cpu")
    diagnostic = LoraLLMDiagnostic(settings, chosen, OptimizerSettings(), None, "cpu")
    with pytest.raises(UserError, match=message):
        list(diagnostic.run_folds(questions, plan, plan.folds(), 1))


@pytest.mark.parametrize("config", [hf.BertConfig, hf.T5Config], ids=["bert", "t5"])
def test_a_model_that_does_not_predict_the_next_token_is_one_message(tmp_path, questions, config):
    config(vocab_size=VOCABULARY).save_pretrained(tmp_path)
    build_tokenizer().save_pretrained(tmp_path)
    plan = plan_folds(questions, k=2, seed=1)
    with pytest.raises(UserError, match="reads from left to right"):
        describe_run(
            questions, plan, LoraSettings(), settings_of(tmp_path), OptimizerSettings(), "cpu"
        )


def test_a_model_that_reads_ahead_is_refused_once_it_is_loaded(folders, monkeypatch):
    free_base()
    forward = hf.LlamaForCausalLM.forward

    def ahead(self, input_ids, **kwargs):
        return forward(self, input_ids.roll(-1, 1), **kwargs)

    monkeypatch.setattr(hf.LlamaForCausalLM, "forward", ahead)
    with pytest.raises(UserError, match="reads from left to right"):
        load_base(settings_of(folders("llama")), "cpu")
