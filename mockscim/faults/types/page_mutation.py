"""``page_mutation``: the directory changes while a client walks through its pages."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta

from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.listing import asked, enumeration, lists, peek, resources_of, served
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim import urns
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError
from mockscim.scim.schema import ResourceType

Change = Literal["insert", "delete", "rename"]
Position = Literal["before", "after"]


@fault(
    "page_mutation",
    family="enumeration",
    phases=("after",),
    terminal=False,
    argument="at_page",
    doc="Just before page `at_page` of a list is answered, somebody else changes the directory (in the history, with no"
    " exchange). delete takes the last resource of the pages before, or the next one, so that paging by startIndex"
    " misses another; rename moves it to the other side of a sorted list; insert makes one, which comes last unless the"
    " list is sorted. Each pass through a list gets one change.",
    correct_client="Does not take what one pass did not show for gone: asks by id before it deletes.",
)
class PageMutation(Parameters, frozen=True, kw_only=True):
    """What changes, when, and on which side of the cursor."""

    at_page: Annotated[int, Meta(ge=1, description="Before which page of a pass it happens, from 1.")] = 2
    op: Annotated[Change, Meta(description="What happens to the directory.")] = "delete"
    position: Annotated[
        Position, Meta(description="On which side: what was shown already (before), or is still to come (after).")
    ] = "before"
    resource: Annotated[
        dict[str, Any] | None, Meta(description="insert: what is made; otherwise a made-up one with a fitting name.")
    ] = None

    def happen(self, moment: Moment, /) -> Effect:
        """Only lists have pages."""
        return Mutation(self) if lists(moment.attempt) else Proceed()


@dataclass(frozen=True, slots=True)
class Mutation(Serving):
    """Change something before a page is served."""

    parameters: PageMutation

    @property
    def outcome(self) -> str:
        """``delete before page 2``."""
        return f"{self.parameters.op} before page {self.parameters.at_page}"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Change it once in a pass; remember what each page shows."""
        walk, page = enumeration(world.memory, world.caller, call)
        if page != self.parameters.at_page or "changed" in walk.notes or not self._change(world, call, walk.notes):
            world.spare()
        else:
            walk.notes["changed"] = True
        reply, answer = served(world, call, serve)
        shown = resources_of(answer or {})
        if shown:
            walk.notes["last"] = shown[-1]
        return reply

    def _change(self, world: World, call: Call, notes: dict[Any, Any]) -> bool:
        """Whether something was changed."""
        coming = peek(world, call)
        if coming is None:
            return False  # it will be refused
        try:
            if self.parameters.op == "insert":
                return self._insert(world, call)
            if self.parameters.position == "before":
                target = notes.get("last")
            else:
                target = next(iter(resources_of(coming)), None)
            record = world.store.find(target["id"]) if isinstance(target, dict) else None
            if record is None:
                return False
            if self.parameters.op == "delete":
                return bool(world.edit("DELETE", record.type.name, record.id, None).changes)
            name = _name_of(record.type, call)
            if name is None:
                return False
            # It goes to the other side: what was shown comes again, what was to come is never shown.
            ahead = (self.parameters.position == "after") is not _descending(call)
            value = f"{'0' if ahead else 'zz'}-{record.attributes().get(name) or record.id}"
            patch = {"op": "replace", "path": name, "value": value}
            document = {"schemas": [urns.PATCH_OP], "Operations": [patch]}
            return bool(world.edit("PATCH", record.type.name, record.id, document).changes)
        except ScimError:
            return False  # at this provider it cannot be done

    def _insert(self, world: World, call: Call) -> bool:
        kind = call.type or world.service.registry.types["User"]
        document = self.parameters.resource
        if document is None:
            ahead = (self.parameters.position == "before") is not _descending(call)
            value = f"{'0' if ahead else 'zz'}-inserted-{world.exchange}@example.com"
            names = {name for name in (_name_of(kind, call), _name_of(kind, None)) if name is not None}
            document = {"schemas": [kind.schema.id], **dict.fromkeys(names, value)}
        return bool(world.edit("POST", kind.name, None, document).changes)


def _descending(call: Call) -> bool:
    return asked(call).get("sortOrder", "").lower() == "descending"


def _name_of(kind: ResourceType, call: Call | None) -> str | None:
    """The attribute that a list is sorted by, if it is a text that can be changed; otherwise the usual name."""
    sort_by = asked(call).get("sortBy", "") if call is not None else ""
    for name in (sort_by, "userName", "displayName"):
        attribute = kind.attributes.get(name.lower())
        if attribute is None or attribute.type != "string" or attribute.multi_valued:
            continue
        if attribute.mutability == "readWrite":
            return attribute.name
    return None
