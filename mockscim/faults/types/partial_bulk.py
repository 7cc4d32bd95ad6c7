"""``partial_bulk``: a bulk job is done in part, and told of in a way that is hard to read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import translate
from typing import Annotated, Any

import orjson
from msgspec import Meta

from mockscim.faults.draw import Draw
from mockscim.faults.effect import Effect, Proceed, Serving, phrase
from mockscim.faults.errors import Wrong
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.bulk_request import Bulk, BulkOperation
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError


@fault(
    "partial_bulk",
    family="commit point",
    phases=("after",),
    argument="fail_every",
    doc="Lets some operations of a bulk job fail, goes on beyond failOnErrors, leaves bulkIds out of the results,"
    " shuffles the results, or refuses the whole job for its size (RFC 7644 §3.7).",
    correct_client="Tells results by bulkId or location, never by their place; sends again only what failed, and"
    " smaller jobs after a 413.",
)
class PartialBulk(Parameters, frozen=True, kw_only=True):
    """What goes wrong: at least one of these."""

    fail_ids: Annotated[
        tuple[str, ...],
        Meta(description="Operations that fail: their bulkId or path; * stands for any text."),
    ] = ()
    fail_every: Annotated[Annotated[int, Meta(ge=1)] | None, Meta(description="Each so manieth operation fails.")] = (
        None
    )
    status: Annotated[int, Meta(ge=400, le=599, description="The status of the operations that fail.")] = 500
    honour_fail_on_errors: Annotated[bool, Meta(description="false: failOnErrors is ignored.")] = True
    drop_bulk_ids: Annotated[bool, Meta(description="The results bear no bulkId.")] = False
    shuffle: Annotated[bool, Meta(description="The results come in another order.")] = False
    too_large: Annotated[bool, Meta(description="413 for the whole job; nothing is done.")] = False

    def __post_init__(self) -> None:
        silent = self.honour_fail_on_errors and not (self.drop_bulk_ids or self.shuffle or self.too_large)
        if silent and not self.fail_ids and self.fail_every is None:
            expected = "fail_ids, fail_every, honour_fail_on_errors=false, drop_bulk_ids, shuffle or too_large"
            raise Wrong("", f"expected something that goes wrong: {expected}")

    def happen(self, moment: Moment, /) -> Effect:
        """Only a bulk job that can be read."""
        call = moment.attempt.call
        if call is None or call.bulk is None or call.problem is not None:
            return Proceed()
        return Partly(self)

    def fails(self, operation: BulkOperation) -> bool:
        """Whether an operation is to fail."""
        if self.fail_every is not None and (operation.index + 1) % self.fail_every == 0:
            return True
        names = (operation.bulk_id or "", operation.path)
        return any(re.fullmatch(translate(glob), name) for glob in self.fail_ids for name in names)


@dataclass(frozen=True, slots=True)
class Partly(Serving):
    """Do a part of the job."""

    how: PartialBulk

    @property
    def outcome(self) -> str:
        """Such as ``partly, shuffled``."""
        how = self.how
        if how.too_large:
            return "413"
        said = ["partly" if how.fail_ids or how.fail_every else "all"]
        said += ["failOnErrors ignored"] if not how.honour_fail_on_errors else []
        said += ["no bulkIds"] if how.drop_bulk_ids else []
        return ", ".join([*said, "shuffled"] if how.shuffle else said)

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Serve the job without what fails, and retell it."""
        if call.bulk is None:
            return serve(call)
        if self.how.too_large:  # as where maxOperations or maxPayloadSize is exceeded (RFC 7644 §3.7.4)
            count = len(call.bulk.operations)
            raise ScimError(413, None, f"the request has {count} operations; maxOperations is {count // 2}")
        again = world.reread(call)
        again.tolerance = call.tolerance
        most = call.bulk.most_errors if self.how.honour_fail_on_errors else None
        again.bulk = Bulk(most, [self._failing(operation) for operation in call.bulk.operations])
        reply = serve(again)
        if reply.body and (self.how.drop_bulk_ids or self.how.shuffle):
            reply.body = self._retold(reply.body, world.draw)
        return reply

    def _failing(self, operation: BulkOperation) -> BulkOperation:
        if operation.problem is not None or not self.how.fails(operation):
            return operation
        status = self.how.status
        return replace(operation, problem=ScimError(status, None, f"{phrase(status)}: {operation.where}"))

    def _retold(self, body: bytes, draw: Draw) -> bytes:
        document: dict[str, Any] = orjson.loads(body)
        results: Sequence[dict[str, Any]] = document.get("Operations", ())
        if self.how.shuffle:
            results = sorted(results, key=lambda _: draw.uniform())
        if self.how.drop_bulk_ids:
            results = [{name: value for name, value in result.items() if name != "bulkId"} for result in results]
        return orjson.dumps({**document, "Operations": results})
