// Prints every contact of a HubSpot account as a line of JSON, with Node 18 or newer and no package.
import { setTimeout as sleep } from "node:timers/promises";

const { SEQUIN_URL, SEQUIN_API_KEY, CREDENTIAL_ID } = process.env;

// Ask Sequin Admin. Throws its sentence when somebody must act.
async function ask(path, body) {
  for (;;) {
    const answer = await fetch(`${SEQUIN_URL}/v1/credentials/${CREDENTIAL_ID}/${path}`, {
      method: body ? "POST" : "GET",
      headers: { Authorization: `Bearer ${SEQUIN_API_KEY}`, "Content-Type": "application/json" },
      body: body && JSON.stringify(body),
    });
    const said = await answer.json();
    if (answer.ok) return said;
    if (![429, 503].includes(answer.status)) throw new Error(said.summary);
    await sleep(said.retry_after_ms ?? 5000);
  }
}

let token;

// Call the provider with a permit, and say how the call ended.
async function send(path) {
  const [lease] = (await ask("permits", { wait_ms: 10000, use_within_ms: 2000 })).leases;
  let outcome = "failed";
  try {
    const answer = await fetch(token.base_url + path, { headers: token.headers });
    outcome = answer.status === 429 ? "throttled" : "ok";
    return { status: answer.status, body: await answer.text() };
  } finally {
    await ask("permits/release", { releases: [{ lease, outcome }] });
  }
}

// Once more with a new token after 401; after 429 the next permit comes when the limit has been reset.
async function get(path) {
  for (let renewed = false; ; ) {
    const { status, body } = await send(path);
    if (status === 200) return JSON.parse(body);
    if (status === 401 && !renewed) {
      token = await ask("token/refresh", { fingerprint: token.fingerprint });
      renewed = true;
    } else if (status !== 429) throw new Error(`HubSpot answered ${status}: ${body}`);
  }
}

try {
  token = await ask("token");
  for (let after = ""; after !== undefined; ) {
    const page = await get(`/crm/v3/objects/contacts?limit=100${after && `&after=${after}`}`);
    for (const contact of page.results) console.log(JSON.stringify(contact));
    after = page.paging?.next.after;
  }
} catch (error) {
  console.error(error.message); // whose move it is
  process.exitCode = 1;
}
