"""Weights are taken only with the hash that pins them."""

import hashlib

from gfmn.common.errors import InputError


def digest(data: bytes) -> str:
    """The sha256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def verify(data: bytes, expected: str, name: str, hint: str = "") -> None:
    """Raise `InputError` unless the sha256 begins with `expected`, which may be all of it."""
    found = digest(data)
    if not found.startswith(expected):
        says = expected if len(expected) == 64 else f"that begins with {expected}"
        raise InputError(f"{name}: expected sha256 {says}, found {found} ({len(data)} bytes){hint}")


def copy_hint(where: str, file: str) -> str:
    """The end of a download's error: which parameter takes a local copy instead."""
    return f"; {where.rpartition(': ')[2]}.path takes a local copy of {file} instead"
