import "@shopify/shopify-api/adapters/node";
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { shopifyApi } from "@shopify/shopify-api";
import { app, consent, oracle, setCount, throttle } from "../simulator.js";

const SHOP = "shop-001.myshopify.com";
const PATH = "/link/oauth2/callback/shopify";
const PRODUCTS = `query($after: String) {
  products(first: 100, after: $after) { nodes { id title } pageInfo { hasNextPage endCursor } }
}`;
const CREATE = `mutation($product: ProductCreateInput) {
  productCreate(product: $product) { product { id legacyResourceId } userErrors { message } }
}`;

// The SDK's two steps, in a server of their own.
async function authorize(shopify) {
  let session;
  const server = createServer(async (rawRequest, rawResponse) => {
    const options = { rawRequest, rawResponse };
    if (rawRequest.url.startsWith(PATH)) {
      ({ session } = await shopify.auth.callback({ ...options, expiring: true }));
      rawResponse.end();
    } else {
      await shopify.auth.begin({ ...options, shop: SHOP, callbackPath: PATH, isOnline: false });
    }
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const base = `http://127.0.0.1:${server.address().port}`;
  // The SDK sends no robots to the consent page, for which it takes Node.
  const browser = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" };
  const begun = await fetch(base, { headers: browser, redirect: "manual" });
  const cookie = begun.headers.getSetCookie().map((one) => one.split(";")[0]).join("; ");
  const back = await consent(begun.headers.get("location"), SHOP);
  await fetch(`${base}${back.pathname}${back.search}`, { headers: { ...browser, cookie }, redirect: "manual" });
  server.close();
  return session;
}

export default {
  async signIn(shared) {
    const { client_id, client_secret, redirect_uris } = await app("shopify");
    const shopify = shopifyApi({
      apiKey: client_id,
      apiSecretKey: client_secret,
      scopes: ["write_products"],
      hostName: new URL(redirect_uris[0]).host,
      hostScheme: "http",
      apiVersion: "2026-10",
      isEmbeddedApp: false,
      logger: { level: 0 },
    });
    const session = await authorize(shopify);
    assert.equal(session.shop, SHOP);
    shared.shopify = new shopify.clients.Graphql({ session });
  },
  async list({ shopify }) {
    await setCount("shopify", SHOP, "products", 230);
    const ids = new Set();
    for (let after = null; after !== undefined; ) {
      const { data } = await shopify.request(PRODUCTS, { variables: { after } });
      for (const one of data.products.nodes) ids.add(one.id);
      after = data.products.pageInfo.hasNextPage ? data.products.pageInfo.endCursor : undefined;
    }
    assert.equal(ids.size, 230);
  },
  async write({ shopify }) {
    const { data } = await shopify.request(CREATE, { variables: { product: { title: "Written" } } });
    const { id, legacyResourceId } = data.productCreate.product;
    const read = await shopify.request("query($id: ID!) { product(id: $id) { title } }", { variables: { id } });
    assert.equal(read.data.product.title, "Written");
    assert.equal((await oracle("shopify", SHOP, "products"))[legacyResourceId].title, "Written");
  },
  async error({ shopify }) {
    await assert.rejects(shopify.request("{ nonsense }"), (error) => error.constructor.name === "GraphqlQueryError");
  },
  async throttled({ shopify }) {
    await throttle("shopify", SHOP);
    await assert.rejects(shopify.request("{ shop { name } }"), (error) => error.constructor.name === "HttpThrottlingError");
  },
};
