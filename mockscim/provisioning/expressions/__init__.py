"""The expressions of attribute mappings: ``Switch([IsSoftDeleted], , "False", "True", "True", "False")``.

After Microsoft's "Reference for writing expressions for attribute mappings"
(docs/identity/app-provisioning/functions-for-customizing-application-data.md). ``nodes`` is the tree, ``parser`` makes
it, ``evaluation`` evaluates it, ``functions`` are what may be called. Nothing reads a clock or draws by itself: both
are in the Context.
"""

from mockscim.provisioning.expressions import functions
from mockscim.provisioning.expressions.context import Context, Source
from mockscim.provisioning.expressions.errors import ExpressionError
from mockscim.provisioning.expressions.evaluation import evaluate
from mockscim.provisioning.expressions.nodes import Call, Node, attributes, walk
from mockscim.provisioning.expressions.parser import MAX_LENGTH, parse
from mockscim.provisioning.expressions.registry import FUNCTIONS

__all__ = [
    "MAX_LENGTH",
    "Call",
    "Context",
    "ExpressionError",
    "Node",
    "Source",
    "attributes",
    "evaluate",
    "functions",
    "names",
    "parse",
    "walk",
]


def names() -> list[str]:
    """The names of all functions."""
    return sorted(FUNCTIONS)
