import assert from "node:assert/strict";
import { App, Octokit } from "octokit";
import { app, consent, oracle, setCount, throttle } from "../simulator.js";

const LOGIN = "paul-atreides";
const INSTALLATION = 47232440;
const REPOSITORY = { owner: LOGIN, repo: "sietch" };
// The plug-ins that wait for a limit to pass are off.
const AtOnce = Octokit.defaults({ throttle: { enabled: false }, retry: { enabled: false } });

export default {
  async signIn(shared) {
    const { client_id, client_secret, private_key, slug } = await app("github");
    await consent(`https://github.com/apps/${slug}/installations/new?state=s`, LOGIN);
    const oauth = { clientId: client_id, clientSecret: client_secret };
    const octokit = new App({ appId: client_id, privateKey: private_key, oauth, Octokit: AtOnce });
    const { data } = await octokit.octokit.rest.apps.getInstallation({ installation_id: INSTALLATION });
    assert.equal(data.account.login, LOGIN);
    shared.octokit = await octokit.getInstallationOctokit(INSTALLATION);
  },
  async list({ octokit }) {
    await setCount("github", LOGIN, "sietch/issues", 230);
    const options = { ...REPOSITORY, state: "all", per_page: 100 };
    const issues = await octokit.paginate(octokit.rest.issues.listForRepo, options);
    assert.equal(new Set(issues.map((one) => one.number)).size, 230);
  },
  async write({ octokit }) {
    const { data } = await octokit.rest.issues.create({ ...REPOSITORY, title: "Written" });
    const read = await octokit.rest.issues.get({ ...REPOSITORY, issue_number: data.number });
    assert.equal(read.data.title, "Written");
    assert.equal((await oracle("github", LOGIN, "sietch/issues"))[data.number].title, "Written");
  },
  async error({ octokit }) {
    await assert.rejects(octokit.rest.issues.get({ ...REPOSITORY, issue_number: 999999 }), { status: 404 });
  },
  async throttled({ octokit }) {
    await throttle("github", LOGIN);
    await assert.rejects(octokit.rest.issues.listForRepo(REPOSITORY), (error) => [403, 429].includes(error.status));
  },
};
