"""TsT, the Test-set Stress-Test: what of a multimodal benchmark is answered without looking."""

from tst.api import stress_test
from tst.core.errors import UserError

__all__ = ["UserError", "stress_test"]
__version__ = "0.1.0"
