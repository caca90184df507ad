"""What a merchant's program does with stripe-python: create, page, expand, retry, verify."""

import http.server
import json
import os
import urllib.request

import stripe

base = os.environ["SANDBOX"]
client = stripe.StripeClient(
    "sk_test_12345678", base_addresses={"api": base}, max_network_retries=2
)


def control(path, body):
    data = json.dumps(body).encode()
    urllib.request.urlopen(f"{base}/_sandbox/{path}", data).read()


def refused(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def line(n):
    data = {"currency": "eur", "unit_amount": 100, "product_data": {"name": f"Tea {n}"}}
    return {"quantity": n, "price_data": data}


# Create and expand.
session = client.v1.checkout.sessions.create(
    {
        "mode": "payment",
        "success_url": "http://localhost:4242/success?session_id={CHECKOUT_SESSION_ID}",
        "line_items": [line(n) for n in range(1, 13)],
        "metadata": {"shop": "tea & more"},
    }
)
assert session.amount_total == 7800
expanded = client.v1.checkout.sessions.retrieve(
    session.id, {"expand": ["line_items.data.price.product"]}
)
assert expanded.line_items.data[0].price.product.name == "Tea 1"

# Page: an expanded list through its own URL, too.
assert [one.quantity for one in expanded.line_items.auto_paging_iter()] == list(range(1, 13))
lines = client.v1.checkout.sessions.line_items.list(session.id, {"limit": 5})
assert [one.quantity for one in lines.auto_paging_iter()] == list(range(1, 13))
products = client.v1.products.list({"limit": 5}).auto_paging_iter()
assert len(list(products)) == 12

# Taxes.
vat = client.v1.tax_rates.create({"display_name": "VAT", "percentage": 7.25, "inclusive": False})
taxed = client.v1.checkout.sessions.create(
    {
        "mode": "payment",
        "success_url": "http://localhost:4242/success",
        "line_items": [{**line(4), "tax_rates": [vat.id]}],
        "expand": ["line_items.data.taxes"],
    }
)
assert taxed.amount_total == 429
assert taxed.line_items.data[0].taxes[0].rate.percentage == 7.25
assert client.v1.tax_rates.list({"active": True}).data[0].id == vat.id

# Errors.
error = refused(stripe.InvalidRequestError, lambda: client.v1.products.retrieve("prod_none"))
assert error.code == "resource_missing" and error.request_id.startswith("req_"), error

# Retry: stripe-python does it after a 500, with the same key; after a 429 its user does.
failing = {"kind": "status", "status": 500, "times": 1, "method": "POST", "path": "/v1/products"}
control("faults", failing)
tried = client.v1.products.create({"name": "Coffee"})
control("faults", {**failing, "status": 429})
refused(stripe.RateLimitError, lambda: client.v1.products.create({"name": "Maté"}))
client.v1.products.create({"name": "Maté"})
names = [one.name for one in client.v1.products.list({"limit": 100}).auto_paging_iter()]
assert names.count("Coffee") == 1 and names.count("Maté") == 1, names
key = {"idempotency_key": "coffee-2"}
first = client.v1.products.create({"name": "Coffee 2"}, key)
assert first.id == client.v1.products.create({"name": "Coffee 2"}, key).id != tried.id
other = {"name": "Coffee 3"}
refused(stripe.IdempotencyError, lambda: client.v1.products.create(other, key))

# Verify.
came = []


class Endpoint(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        came.append((body, self.headers["stripe-signature"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Endpoint)
endpoint = client.v1.webhook_endpoints.create(
    {
        "url": f"http://127.0.0.1:{server.server_port}/webhook",
        "enabled_events": ["checkout.session.completed"],
    }
)
control("pay", {"session": session.id})
server.handle_request()
body, signature = came[0]
event = stripe.Webhook.construct_event(body, signature, endpoint.secret)
assert event.data.object.id == session.id and event.data.object.payment_status == "paid"
refused(
    stripe.SignatureVerificationError,
    lambda: client.construct_event(body + b" ", signature, endpoint.secret),
)
assert client.v1.events.retrieve(event.id).type == "checkout.session.completed"
paid = client.v1.payment_intents.retrieve(event.data.object.payment_intent)
assert paid.status == "succeeded"

# Thin events.
thin = client.v2.core.events.list({"object_id": session.id}).data[0]
assert thin.type == "v1.checkout.session.completed", thin
assert thin.fetch_related_object().id == session.id

# A search is refused as a search.
error = refused(stripe.InvalidRequestError, lambda: client.v1.products.search({"query": "x"}))
assert error.http_status == 404 and "no such call" in error.user_message, error
print("all is well")
