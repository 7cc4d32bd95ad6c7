"""Discovery tells the truth: each characteristic of each attribute in /Schemas is tried, for every profile and switch.

What is tried follows from the documents alone. Where a profile does something else on purpose, as Segment does, that
is named in ``QUIRKS``: it must happen, and nothing beside it.
"""

from published import WRONG, fresh, refused, swapped

# What a profile does on purpose although /Schemas says otherwise: (check, resource type, path).
QUIRKS = {
    "segment": {
        # People keep the names that they came with.
        ("changes", "User", "userName"),
        ("changes", "User", "displayName"),
        *(("changes", "User", f"emails{sub}") for sub in ("", ".value", ".display", ".type", ".primary")),
        # Only these can be looked for.
        *(("filters", "User", path) for path in ("displayName", "emails.value", "emails.type")),
        *(("filters", "Group", path) for path in ("members.value", "members.$ref", "members.type")),
        # Of e-mails there are those for work.
        ("canonical", "User", "emails.type"),
    },
}


def judged(variant, check, wrong):
    """Compare what went wrong in a check with what does so on purpose; ``wrong`` are attributes."""
    quirks = QUIRKS.get(variant.removesuffix("-strict"), set())
    expected = {(kind, path) for name, kind, path in quirks if name == check}
    assert {(leaf.kind.name, leaf.path) for leaf in wrong} == expected


def simple(walk, *, many=True):
    """All attributes that are no complex ones and whose way is not through several values, unless ``many``."""
    for kind in walk.kinds.values():
        for leaf in kind.leaves:
            through_many = leaf.many or (leaf.parent is not None and leaf.parent.many)
            if leaf.type != "complex" and leaf.writable and (many or not through_many):
                yield kind, leaf


def test_required(walk, variant):
    """required: without it a resource is refused; what is not required may be missing."""
    wrong = []
    for kind in walk.kinds.values():
        for leaf in kind.leaves:
            if not leaf.writable:
                continue
            body = walk.body(kind, full=True) if leaf.required else walk.body(kind, also=[leaf])
            for holder in leaf.holders(body):
                holder.pop(leaf.name, None)
            if (walk.post(kind, body).status_code == 400) is not (leaf.required and is_looked_at(leaf, body)):
                wrong.append(leaf)
    judged(variant, "required", wrong)


def is_looked_at(leaf, body):
    """Whether something is there that the attribute could be missing from."""
    return any(holder for holder in leaf.holders(body))


def test_read_only(walk, variant):
    """readOnly: what a client sends is ignored, and a PATCH of it is refused."""
    wrong = []
    for kind in walk.kinds.values():
        made = walk.create(kind, walk.body(kind, full=True))
        for leaf in kind.leaves:
            if leaf.mutability != "readOnly" or leaf.type == "complex":
                continue
            value = "not mine" if leaf.type in ("string", "reference") else walk.single(leaf)
            answer = walk.post(kind, claiming(walk, leaf, value))
            patched = walk.patch(kind, made["id"], op(leaf, value))
            taken = answer.status_code == 201 and value in leaf.of(answer.json())
            if taken or not refused(patched, "mutability"):
                wrong.append(leaf)
    judged(variant, "read-only", wrong)


def claiming(walk, leaf, value):
    """A representation with a value for an attribute that is not the client's."""
    beside = [each for each in leaf.kind.top if each.urn == leaf.urn and each.writable]
    body = walk.body(leaf.kind, also=beside[:1])
    holder = body.setdefault(leaf.urn, {}) if leaf.urn else body
    if leaf.parent is None:
        holder[leaf.name] = value
    else:
        holder[leaf.parent.name] = [{leaf.name: value}] if leaf.parent.many else {leaf.name: value}
    return body


def op(leaf, value):
    """A PATCH operation that replaces an attribute."""
    return {"op": "replace", "path": leaf.path, "value": value}


def test_immutable(walk, variant):
    """immutable: once it has a value, neither PATCH nor PUT changes it; the same value is taken."""
    wrong = []
    for kind, leaf in simple(walk, many=False):
        if leaf.mutability != "immutable":
            continue
        body = walk.body(kind, also=[leaf])
        made = walk.create(kind, body)
        [value] = leaf.of(made)
        [holder] = leaf.holders(body)
        other = next(each for each in (walk.single(leaf) for _ in range(9)) if each != value)
        same = walk.client.put(walk.url(kind, made["id"]), json=body)
        holder[leaf.name] = other
        put = walk.client.put(walk.url(kind, made["id"]), json=body)
        patched = walk.patch(kind, made["id"], op(leaf, other))
        kept = leaf.of(walk.get(kind, made["id"])) == [value]
        if same.status_code != 200 or not refused(put, "mutability") or not refused(patched, "mutability") or not kept:
            wrong.append(leaf)
    judged(variant, "immutable", wrong)


def test_read_write(walk, variant):
    """readWrite: what is sent is what is returned, and a PATCH and a PUT change it."""
    wrong = []
    for kind in walk.kinds.values():
        for leaf in kind.leaves:
            parts = [leaf, *leaf.subs] if leaf.parent is None else [leaf, leaf.parent]
            if not leaf.writable or any(part.mutability != "readWrite" for part in parts if part.writable):
                continue
            if leaf.returned in ("never", "request") or leaf.name == "$ref" or leaf.path == "active":
                continue
            if not keeps(walk, kind, leaf):
                wrong.append(leaf)
    judged(variant, "changes", wrong)


def keeps(walk, kind, leaf):
    """Whether an attribute has what a POST, a PATCH and a PUT gave it, one after the other."""
    body = walk.body(kind, also=[leaf])
    made = walk.create(kind, body)
    if leaf.parent is None or leaf.name in leaf.holders(body)[0]:
        told = (leaf.of(body), leaf.of(made))
        if not all(matches(*pair) for pair in zip(*told, strict=True)):
            return False
    target = leaf if leaf.parent is None or not leaf.parent.many else leaf.parent
    value = walk.value(target, full=True)
    answer = walk.patch(kind, made["id"], op(target, value))
    if answer.status_code not in (200, 204):
        return False
    shown = target.of(walk.get(kind, made["id"]))
    wanted = value if isinstance(value, list) else [value]
    if len(shown) != len(wanted) or not all(matches(*pair) for pair in zip(wanted, shown, strict=True)):
        return False
    again = walk.client.put(walk.url(kind, made["id"]), json=body)
    return again.status_code == 200 and all(
        matches(*pair) for pair in zip(leaf.of(body), leaf.of(again.json()), strict=True)
    )


def matches(sent, shown):
    """Whether what is shown is what was sent; the provider may add sub-attributes, such as $ref."""
    if isinstance(sent, dict):
        return isinstance(shown, dict) and all(matches(value, shown.get(name)) for name, value in sent.items())
    if isinstance(sent, list):
        return isinstance(shown, list) and all(matches(*pair) for pair in zip(sent, shown, strict=True))
    return sent == shown


def test_returned(walk, variant):
    """returned: always, never, by default or on request, in each kind of answer."""
    wrong = []
    for kind in walk.kinds.values():
        body = walk.body(kind, full=True)
        created = walk.create(kind, body)
        for leaf in kind.leaves:
            named = leaf.writable and any(leaf.name in holder for holder in leaf.holders(body))
            if not named or (leaf.parent is not None and leaf.parent.returned in ("never", "request")):
                continue
            listed = walk.client.get(walk.url(kind), params={"count": 100}).json()["Resources"]
            plain = [walk.get(kind, created["id"]), next(e for e in listed if e["id"] == created["id"])]
            asked = walk.get(kind, created["id"], attributes=leaf.path)
            # Of a complex attribute something has to be there, for a sub-attribute that is always there.
            beside = walk.get(kind, created["id"], attributes=beside_of(leaf))
            without = walk.get(kind, created["id"], excludedAttributes=leaf.path)
            seen = (
                {bool(leaf.of(each)) for each in plain},
                *(bool(leaf.of(each)) for each in (created, asked, beside, without)),
            )
            # What is returned on request is in the answer to a write that speaks of it, too.
            expected = {
                "always": ({True}, True, True, True, True),
                "default": ({True}, True, True, False, False),
                "request": ({False}, True, True, False, False),
                "never": ({False}, False, False, False, False),
            }[leaf.returned]
            if seen != expected:
                wrong.append(leaf)
    judged(variant, "returned", wrong)


def beside_of(leaf):
    """Another attribute to ask for; of a sub-attribute, another of the same value."""
    if leaf.parent is None:
        return "meta"
    other = next((sub for sub in leaf.parent.subs if sub is not leaf and sub.returned == "default"), None)
    return other.path if other is not None else "meta"


def test_uniqueness(walk, variant):
    """uniqueness: a value that is taken is refused, in any case unless case counts; none: it may be there twice."""
    wrong = []
    for kind, leaf in simple(walk):
        if leaf.type not in ("string", "integer") or leaf.canonical or refers(leaf):
            continue
        body = walk.body(kind, also=[leaf])
        if not leaf.holders(body) or leaf.name not in leaf.holders(body)[0]:
            continue
        walk.create(kind, body)
        again = fresh(walk, kind, body)
        values = [holder[leaf.name] for holder in leaf.holders(body)]
        status = {}
        for how in ("same", "other case"):
            for holder, value in zip(leaf.holders(again), values, strict=True):
                changed = swapped(value) if isinstance(value, str) and how == "other case" else value
                holder[leaf.name] = changed
            answer = walk.post(kind, again)
            status[how] = (answer.status_code, answer.json().get("scimType"))
            if answer.status_code == 201:
                walk.client.delete(walk.url(kind, answer.json()["id"]))
        taken = (409, "uniqueness")
        unique = leaf.uniqueness != "none"
        folds = unique and (leaf.type != "string" or not leaf.exact)
        if (status["same"] == taken) is not unique or (status["other case"] == taken) is not folds:
            wrong.append(leaf)
    judged(variant, "uniqueness", wrong)


def refers(leaf):
    """Whether it is about another resource, whose id cannot be made up."""
    holder = leaf.parent or leaf
    return any(sub.name == "$ref" for sub in holder.subs)


def test_filters(walk, variant):
    """caseExact: a filter finds a value as it is, and in another case unless case counts; never a secret."""
    wrong = []
    for kind, leaf in simple(walk):
        if leaf.type not in ("string", "reference", "binary") or leaf.returned == "request":
            continue
        body = walk.body(kind, also=[leaf])
        if not leaf.holders(body) or leaf.name not in leaf.holders(body)[0]:
            continue
        made = walk.create(kind, body)
        hidden = "never" in (leaf.returned, leaf.parent.returned if leaf.parent else "")
        if hidden:
            if walk.found(kind, f'{leaf.path} eq "x"') is not None:
                wrong.append(leaf)
            continue
        value = leaf.of(made)[0] if leaf.of(made) else "nothing"
        found = walk.found(kind, f'{leaf.path} eq "{value}"')
        other = walk.found(kind, f'{leaf.path} eq "{swapped(value)}"')
        folds = not leaf.exact or swapped(value) == value
        if found is None or made["id"] not in found or (made["id"] in other) is not folds:
            wrong.append(leaf)
    judged(variant, "filters", wrong)


def test_types(walk, variant):
    """Type and multiValued: a value of another type is refused, and so are two where there is one."""
    wrong = []
    for kind in walk.kinds.values():
        for leaf in kind.leaves:
            body = walk.body(kind, also=[leaf])
            if not leaf.writable or not leaf.holders(body):
                continue
            holder = leaf.holders(body)[0]
            holder[leaf.name] = [WRONG[leaf.type]] if leaf.many else WRONG[leaf.type]
            answers = [walk.post(kind, body)]
            if not leaf.many:
                holder[leaf.name] = [walk.single(leaf), walk.single(leaf)]
                answers.append(walk.post(kind, body))
            if not all(refused(answer, "invalidValue") for answer in answers):
                wrong.append(leaf)
    judged(variant, "types", wrong)


def test_canonical_values(walk, variant):
    """canonicalValues: each of them is taken."""
    wrong = []
    for kind, leaf in simple(walk):
        for value in leaf.canonical if not refers(leaf) else ():
            body = walk.body(kind, also=[leaf])
            leaf.holders(body)[0][leaf.name] = value
            made = walk.create(kind, body)
            if leaf.of(made)[:1] != [value] and leaf.returned != "never" and leaf not in wrong:
                wrong.append(leaf)
    judged(variant, "canonical", wrong)


def test_reference_types(walk, variant):
    """referenceTypes: a $ref leads to a resource of one of these types."""
    wrong = []
    for kind in walk.kinds.values():
        for leaf in kind.leaves:
            if leaf.name != "$ref" or leaf.parent is None or not leaf.parent.writable:
                continue
            made = walk.create(kind, walk.body(kind, also=[leaf.parent]))
            for url in leaf.of(made):
                answer = walk.client.get(url)
                if answer.status_code != 200 or answer.json()["meta"]["resourceType"] not in leaf.refers:
                    wrong.append(leaf)
            if not leaf.of(made):
                wrong.append(leaf)
    judged(variant, "references", wrong)
