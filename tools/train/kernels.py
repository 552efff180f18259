"""kernels.c, built when needed, as functions that take tensors, whole numbers and floats."""
import ctypes
import os
import subprocess
from pathlib import Path

import torch

SOURCE = Path(__file__).with_name("kernels.c")


def build(folder):
    library = Path(folder) / "kernels.so"
    if not library.exists() or library.stat().st_mtime < SOURCE.stat().st_mtime:
        fresh = library.with_suffix(".%d" % os.getpid())
        subprocess.check_call(["gcc", "-O3", "-march=native", "-ffast-math", "-mprefer-vector-width=512", "-shared", "-fPIC", "-o", fresh, SOURCE, "-lmvec", "-lm"])
        os.replace(fresh, library)
    return library


class Kernels:
    def __init__(self, folder): self.library = ctypes.CDLL(str(build(folder)))

    def __getattr__(self, name):
        function = getattr(self.library, name)

        def call(*arguments): return function(*map(native, arguments))
        setattr(self, name, call)
        return call


def native(value):
    if isinstance(value, torch.Tensor):
        assert value.is_contiguous()
        return ctypes.c_void_p(value.data_ptr())
    return ctypes.c_float(value) if isinstance(value, float) else ctypes.c_longlong(value)
