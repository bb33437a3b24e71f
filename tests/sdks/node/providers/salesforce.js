import assert from "node:assert/strict";
import jsforce from "jsforce";
import { app, consent, oracle, setCount, throttle } from "../simulator.js";

const ORGANIZATION = "00D5g000004ArrakEA";

export default {
  async signIn(shared) {
    const { client_id, client_secret, redirect_uris } = await app("salesforce");
    const oauth2 = new jsforce.OAuth2({
      clientId: client_id,
      clientSecret: client_secret,
      redirectUri: redirect_uris[0],
      useVerifier: true,
    });
    const url = oauth2.getAuthorizationUrl({ scope: "api refresh_token", state: "s" });
    const back = await consent(url, ORGANIZATION);
    shared.salesforce = new jsforce.Connection({ oauth2, version: "62.0" });
    const user = await shared.salesforce.authorize(back.searchParams.get("code"));
    assert.equal(user.organizationId, ORGANIZATION);
  },
  async list({ salesforce }) {
    await setCount("salesforce", ORGANIZATION, "Contact", 2_300);
    const page = await salesforce.query("SELECT Id, LastName FROM Contact", { autoFetch: true, maxFetch: 5_000 });
    assert.equal(new Set(page.records.map((one) => one.Id)).size, 2_300);
  },
  async write({ salesforce }) {
    const { id, success } = await salesforce.sobject("Contact").create({ LastName: "Written" });
    assert.equal(success, true);
    assert.equal((await salesforce.sobject("Contact").retrieve(id)).LastName, "Written");
    assert.equal((await oracle("salesforce", ORGANIZATION, "Contact"))[id].LastName, "Written");
  },
  async error({ salesforce }) {
    await assert.rejects(salesforce.query("SELECT Nothing FROM Nowhere"), (error) => /INVALID|MALFORMED/.test(error.errorCode));
  },
  async throttled({ salesforce }) {
    await throttle("salesforce", ORGANIZATION);
    await assert.rejects(salesforce.query("SELECT Id FROM Contact"), { errorCode: "REQUEST_LIMIT_EXCEEDED" });
  },
};
