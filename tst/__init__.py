"""TsT, the Test-set Stress-Test: what of a multimodal benchmark is answered without looking."""

__version__ = "0.1.0"
