import assert from "node:assert/strict";
import OAuthClient from "intuit-oauth";
import { app, consent, oracle, setCount, throttle } from "../simulator.js";

const REALM = "4620816365001234567";
const COMPANY = `https://quickbooks.api.intuit.com/v3/company/${REALM}`;

export default {
  async signIn(shared) {
    const { client_id, client_secret, redirect_uris } = await app("quickbooks");
    const options = { clientId: client_id, clientSecret: client_secret, redirectUri: redirect_uris[0] };
    shared.intuit = new OAuthClient({ ...options, environment: "production" });
    const url = shared.intuit.authorizeUri({ scope: [OAuthClient.scopes.Accounting], state: "s" });
    const back = await consent(url, REALM);
    await shared.intuit.createToken(back.href);
    assert.equal(shared.intuit.getToken().realmId, REALM);
    await shared.intuit.refresh();
    shared.call = async (path, more = {}) => (await shared.intuit.makeApiCall({ url: `${COMPANY}/${path}`, ...more })).json;
  },
  async list({ call }) {
    await setCount("quickbooks", REALM, "Invoice", 230);
    const ids = new Set();
    for (let start = 1; ; start += 100) {
      const query = encodeURIComponent(`SELECT * FROM Invoice ORDERBY Id STARTPOSITION ${start} MAXRESULTS 100`);
      const { Invoice = [] } = (await call(`query?query=${query}`)).QueryResponse;
      for (const one of Invoice) ids.add(one.Id);
      if (Invoice.length < 100) break;
    }
    assert.equal(ids.size, 230);
  },
  async write({ call }) {
    const headers = { "Content-Type": "application/json" };
    const { Invoice } = await call("invoice", { method: "POST", headers, body: { DocNumber: "Written" } });
    assert.equal((await call(`invoice/${Invoice.Id}`)).Invoice.DocNumber, "Written");
    assert.equal((await oracle("quickbooks", REALM, "Invoice"))[Invoice.Id].DocNumber, "Written");
  },
  async error({ call }) {
    await assert.rejects(call("query?query=nonsense"), { name: "OAuthError", faultType: /./ });
  },
  async throttled({ call }) {
    await throttle("quickbooks", REALM);
    await assert.rejects(call("query?query=SELECT%20*%20FROM%20Invoice"), { code: "RATE_LIMIT_EXCEEDED" });
  },
};
