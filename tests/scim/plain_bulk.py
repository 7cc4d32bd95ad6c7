"""Bulk jobs over a directory of plain dicts, said as simply as can be (see ``plain``)."""

from __future__ import annotations

import json
from typing import Any

from plain import Directory, Refused


class Job:
    """A job (RFC 7644 §3.7): each operation is done once what it refers to is there, a circle whole or not at all."""

    def __init__(
        self, model: Directory, job: list[dict[str, Any]], ids: dict[str, str], now: str, most: int | None
    ) -> None:
        self.model, self.job, self.ids, self.now, self.most = model, job, ids, now, most
        self.made: dict[str, str] = {}
        self.outcomes: dict[int, tuple[str, int, str | None]] = {}
        self.needs = [self.named(index) for index in range(len(job))]

    def named(self, index: int) -> set[int]:
        """The POSTs that an operation refers to; none where it refers to what is no POST, as it fails anyway."""
        told = json.dumps(self.job[index])
        named = {n for n in range(len(self.job)) if f"bulkId:b{n}" in told}
        return named if all(self.job[n]["method"] == "POST" for n in named) else set()

    def run(self) -> list[tuple[str, int, str | None]]:
        """What is told of each operation that is processed."""
        for index in range(len(self.job)):
            reached = range(index + 1)
            while (
                ready := next((group for i in reached if (group := self.ready(i, index))), None)
            ) and not self.over():
                self.do(ready)
        return [self.outcomes[index] for index in sorted(self.outcomes)]

    def over(self) -> bool:
        return self.most is not None and sum(1 for _, status, _ in self.outcomes.values() if status >= 400) >= self.most

    def circle(self, index: int) -> list[int]:
        """The operations that refer to each other with this one, this one among them."""
        return [
            n for n in range(len(self.job)) if n == index or (n in self.all_needs(index) and index in self.all_needs(n))
        ]

    def all_needs(self, index: int) -> set[int]:
        found: set[int] = set()
        fresh = set(self.needs[index])
        while fresh:
            found |= fresh
            fresh = {other for one in fresh for other in self.needs[one]} - found
        return found

    def ready(self, index: int, reached: int) -> list[int]:
        """The operations to be done with this one, if it is their turn."""
        group = self.circle(index)
        waits = {other for one in group for other in self.before(one)} - set(group)
        done = self.outcomes.keys()
        return group if index not in done and max(group) <= reached and waits <= done else []

    def before(self, index: int) -> set[int]:
        """What has to be done first: what it refers to, and what comes before it about the same resource."""
        one = self.job[index]
        same = [
            n
            for n in range(index)
            if one["method"] != "POST"
            and self.job[n]["method"] != "POST"
            and (self.job[n]["kind"], self.job[n]["id"]) == (one["kind"], one["id"])
            and not self.broken(n)
        ]
        return self.needs[index] | (set(same[-1:]) if not self.broken(index) else set())

    def broken(self, index: int) -> bool:
        """Whether it refers to what is no POST."""
        told = json.dumps(self.job[index])
        return any(f"bulkId:b{n}" in told and one["method"] != "POST" for n, one in enumerate(self.job))

    def do(self, group: list[int]) -> None:
        circular = len(group) > 1 or group[0] in self.all_needs(group[0])
        saved, failed = dict(self.model.all), False
        promised = {}
        if circular:
            for index in group:
                id_ = self.made[f"b{index}"] = self.ids.get(f"b{index}", f"none-{index}")
                promised[id_] = self.job[index]["kind"]
        for index in group:
            method = self.job[index]["method"]
            if failed:
                self.outcomes[index] = (method, 409, None)
                continue
            try:
                self.one(index, promised)
            except Refused as refused:
                failed = True
                self.outcomes[index] = (method, *refused.args)  # type: ignore[assignment]
            else:
                self.outcomes[index] = (method, {"POST": 201, "DELETE": 204}.get(method, 200), None)
        if failed and circular:
            self.model.all = saved
            for index in group:
                self.made.pop(f"b{index}", None)
                if self.outcomes[index][1] == 201:
                    self.outcomes[index] = ("POST", 409, None)

    def one(self, index: int, promised: dict[str, str]) -> None:
        if self.broken(index):
            raise Refused(400, "invalidValue")
        for need in sorted(self.needs[index]):
            if f"b{need}" not in self.made:
                raise Refused(400, "invalidValue")
        told = json.dumps(self.job[index])
        sent = json.dumps({name: value for name, value in self.job[index].items() if name != "id"})
        values = {n for n in self.needs[index] if f'"bulkId:b{n}"' in sent}
        gone = any(self.made[f"b{n}"] not in self.model.all and self.made[f"b{n}"] not in promised for n in values)
        for name in sorted(self.made, key=len, reverse=True):
            told = told.replace(f'bulkId:{name}"', f'{self.made[name]}"')
        one = json.loads(told)
        model, kind, now = self.model, one["kind"], self.now
        if one["method"] != "POST" and model.all.get(one["id"], {"kind": None})["kind"] != kind:
            raise Refused(404)  # whatever was sent to it
        if gone:
            raise Refused(400, "invalidValue")
        if one["method"] == "POST":
            id_ = self.made.get(f"b{index}") or self.ids.get(f"b{index}", f"none-{index}")
            model.create(kind, one["body"], id_, now, promised)
            self.made[f"b{index}"] = id_
            return
        if one["method"] == "PUT":
            model.replace(one["id"], one["body"], now, promised)
        elif one["method"] == "PATCH":
            model.patch(one["id"], one["operations"], now, promised)
        else:
            model.delete(one["id"], now)
