"""The part `machine`: what there is, and whether the GPU computes at all."""

import os
import warnings
from collections.abc import Iterator

import torch

from benchmarks.gpu_check.check import Check, agree, expect, skip
from benchmarks.gpu_check.modes import tf32
from benchmarks.gpu_check.setting import Setting
from gfmn.common.compiling import compiler_present
from gfmn.common.devices import has_bf16, has_bf16_units

PRODUCT = 1e-5  # 256 float32 products of rounding error 6e-8 each


def check(setting: Setting, deadline: float) -> Iterator[Check]:
    """Versions, the device, a product of matrices, bf16, the compiler, TF32."""
    device = setting.torch_device
    yield expect(True, describe(device), torch=torch.__version__, cuda=torch.version.cuda)
    a, b = torch.randn(2, 256, 256, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    with tf32(False):
        found = {"": a.float().to(device) @ b.float().to(device)}
    yield agree("a float32 product of matrices and float64 on the CPU", found, {"": a @ b}, PRODUCT)
    if has_bf16(device):
        units = "with" if has_bf16_units(device) else "without"
        yield expect(True, f"bf16, {units} matrix units for it")
    else:
        yield skip("no bf16 on this device: everything runs in fp32")
    yield compiler()
    if setting.on_gpu:
        yield expect(True, describe_tf32(), tf32_convolutions=torch.backends.cudnn.allow_tf32)


def describe(device: torch.device) -> str:
    """Name, memory and versions in a line."""
    built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA"
    versions = f"torch {torch.__version__}, built for {built}"
    if device.type != "cuda":
        return f"CPU, {torch.get_num_threads()} threads; {versions}"
    facts = torch.cuda.get_device_properties(device)
    free, total = torch.cuda.mem_get_info(device)
    memory = f"{total / 2**30:.0f} GiB, {free / 2**30:.0f} free"
    cudnn = torch.backends.cudnn.version()
    return (
        f"{facts.name}, {memory}, capability {facts.major}.{facts.minor}; {versions}, cuDNN {cudnn}"
    )


def compiler() -> Check:
    """Whether kernels are compiled; SKIP with the reason where they run eagerly."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if compiler_present():
            return expect(True, "a compiler for torch.compile", compiler=True)
    asked = os.environ.get("GFMN_COMPILE") == "0"
    reason = "GFMN_COMPILE=0" if asked else "; ".join(str(warning.message) for warning in caught)
    return skip(f"kernels run eagerly: {reason}")


def describe_tf32() -> str:
    """Torch's setting, which the project does not change."""
    state = "on" if torch.backends.cudnn.allow_tf32 else "off"
    return f"TF32 is {state} for float32 convolutions (torch's default is on)"
