// scimmy-routers on Express with users in memory, for `make bench`: node express.mjs USERS
// Prints one JSON line with its port and the ids it gave, and ends when standard input does.
import { randomUUID } from "node:crypto";
import express from "express";
import SCIMMYRouters, { SCIMMY } from "scimmy-routers";

const users = Number(process.argv[2]);
const TOKEN = "benchmark-token";

/** What a handler keeps of one kind of resource: by id, and by the attribute that has to be unique. */
class Kept {
    constructor(unique) {
        this.unique = unique;
        this.byId = new Map();
        this.byName = new Map();
    }

    write(resource, data) {
        const old = resource.id === undefined ? undefined : this.byId.get(resource.id);
        if (resource.id !== undefined && old === undefined) throw new Error("not found");
        const name = data[this.unique].toLowerCase();
        const holder = this.byName.get(name);
        if (holder !== undefined && holder !== resource.id) throw new SCIMMY.Types.Error(409, "uniqueness", name);
        const now = new Date().toISOString();
        const kept = { ...data, id: resource.id ?? randomUUID(), meta: { created: old?.meta.created ?? now, lastModified: now } };
        if (old !== undefined) this.byName.delete(old[this.unique].toLowerCase());
        this.byId.set(kept.id, kept);
        this.byName.set(name, kept.id);
        return kept;
    }

    read(resource) {
        if (resource.id !== undefined) {
            const kept = this.byId.get(resource.id);
            if (kept === undefined) throw new Error("not found");
            return kept;
        }
        const all = [...this.byId.values()];
        return resource.filter === undefined ? all : resource.filter.match(all);
    }

    remove(resource) {
        const kept = this.byId.get(resource.id);
        if (kept === undefined) throw new Error("not found");
        this.byId.delete(kept.id);
        this.byName.delete(kept[this.unique].toLowerCase());
    }
}

for (const [kind, unique] of [[SCIMMY.Resources.User, "userName"], [SCIMMY.Resources.Group, "displayName"]]) {
    const kept = new Kept(unique);
    SCIMMY.Resources.declare(kind)
        .ingress((resource, data) => kept.write(resource, data))
        .egress((resource) => kept.read(resource))
        .degress((resource) => kept.remove(resource));
}

const app = express();
app.use("/scim/v2", new SCIMMYRouters({
    type: "bearer",
    handler: (request) => {
        if (request.header("Authorization") !== `Bearer ${TOKEN}`) throw new Error("a token is needed");
        return "benchmark";
    },
}));
const server = app.listen(0, "127.0.0.1", async () => {
    const { port } = server.address();
    const ids = [];
    for (let number = 0; number < users; number += 1) {
        // Through the library, as a client's users would come.
        const { id } = await new SCIMMY.Resources.User().write({
            userName: `ann.ashdown${number}@example.com`,
            externalId: `hr-${String(number).padStart(8, "0")}`,
            displayName: `Ann Ashdown ${number}`,
            name: { givenName: "Ann", familyName: `Ashdown ${number}` },
            active: true,
            title: "Site Reliability Engineer",
            emails: [{ value: `ann.ashdown${number}@example.com`, type: "work", primary: true }],
        });
        ids.push(id);
    }
    const groups = [];
    for (let number = 1; number <= 100; number += 1) {
        const members = ids.slice(number * 10, number * 10 + 10).map((value) => ({ value }));
        groups.push((await new SCIMMY.Resources.Group().write({ displayName: `Group ${number}`, members })).id);
    }
    console.log(JSON.stringify({ port, users: ids, groups }));
});
server.keepAliveTimeout = 0; // as the others do: no connection is closed between two rounds
process.stdin.on("end", () => process.exit(0)).resume();
