"""``case_fold``: the provider writes a name otherwise than the client did."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta

from mockscim.faults.answers import altered
from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.patch_request import Operation

Mode = Literal["lower", "upper", "trim"]
_FOLDS: dict[Mode, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper, "trim": str.strip}


@fault(
    "case_fold",
    family="identity, versions, time",
    phases=("after",),
    terminal=False,
    argument="mode",
    doc="Stores userName, or another attribute, in lower case, in capitals, or without the spaces around it: what comes"
    " back is not what was sent.",
    correct_client="Compares such names without case, and correlates by id: makes nobody twice, and does not write the"
    " name again and again.",
)
class CaseFold(Parameters, frozen=True, kw_only=True):
    """How, and which attribute."""

    mode: Annotated[Mode, Meta(description="What is done to the text.")] = "lower"
    attribute: Annotated[str, Meta(description="A top-level attribute that is text.")] = "userName"

    def happen(self, moment: Moment, /) -> Effect:
        """Only where the attribute is sent in another form."""
        call = moment.attempt.call
        fold = Fold(self.mode, self.attribute.lower())
        if call is None or call.type is None or call.problem is not None:
            return Proceed()
        return fold if fold.document(call.document) != call.document or fold.changed(call) else Proceed()


@dataclass(frozen=True, slots=True)
class Fold(Serving):
    """Serve it as if it had been sent so."""

    mode: Mode
    attribute: str

    @property
    def outcome(self) -> str:
        """``lower username``."""
        return f"{self.mode} {self.attribute}"

    def serve(self, _world: World, call: Call, serve: Serve) -> Reply:
        """Store what was not sent."""
        operations = [self._operation(operation) for operation in call.operations]
        with altered(call, document=self.document(call.document), operations=operations):
            return serve(call)

    def changed(self, call: Call) -> bool:
        """Whether any operation of a PATCH would be another."""
        return any(self._operation(operation) != operation for operation in call.operations)

    def document(self, document: Any) -> Any:  # noqa: ANN401 - any JSON
        """A representation with the attribute as it will be stored."""
        if not isinstance(document, dict):
            return document
        return {name: self._text(value) if self._names(name) else value for name, value in document.items()}

    def _operation(self, operation: Operation) -> Operation:
        value = operation.value
        if operation.path is None:
            value = self.document(value)
        elif self._names(operation.path.strip()):
            value = self._text(value)
        return Operation(operation.op, operation.path, value, operation.where)

    def _names(self, name: str) -> bool:
        return name.lower().rpartition(":")[2] == self.attribute

    def _text(self, value: Any) -> Any:  # noqa: ANN401
        return _FOLDS[self.mode](value) if isinstance(value, str) else value
