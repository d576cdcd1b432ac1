"""TsT, the Test-set Stress-Test: what of a multimodal benchmark is answered without looking."""

from importlib import import_module
from inspect import signature
from types import ModuleType

from tst.api import stress_test
from tst.core.errors import UserError

__all__ = ["UserError", "stress_test"]
__version__ = "0.1.0"


class _CallablePackage(ModuleType):
    """``tst.stress_test``: the function of tst/api.py and, of the same name, the package below it.

    Python binds a package's name in its parent when the package is first imported, which is within
    the function's first call: the name would be the function before, and a bare package after.
    """

    __call__ = staticmethod(stress_test)
    __signature__ = signature(stress_test)


_described = stress_test.__doc__
_package = import_module("tst.stress_test")
_package.__class__ = _CallablePackage
_package.__doc__ = _described
