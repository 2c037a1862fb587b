"""A field's comment as its docstring, for mkdocstrings: `step: int  # updates done`."""

import ast
from typing import Any

from griffe import Attribute, Docstring, Extension, ObjectNode


class FieldComments(Extension):
    """Reads the comment at the end of an attribute's line."""

    def on_attribute_instance(
        self, *, node: ast.AST | ObjectNode, attr: Attribute, **more: Any
    ) -> None:
        """Called by griffe for every attribute that it has read."""
        _, mark, comment = "".join(attr.lines[-1:]).partition("  # ")
        if mark and attr.docstring is None:
            text = f"{comment[0].upper()}{comment[1:]}."
            attr.docstring = Docstring(text, parent=attr, lineno=attr.endlineno)
