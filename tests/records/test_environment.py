from tst.records.environment import gpu_names


def test_gpus_are_named_before_torch_is_loaded(tmp_path, monkeypatch):
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\nprintf 'NVIDIA H200\\nNVIDIA H200\\n'\n")
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    gpu_names.cache_clear()
    try:
        assert gpu_names() == ["NVIDIA H200", "NVIDIA H200"]
        driver.write_text("#!/bin/sh\necho 'No devices were found'\nexit 6\n")
        gpu_names.cache_clear()
        assert gpu_names() == []
    finally:
        gpu_names.cache_clear()
