"""The one error that a user's input can cause, and the one way in which work ends early."""


class InputError(ValueError):
    """Bad input: one line that names the file or parameter, what was expected and what was found.

    Stage scripts print it as that one line and end with a non-zero exit code; anything else that
    escapes is a defect of this library and keeps its traceback.
    """


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """A signal ended work early, its state saved; `number` is the signal's."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number
