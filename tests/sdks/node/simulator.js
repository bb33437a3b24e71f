// What the SDKs do not do: a person's consent, the control page, the oracle.
import assert from "node:assert/strict";

const { SIMULATOR_URL } = process.env;

async function read(path) {
  const answer = await fetch(`${SIMULATOR_URL}/${path}`);
  assert.equal(answer.status, 200, path);
  return answer.json();
}

export async function control(path, data = {}) {
  const answer = await fetch(`${SIMULATOR_URL}/control-api/${path}`, { method: "POST", body: JSON.stringify(data) });
  assert.equal(answer.status, 200, await answer.text());
}

export const app = (provider, owner = "") => read(`control-api/${provider}/app?owner=${owner}`);

export async function account(provider, id) {
  const { data } = await read(`control-api/${provider}/accounts`);
  return data.find((one) => one.id === id);
}

export const setCount = (provider, id, collection, count) =>
  control(`${provider}/accounts/${id}/rows`, { count, collection });

export const throttle = (provider, id) => control(`${provider}/accounts/${id}/throttle`);

// Rows of a collection by id, as they are now.
export async function oracle(provider, id, collection) {
  const { rows } = await read(`control/${provider}/${id}/rows?collection=${collection}&at=`);
  return Object.fromEntries(rows.map((one) => [one.id, one.row]));
}

// Allow on the consent page: the URL to which it leads back.
export async function consent(url, account) {
  const body = new URLSearchParams({ account, allow: "1" });
  const answer = await fetch(url, { method: "POST", body, redirect: "manual" });
  assert.equal(answer.status, 302, await answer.text());
  return new URL(answer.headers.get("location"));
}
