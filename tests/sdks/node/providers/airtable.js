import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import Airtable from "airtable";
import { app, consent, oracle, setCount, throttle } from "../simulator.js";

const USER = "usrziLeD23j9AJ1";
const BASE = "appArrakis0000001";
const TABLE = `${BASE}/tblSpice000000001`;
const VERIFIER = "v".repeat(50);

export default {
  // The SDK takes a token: OAuth is its caller's.
  async signIn(shared) {
    const { client_id, client_secret, redirect_uris } = await app("airtable");
    const asked = new URLSearchParams({
      client_id,
      redirect_uri: redirect_uris[0],
      response_type: "code",
      scope: "data.records:read data.records:write",
      state: "s",
      code_challenge: createHash("sha256").update(VERIFIER).digest("base64url"),
      code_challenge_method: "S256",
    });
    const back = await consent(`https://airtable.com/oauth2/v1/authorize?${asked}`, USER);
    const body = new URLSearchParams({
      grant_type: "authorization_code",
      code: back.searchParams.get("code"),
      redirect_uri: redirect_uris[0],
      code_verifier: VERIFIER,
    });
    const authorization = `Basic ${btoa(`${client_id}:${client_secret}`)}`;
    const options = { method: "POST", body, headers: { authorization } };
    const tokens = await (await fetch("https://airtable.com/oauth2/v1/token", options)).json();
    const airtable = new Airtable({ apiKey: tokens.access_token, noRetryIfRateLimited: true });
    shared.table = airtable.base(BASE)("Spice");
  },
  async list({ table }) {
    await setCount("airtable", USER, TABLE, 230);
    const records = await table.select({ pageSize: 100 }).all();
    assert.equal(new Set(records.map((one) => one.id)).size, 230);
  },
  async write({ table }) {
    // Five calls a second: the list took three.
    await new Promise((passed) => setTimeout(passed, 1_100));
    const { id } = await table.create({ Name: "Written" });
    assert.equal((await table.find(id)).get("Name"), "Written");
    assert.equal((await table.update(id, { Name: "Changed" })).get("Name"), "Changed");
    assert.equal((await oracle("airtable", USER, TABLE))[id].fields.Name, "Changed");
  },
  async error({ table }) {
    await assert.rejects(table.find("recNoneAtAll00000"), (error) => [403, 404].includes(error.statusCode));
  },
  async throttled({ table }) {
    await throttle("airtable", USER);
    await assert.rejects(table.select().firstPage(), { statusCode: 429 });
  },
};
