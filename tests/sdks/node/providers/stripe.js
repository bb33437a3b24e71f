import assert from "node:assert/strict";
import Stripe from "stripe";
import { app, consent, oracle, setCount, throttle } from "../simulator.js";

const ACCOUNT = "acct_1Arrakis0000001";

export default {
  async signIn(shared) {
    const { client_id, client_secret, redirect_uris } = await app("stripe");
    const platform = new Stripe(client_secret, { maxNetworkRetries: 0 });
    const asked = { client_id, response_type: "code", scope: "read_write", redirect_uri: redirect_uris[0], state: "s" };
    const back = await consent(platform.oauth.authorizeUrl(asked), ACCOUNT);
    const tokens = await platform.oauth.token({ grant_type: "authorization_code", code: back.searchParams.get("code") });
    assert.equal(tokens.stripe_user_id, ACCOUNT);
    shared.stripe = new Stripe(tokens.access_token, { maxNetworkRetries: 0 });
  },
  async list({ stripe }) {
    await setCount("stripe", ACCOUNT, "customers", 230);
    const ids = new Set();
    for await (const customer of stripe.customers.list({ limit: 100 })) ids.add(customer.id);
    assert.equal(ids.size, 230);
  },
  async write({ stripe }) {
    const { id } = await stripe.customers.create({ name: "Written", metadata: { plan: "pro" } });
    assert.equal((await stripe.customers.retrieve(id)).name, "Written");
    assert.equal((await oracle("stripe", ACCOUNT, "customers"))[id].metadata.plan, "pro");
  },
  async error({ stripe }) {
    await assert.rejects(stripe.customers.retrieve("cus_none"), { type: "StripeInvalidRequestError", code: "resource_missing" });
  },
  async throttled({ stripe }) {
    await throttle("stripe", ACCOUNT);
    await assert.rejects(stripe.customers.list(), { type: "StripeRateLimitError", statusCode: 429 });
  },
};
