// What a merchant's program does with stripe-node: create, page, expand, retry, verify.
import assert from "node:assert/strict";
import http from "node:http";
import { text } from "node:stream/consumers";
import Stripe from "stripe";

const base = new URL(process.env.SANDBOX);
const to = { host: base.hostname, port: base.port, protocol: "http" };
const stripe = new Stripe("sk_test_12345678", to);
const control = async (path, body) => {
  const request = { method: "POST", body: JSON.stringify(body) };
  return (await fetch(new URL(`/_sandbox/${path}`, base), request)).text();
};

const line = (n) => ({
  quantity: n,
  price_data: { currency: "eur", unit_amount: 100, product_data: { name: `Tea ${n}` } },
});
const create = (more) =>
  stripe.checkout.sessions.create({
    mode: "payment",
    success_url: "http://localhost:4242/success?session_id={CHECKOUT_SESSION_ID}",
    line_items: Array.from({ length: 12 }, (_, n) => line(n + 1)),
    metadata: { shop: "tea & more" },
    ...more,
  });

// Create and expand.
const session = await create();
assert.equal(session.amount_total, 7800);
assert.equal(session.metadata.shop, "tea & more");
const expanded = await stripe.checkout.sessions.retrieve(session.id, {
  expand: ["line_items.data.price.product"],
});
assert.equal(expanded.line_items.data[0].price.product.name, "Tea 1");
assert.equal(expanded.line_items.has_more, true);

// Page.
const quantities = [];
for await (const one of stripe.checkout.sessions.listLineItems(session.id, { limit: 5 })) {
  quantities.push(one.quantity);
}
assert.deepEqual(quantities, Array.from({ length: 12 }, (_, n) => n + 1));
const names = [];
for await (const one of stripe.products.list({ limit: 5 })) names.push(one.name);
assert.equal(names.length, 12);

// Taxes.
const vat = await stripe.taxRates.create({ display_name: "VAT", percentage: 7.25, inclusive: false });
const taxed = await create({
  line_items: [{ ...line(4), tax_rates: [vat.id] }],
  expand: ["line_items.data.taxes"],
});
assert.equal(taxed.amount_total, 429);
assert.equal(taxed.line_items.data[0].taxes[0].rate.percentage, 7.25);
assert.equal((await stripe.taxRates.list({ active: true })).data[0].id, vat.id);
await stripe.checkout.sessions.expire(taxed.id);

// Errors.
await assert.rejects(stripe.products.retrieve("prod_none"), (error) => {
  assert.ok(error instanceof Stripe.errors.StripeInvalidRequestError);
  assert.equal(error.code, "resource_missing");
  assert.match(error.requestId, /^req_/);
  return true;
});

// Retry: stripe-node does it after a 500, with the same key; after a 429 its user does.
const failing = (status) => ({ kind: "status", status, times: 1, method: "POST", path: "/v1/products" });
await control("faults", failing(500));
const tried = await stripe.products.create({ name: "Coffee" });
await control("faults", { kind: "drop", times: 1, method: "POST", path: "/v1/products" });
await stripe.products.create({ name: "Cocoa" });
await control("faults", failing(429));
await assert.rejects(stripe.products.create({ name: "Maté" }), Stripe.errors.StripeRateLimitError);
await stripe.products.create({ name: "Maté" });
const all = await stripe.products.list({ limit: 100 }).autoPagingToArray({ limit: 1000 });
for (const name of ["Coffee", "Cocoa", "Maté"]) {
  assert.equal(all.filter((product) => product.name === name).length, 1, name);
}
const key = { idempotencyKey: "coffee-2" };
const first = await stripe.products.create({ name: "Coffee 2" }, key);
const second = await stripe.products.create({ name: "Coffee 2" }, key);
assert.equal(first.id, second.id);
assert.notEqual(first.id, tried.id);
await assert.rejects(stripe.products.create({ name: "Coffee 3" }, key), Stripe.errors.StripeIdempotencyError);

// Verify.
let endpoint;
const came = new Promise((resolve) => {
  const server = http.createServer(async (request, response) => {
    const body = await text(request);
    const signature = request.headers["stripe-signature"];
    response.end("thanks");
    server.close();
    resolve({ body, signature });
  });
  server.listen(0, "127.0.0.1", async () => {
    endpoint = await stripe.webhookEndpoints.create({
      url: `http://127.0.0.1:${server.address().port}/webhook`,
      enabled_events: ["checkout.session.completed"],
    });
    await control("pay", { session: session.id });
  });
});
const { body, signature } = await came;
const event = stripe.webhooks.constructEvent(body, signature, endpoint.secret);
assert.equal(event.data.object.id, session.id);
assert.equal(event.data.object.payment_status, "paid");
assert.throws(() => stripe.webhooks.constructEvent(`${body} `, signature, endpoint.secret));
const kept = await stripe.events.retrieve(event.id);
assert.equal(kept.type, "checkout.session.completed");
const intent = await stripe.paymentIntents.retrieve(event.data.object.payment_intent);
assert.equal(intent.status, "succeeded");

// Thin events.
const thin = await stripe.v2.core.events.list({ object_id: session.id });
assert.equal(thin.data[0].type, "v1.checkout.session.completed");
const destination = await stripe.v2.core.eventDestinations.create({
  name: "thin",
  type: "webhook_endpoint",
  event_payload: "thin",
  enabled_events: ["v1.checkout.session.completed"],
  webhook_endpoint: { url: "http://127.0.0.1:9/" },
});
assert.equal(destination.status, "enabled");
assert.equal((await stripe.v2.core.eventDestinations.disable(destination.id)).status, "disabled");
await stripe.v2.core.eventDestinations.del(destination.id);
console.log("all is well");
// An idle connection would keep node for half a minute.
process.exit();
