import assert from "node:assert/strict";
import sendgrid from "@sendgrid/client";
import { account, throttle } from "../simulator.js";

const ACCOUNT = "arrakis";

export default {
  async signIn() {
    sendgrid.setApiKey((await account("sendgrid", ACCOUNT)).full_key);
    const [, { scopes }] = await sendgrid.request({ method: "GET", url: "/v3/scopes" });
    assert.ok(scopes.includes("marketing.read"));
  },
  async list() {
    const [, { result, contact_count }] = await sendgrid.request({ method: "GET", url: "/v3/marketing/contacts" });
    assert.equal(result.length, contact_count);
  },
  async error() {
    await assert.rejects(sendgrid.request({ method: "GET", url: "/v3/nothing" }), { code: 404 });
  },
  async throttled() {
    await throttle("sendgrid", ACCOUNT);
    await assert.rejects(sendgrid.request({ method: "GET", url: "/v3/scopes" }), { code: 429 });
  },
};
