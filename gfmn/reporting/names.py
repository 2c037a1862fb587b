"""What a score's name says: which kind it is, which way is better, of how many images.

FID, IS and KID are names of scores in the space of FID's own Inception; the same formulas in any
other network's space have other names: `fd`, `score` and `kd`.
"""

import re

INCEPTION = ("fid", "is", "kid")
KINDS = {  # in the order of columns: kind -> words, and min, max or half for the best value
    "fid": ("FID", "min"),
    "fd": ("Fréchet distance", "min"),
    "is": ("Inception score", "max"),
    "score": ("Inception-style score", "max"),
    "kid": ("KID", "min"),
    "kd": ("Kernel distance", "min"),
    "precision": ("Precision", "max"),
    "recall": ("Recall", "max"),
    "accuracy": ("Accuracy", "max"),
    "confidence": ("Confidence", "max"),
    "confident": ("Confident", "max"),
    "covered": ("Classes covered", "max"),
    "class_distance": ("Class distance", "min"),
    "memorised": ("Memorised", "half"),
}
DISTANCES = ("fid", "fd")
LIMIT = "n → ∞".replace(" ", "\N{NO-BREAK SPACE}")
PLACES = dict.fromkeys(("is", "score"), 2) | dict.fromkeys(
    (
        "precision",
        "recall",
        "accuracy",
        "confidence",
        "confident",
        "covered",
        "class_distance",
        "memorised",
    ),
    3,
)


def kind(key: str) -> str:
    """The kind that a score's name begins with; empty where it is none of the known."""
    return next((known for known in KINDS if key.startswith(f"{known}_")), "")


def what(key: str) -> str:
    """A score in words."""
    words = KINDS.get(kind(key), (key, ""))[0]
    if kind(key) == "memorised":
        return f"{words}, {'pixels' if key.startswith('memorised_pixel_') else 'features'}"
    return f"{words}, {LIMIT}" if key.endswith("_inf") else words


def best(key: str) -> str:
    """Which value is best: min, max or half (near 0.5); empty where nothing is known."""
    return KINDS.get(kind(key), ("", ""))[1]


def count(key: str) -> int | None:
    """Of how many images a score is: `fd_x_5k` of 5,000, `fd_x_inf` of no number."""
    found = re.search(r"_(\d+)(k?)$", key)
    return int(found[1]) * (1000 if found[2] else 1) if found else None


def ordered(keys: set[str]) -> list[str]:
    """Keys by kind, then by number of images, those of no number last."""
    kinds = [*KINDS, ""]
    return sorted(keys, key=lambda key: (kinds.index(kind(key)), count(key) or float("inf"), key))
