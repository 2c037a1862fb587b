"""Numbers of a command line: within bounds, or one line that says which."""

import argparse

LONGEST = 100  # characters of a number


class Number:
    """The `type` of an option of argparse: a number within bounds, both of which count."""

    def __init__(self, least: float, most: float, kind: type[int] | type[float] = int) -> None:
        self.least, self.most, self.kind = least, most, kind
        self.__name__ = kind.__name__  # of what argparse says of another word

    def __call__(self, text: str) -> float:
        """The number; `ValueError` or argparse's own error for any other word."""
        if len(text) > LONGEST:
            found = f"found {len(text)} characters"
            raise argparse.ArgumentTypeError(f"expected at most {self.most:g}, {found}")
        value = self.kind(text)
        if not value >= self.least:  # nor NaN
            what = "a whole number" if self.kind is int else "a number"
            expected = f"expected {what} of at least {self.least:g}"
            raise argparse.ArgumentTypeError(f"{expected}, found {text}")
        if value > self.most:
            raise argparse.ArgumentTypeError(f"expected at most {self.most}, found {text}")
        return value
