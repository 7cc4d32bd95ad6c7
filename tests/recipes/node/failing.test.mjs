// What a client that does not behave is told.
import { test } from "node:test";
import { mockscim } from "../../../docs/recipes/node/mockscim.mjs";

async function twice({ baseUrl, token }) {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/scim+json" };
  for (const userName of ["ann@example.com", "ann2@example.com"]) {
    await fetch(`${baseUrl}/Users`, { method: "POST", headers, body: JSON.stringify({ userName, externalId: "7" }) });
  }
}

test("verify", async (t) => {
  const scim = await mockscim(t);
  await twice(scim);
  await scim.verify({ operation: "user.create", count: 1 });
});

test("check", async (t) => {
  const scim = await mockscim(t);
  await twice(scim);
  await scim.check();
});

test("a wrong rule", async (t) => {
  const scim = await mockscim(t);
  await scim.fault({ type: "oops" });
});
