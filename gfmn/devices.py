"""Where computation runs and in which precision."""

from contextlib import AbstractContextManager

import torch

PRECISIONS = ("auto", "fp32", "bf16")


def default_device() -> torch.device:
    """The first GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def has_bf16_units(device: torch.device | None = None) -> bool:
    """Whether the hardware multiplies bf16 matrices natively: AMX on a CPU, Ampere or later."""
    device = device or default_device()
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    probe = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return bool(probe and probe())


def resolve_precision(precision: str, dense: bool, device: torch.device | None = None) -> str:
    """`fp32` or `bf16`; `auto` takes bf16 where it pays.

    It pays for dense convolutions on hardware with bf16 matrix units. Depthwise ones run about
    ten times slower in bf16 than in fp32 on a CPU.
    """
    if precision == "auto":
        return "bf16" if dense and has_bf16_units(device) else "fp32"
    return precision


def autocast(precision: str, device: torch.device) -> AbstractContextManager[None]:
    """Run convolutions in bf16 where `precision` says so."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
