import assert from "node:assert/strict";
import { ManagementClient } from "auth0";
import { app, throttle } from "../simulator.js";

const DOMAIN = "arrakis.us.auth0.com";

export default {
  async signIn(shared) {
    const { client_id, client_secret } = await app("auth0", DOMAIN);
    const options = { domain: DOMAIN, clientId: client_id, clientSecret: client_secret, maxRetries: 0 };
    shared.auth0 = new ManagementClient(options);
    shared.clientId = client_id;
    assert.equal((await shared.auth0.tenants.settings.get()).friendly_name, "Arrakis");
  },
  async list({ auth0 }) {
    const ids = [];
    for await (const user of await auth0.users.list({ per_page: 2, include_totals: true })) ids.push(user.user_id);
    assert.equal(new Set(ids).size, 5);
    assert.equal(ids.length, 5);
  },
  async error({ auth0 }) {
    await assert.rejects(auth0.clients.get("none"), { statusCode: 404 });
  },
  async throttled({ auth0 }) {
    await throttle("auth0", DOMAIN);
    await assert.rejects(auth0.users.list(), { statusCode: 429 });
  },
};
