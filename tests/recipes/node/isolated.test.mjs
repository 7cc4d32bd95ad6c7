// Tests that run at the same time in one process do not see each other.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { mockscim } from "../../../docs/recipes/node/mockscim.mjs";

const COUNT = 8;
const all = [];
let here = 0;
let open;
const together = new Promise((resolve) => (open = resolve));

async function create({ baseUrl, token }, userName) {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/scim+json" };
  return (await fetch(`${baseUrl}/Users`, { method: "POST", headers, body: JSON.stringify({ userName }) })).status;
}

describe("isolated", { concurrency: true }, () => {
  for (let n = 0; n < COUNT; n++) {
    test(`test ${n}`, async (t) => {
      const scim = await mockscim(t);
      if (n % 2) await scim.fault({ type: "abort", parameters: { status: 503 }, match: { operation: "user.create" } });
      all[n] = scim;
      if (++here === COUNT) open();
      await together; // nobody goes on before all are here
      assert.equal(await create(scim, "ann@example.com"), n % 2 ? 503 : 201);
      assert.equal(await create({ ...scim, token: all[(n + 1) % COUNT].token }, "bob@example.com"), 401);
      await scim.verify({ operation: "user.create", status: n % 2 ? 503 : 201, count: 1 });
    });
  }
});
