"""Exceptions that end a command with one line: bad input, and a signal."""


class InputError(ValueError):
    """Bad input: one line that names the file or parameter, what was expected and what was found.

    Commands print that line and exit with code 1. Any other exception is a defect of this library
    and keeps its traceback.
    """


class Stopped(BaseException):
    """A signal ended a command early, after its state was saved; `number` is the signal's.

    No `Exception`, as `KeyboardInterrupt` is none: whoever takes all errors of a decoder for those
    of an image must not take this for one.
    """

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number
