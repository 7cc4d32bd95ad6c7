// node --test
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { mockscim } from "./mockscim.mjs";

/** The client that is tested; yours takes its place. It looks before it creates, and looks again when in doubt. */
async function provision({ baseUrl, token }, userName) {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/scim+json" };
  for (let attempt = 0; attempt < 3; attempt++) {
    const query = new URLSearchParams({ filter: `userName eq "${userName}"` });
    const { Resources } = await (await fetch(`${baseUrl}/Users?${query}`, { headers })).json();
    if (Resources?.length) return Resources[0];
    const body = JSON.stringify({ schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"], userName });
    try {
      const answer = await fetch(`${baseUrl}/Users`, { method: "POST", headers, body });
      if (answer.status === 201) return await answer.json();
    } catch {
      // No answer: it may have been created all the same.
    }
  }
  throw new Error(`${userName} could not be provisioned`);
}

describe("provisioning", { concurrency: true }, () => {
  test("a lost answer makes no second user", async (t) => {
    const scim = await mockscim(t, { profile: "standard", seed: 7 });
    await scim.fault({ type: "lost_ack", match: { operation: "user.create" }, times: 1 });
    await provision(scim, "eve@example.com");
    await scim.verify({ operation: "user.create", where: 'userName eq "eve@example.com"', count: 1 });
    await scim.check();
  });

  test("an account of Segment keeps its name", async (t) => {
    const scim = await mockscim(t, { profile: "segment", fixture: "segment-workspace" });
    const bob = await provision(scim, "bob@example.com");
    assert.equal(bob.displayName, "Bob, as he chose it");
  });
});
