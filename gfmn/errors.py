"""The one error that a user's input can cause."""


class InputError(ValueError):
    """Bad input: one line that names the file or parameter, what was expected and what was found.

    Stage scripts print it as that one line and end with a non-zero exit code; anything else that
    escapes is a defect of this library and keeps its traceback.
    """
