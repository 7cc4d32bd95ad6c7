// A session of a client that has nothing but fetch: node session.mjs BASE TOKEN. Prints "ok", or fails.
import assert from "node:assert/strict";

const [base, token] = process.argv.slice(2);
const USER = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group";
const message = (name) => `urn:ietf:params:scim:api:messages:2.0:${name}`;

async function ask(method, path, body, headers = {}) {
  const answer = await fetch(base + path, {
    method,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/scim+json", ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text ? JSON.parse(text) : undefined };
}

const config = await ask("GET", "/ServiceProviderConfig");
assert.equal(config.status, 200);
assert.match(config.headers.get("content-type"), /^application\/scim\+json/);
assert.ok(config.body.patch.supported);

const made = await ask("POST", "/Users", { schemas: [USER], userName: "zoë@example.com", displayName: "Zoë" });
assert.equal(made.status, 201);
assert.equal(made.headers.get("location"), made.body.meta.location);
assert.equal(made.headers.get("etag"), made.body.meta.version);
const user = `/Users/${made.body.id}`;

const taken = await ask("POST", "/Users", { schemas: [USER], userName: "ZOË@example.com" });
assert.deepEqual([taken.status, taken.body.scimType, taken.body.status], [409, "uniqueness", "409"]);

const found = await ask("GET", `/Users?filter=${encodeURIComponent('userName eq "zoë@example.com"')}`);
assert.deepEqual(found.body.Resources, [made.body]);

const same = await ask("GET", user, undefined, { "If-None-Match": made.body.meta.version });
assert.deepEqual([same.status, same.body], [304, undefined]);

const patched = await ask("PATCH", user, {
  schemas: [message("PatchOp")],
  Operations: [
    { op: "add", path: "emails", value: [{ value: "zoe@example.com", type: "work" }] },
    { op: "replace", path: 'emails[type eq "work"].value', value: "z@example.com" },
    { op: "remove", path: "displayName" },
  ],
});
assert.deepEqual(patched.body.emails, [{ value: "z@example.com", type: "work" }]);
assert.equal(patched.body.displayName, undefined);

const stale = await ask("PUT", user, made.body, { "If-Match": made.body.meta.version });
assert.equal(stale.status, 412);
const put = await ask("PUT", user, { ...patched.body, title: "Lead" }, { "If-Match": patched.body.meta.version });
assert.equal(put.body.title, "Lead");

const bulk = await ask("POST", "/Bulk", {
  schemas: [message("BulkRequest")],
  Operations: [
    { method: "POST", path: "/Groups", bulkId: "g", data: { schemas: [GROUP], displayName: "Crew", members: [{ value: "bulkId:u" }] } },
    { method: "POST", path: "/Users", bulkId: "u", data: { schemas: [USER], userName: "yann@example.com" } },
  ],
});
assert.deepEqual(bulk.body.Operations.map((one) => one.status), ["201", "201"]);
const group = await (await fetch(bulk.body.Operations[0].location, { headers: { Authorization: `Bearer ${token}` } })).json();
assert.ok(group.members[0].$ref.endsWith(`/Users/${group.members[0].value}`));

const many = await Promise.all(
  Array.from({ length: 40 }, (_, n) => ask("POST", "/Users", { schemas: [USER], userName: `many-${n}@example.com` })),
);
assert.ok(many.every((one) => one.status === 201));
const page = await ask("POST", "/Users/.search", { schemas: [message("SearchRequest")], filter: 'userName sw "many-"', count: 7 });
assert.deepEqual([page.body.totalResults, page.body.Resources.length], [40, 7]);

const gone = await ask("DELETE", user);
assert.deepEqual([gone.status, gone.body], [204, undefined]);
assert.equal((await ask("GET", user)).status, 404);
assert.equal((await ask("GET", user, undefined, { Authorization: "Bearer wrong" })).status, 401);
console.log("ok");
