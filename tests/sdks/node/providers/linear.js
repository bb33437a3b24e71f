import assert from "node:assert/strict";
import { InvalidInputLinearError, LinearClient, RatelimitedLinearError } from "@linear/sdk";
import { app, consent, oracle, setCount, throttle } from "../simulator.js";

const WORKSPACE = "abc123";

export default {
  // The SDK takes a token: OAuth is its caller's.
  async signIn(shared) {
    const { client_id, client_secret, redirect_uris } = await app("linear");
    const asked = new URLSearchParams({
      client_id,
      redirect_uri: redirect_uris[0],
      response_type: "code",
      scope: "read,write",
      state: "s",
    });
    const back = await consent(`https://linear.app/oauth/authorize?${asked}`, WORKSPACE);
    const body = new URLSearchParams({
      grant_type: "authorization_code",
      code: back.searchParams.get("code"),
      redirect_uri: redirect_uris[0],
      client_id,
      client_secret,
    });
    const tokens = await (await fetch("https://api.linear.app/oauth/token", { method: "POST", body })).json();
    shared.linear = new LinearClient({ accessToken: tokens.access_token });
    assert.equal((await shared.linear.viewer).name, "Paul Atreides");
    assert.equal((await shared.linear.organization).urlKey, "arrakis");
  },
  async list({ linear }) {
    await setCount("linear", WORKSPACE, "issues", 130);
    let page = await linear.issues({ first: 50, orderBy: "updatedAt", filter: { updatedAt: { gt: new Date(0) } } });
    while (page.pageInfo.hasNextPage) page = await page.fetchNext();
    assert.equal(new Set(page.nodes.map((one) => one.id)).size, 130);
    assert.equal((await page.nodes[0].team).key, "ARR");
    for (const name of ["projects", "users", "teams", "workflowStates"]) {
      assert.notEqual((await linear[name]({ first: 5 })).nodes.length, 0, name);
    }
    assert.equal((await linear.rateLimitStatus).limits.length, 2);
  },
  async write({ linear }) {
    const [team] = (await linear.teams()).nodes;
    const made = await linear.createIssue({ teamId: team.id, title: "Written" });
    const issue = await made.issue;
    assert.equal((await linear.issue(issue.id)).title, "Written");
    assert.equal((await linear.updateIssue(issue.id, { priority: 1 })).success, true);
    assert.equal((await oracle("linear", WORKSPACE, "issues"))[issue.id].priorityLabel, "Urgent");
  },
  async error({ linear }) {
    await assert.rejects(linear.issue("ARR-999999"), InvalidInputLinearError);
  },
  async throttled({ linear }) {
    await throttle("linear", WORKSPACE);
    await assert.rejects(linear.issues(), RatelimitedLinearError);
  },
};
