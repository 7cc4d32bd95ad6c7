// A test process that is killed before it ends.
import { test } from "node:test";
import { mockscim } from "../../../docs/recipes/node/mockscim.mjs";

test("endless", async (t) => {
  const { baseUrl } = await mockscim(t);
  console.log(`at ${baseUrl}`);
  await new Promise((resolve) => setTimeout(resolve, 60_000));
});
