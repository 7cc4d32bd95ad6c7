"""What the invariants take for right where reasonable clients differ, and how much patience they have."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from mockscim.faults.documents import Seconds

IDS = tuple(f"I{number}" for number in range(1, 14))


class Strictness(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The parameters of a verdict; each has a default that a careful client keeps."""

    only: Annotated[str, Meta(description="Which invariants, such as I1,I4; all unless said otherwise.")] = ""
    cycles: Annotated[
        int, Meta(ge=1, le=1000, description="C of I3: untroubled cycles after which the client has arrived.")
    ] = 2
    within: Annotated[
        Seconds | None, Meta(description="T of I3: time on the tenant's clock after which it has, cycles or not.")
    ] = None
    extra: Annotated[
        bool,
        Meta(description="Whether a resource that desired does not have is a difference; those edited in are not."),
    ] = True
    flips: Annotated[
        int, Meta(ge=1, le=1000, description="I4: returns to an earlier value outside of one cycle that are too many.")
    ] = 2
    targeted: Annotated[
        bool, Meta(description="I5: whether a PATCH of one simple attribute may overwrite what it has not seen.")
    ] = True
    max_deletes: Annotated[
        int,
        Meta(ge=0, le=10**9, description="I6: deletes and deactivations in a cycle; 500 as Microsoft Entra has it."),
    ] = 500
    retry_after_slack: Annotated[
        Seconds, Meta(description="I8: how much too early is no offence, up to half of what was asked for.")
    ] = Seconds(1.0)
    retry_after_cap: Annotated[Seconds, Meta(description="I8: a longer Retry-After need not be believed.")] = Seconds(
        300.0
    )
    in_flight: Annotated[int, Meta(ge=1, le=10**6, description="I8: requests under way at a time.")] = 100
    herd: Annotated[
        int, Meta(ge=2, le=10**6, description="I8: connections that retry within 50 ms, which is no spread.")
    ] = 20
    attempts: Annotated[
        int, Meta(ge=1, le=10**6, description="A of I9: attempts on the wire for one logical operation in one cycle.")
    ] = 8
    overhead: Annotated[
        float, Meta(ge=0, le=10**6, description="r of I9: attempts beyond one for each logical operation, all in all.")
    ] = 5.0
    storm: Annotated[
        int, Meta(ge=2, le=10**6, description="I9: requests in one second while nothing but failures comes back.")
    ] = 200
    pause: Annotated[
        Seconds, Meta(description="I9: after so long without an attempt the next one begins a new operation.")
    ] = Seconds(60.0)
    idle_pages: Annotated[
        int, Meta(ge=1, le=10**6, description="I9: further pages read although none brings anything new.")
    ] = 3
    after_401: Annotated[
        int, Meta(ge=0, le=10**6, description="I10: further requests with a token that was refused.")
    ] = 1
    refusals: Annotated[
        int, Meta(ge=1, le=10**6, description="I12: failed attempts after which a resource is taken for poisoned.")
    ] = 2
    evidence: Annotated[int, Meta(ge=1, le=10_000, description="Most pieces of evidence for an invariant.")] = 20

    def chosen(self) -> tuple[str, ...]:
        """The ids of the invariants that are asked for, in their order.

        Raises:
            ValueError: names one that is none, or nothing where something is said.
        """
        wanted = {part.strip().upper() for part in self.only.split(",") if part.strip()}
        if self.only and not wanted:
            raise ValueError(f"expected some of I1 to I13, such as I1,I4, not {self.only[:60]!r}")
        unknown = wanted.difference(IDS)
        if unknown:
            raise ValueError(f"expected some of I1 to I13, such as I1,I4; {', '.join(sorted(unknown))[:60]} is none")
        return tuple(id_ for id_ in IDS if not wanted or id_ in wanted)
