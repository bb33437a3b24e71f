import assert from "node:assert/strict";
import { Client } from "@hubspot/api-client";
import { app, consent, oracle, setCount, throttle } from "../simulator.js";

const ACCOUNT = "21902692";

export default {
  async signIn(shared) {
    const { client_id, client_secret, redirect_uris } = await app("hubspot");
    const client = new Client();
    const scope = "oauth crm.objects.contacts.read crm.objects.contacts.write";
    const url = client.oauth.getAuthorizationUrl(client_id, redirect_uris[0], scope, "", "s");
    const code = (await consent(url, ACCOUNT)).searchParams.get("code");
    const tokens = await client.oauth.tokensApi.create("authorization_code", code, redirect_uris[0], client_id, client_secret);
    shared.hubspot = new Client({ accessToken: tokens.accessToken, numberOfApiCallRetries: 0 });
    const known = await shared.hubspot.oauth.accessTokensApi.get(tokens.accessToken);
    assert.equal(String(known.hubId), ACCOUNT);
  },
  async list({ hubspot }) {
    await setCount("hubspot", ACCOUNT, "contacts", 230);
    const contacts = await hubspot.crm.contacts.getAll(100);
    assert.equal(new Set(contacts.map((one) => one.id)).size, 230);
  },
  async write({ hubspot }) {
    const properties = { firstname: "Written", email: "written@example.com" };
    const { id } = await hubspot.crm.contacts.basicApi.create({ properties, associations: [] });
    assert.equal((await hubspot.crm.contacts.basicApi.getById(id)).properties.firstname, "Written");
    assert.equal((await oracle("hubspot", ACCOUNT, "contacts"))[id].properties.firstname, "Written");
  },
  async error({ hubspot }) {
    await assert.rejects(hubspot.crm.contacts.basicApi.getById("999999999"), { code: 404 });
  },
  async throttled({ hubspot }) {
    await throttle("hubspot", ACCOUNT);
    await assert.rejects(hubspot.crm.contacts.basicApi.getPage(), { code: 429 });
  },
};
