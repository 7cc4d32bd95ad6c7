// One mockscim server for this process, a directory of its own for each test. Node 20, no packages.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";

const { MOCKSCIM_URL, MOCKSCIM_ADMIN_TOKEN } = process.env;
let server; // a promise of the server's root, made by the test that asks first

/** A tenant that lives as long as the test `t`; options are `{profile, fixture, seed, strict, clock, …}`. */
export async function mockscim(t, options = {}) {
  server ??= MOCKSCIM_URL ? MOCKSCIM_URL.replace(/\/*(scim\/v2|_mockscim)?\/*$/, "") : started();
  const control = `${await server}/t/test-${randomUUID()}/_mockscim`;
  const { base_url: baseUrl } = await ask("PUT", control, options);
  t.after(() => ask("DELETE", control));
  const { token } = await ask("POST", `${control}/tokens`, {});
  return {
    baseUrl,
    token,
    /** Add a fault rule. */
    fault: (rule) => ask("POST", `${control}/faults`, rule),
    /** Fail unless the client did what is expected. */
    async verify(expected) {
      const { ok, explanation } = await ask("POST", `${control}/verify`, expected);
      assert.ok(ok, explanation);
    },
    /** Fail if an invariant is broken. */
    async check() {
      const { items, reproduce } = await ask("GET", `${control}/invariants`);
      const broken = items.filter((item) => item.verdict === "broken");
      const lines = broken.flatMap(({ id, name, why, evidence }) => [
        `${id} ${name}: ${why}`,
        ...evidence.map(({ what }) => `  ${what}`),
      ]);
      assert.ok(!broken.length, [...lines, `reproduce: ${reproduce}`].join("\n"));
    },
  };
}

/** Start a server, which ends with this process. */
async function started() {
  const child = spawn("mockscim", ["serve", "--port", "0", "--exit-with-stdin"], { stdio: ["pipe", "pipe", "inherit"] });
  // SIGTERM. Should this process be killed, its end of the server's standard input closes, which ends the server too.
  process.once("exit", () => child.kill());
  const line = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`mockscim ended with exit code ${code}`)));
    createInterface(child.stdout).once("line", resolve);
  });
  for (const each of [child, child.stdin, child.stdout]) each.unref(); // a server is no reason not to exit
  return JSON.parse(line).base_url.replace("/scim/v2", "");
}

async function ask(method, url, body) {
  const headers = MOCKSCIM_ADMIN_TOKEN ? { Authorization: `Bearer ${MOCKSCIM_ADMIN_TOKEN}` } : {};
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${url}: ${answer.status} ${text}`);
  return text && JSON.parse(text);
}
