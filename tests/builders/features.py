"""Features of images, made up."""

import numpy as np


def normal(seed: int, *shape: int) -> np.ndarray:
    """Standard normal float32."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def pooled(seed: int, n: int, d: int) -> np.ndarray:
    """N x D float32: not negative, correlated, of a decaying spectrum, as pooled activations."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(0).normal(size=(d, d)) * np.arange(1, d + 1)[:, None] ** -0.7
    values = rng.normal(size=(n, d)) @ mixing + 0.3 + 0.1 * seed
    return values.clip(0).astype(np.float32)
