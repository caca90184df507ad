-- The inbox: every verified delivery, once. Ids are kept for ever, bodies for a while.
CREATE TABLE event (
  id TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  livemode BOOLEAN NOT NULL,
  session_id TEXT,
  type TEXT NOT NULL,
  created BIGINT,
  received_at BIGINT NOT NULL,
  disposition TEXT NOT NULL,
  body {blob}
);
CREATE INDEX event_session ON event (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX event_received ON event (received_at);

-- The queue, and the order's lock: one row per session.
CREATE TABLE work (
  account TEXT NOT NULL,
  livemode BOOLEAN NOT NULL,
  session_id TEXT NOT NULL,
  due_at BIGINT,
  lease_until BIGINT,
  visitor BOOLEAN NOT NULL,
  attempt BIGINT NOT NULL,
  rung BIGINT NOT NULL,
  rung_at BIGINT NOT NULL,
  last_error TEXT,
  PRIMARY KEY (account, livemode, session_id)
) {compact};
CREATE INDEX work_due ON work (account, livemode, visitor, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE orders (
  account TEXT NOT NULL,
  livemode BOOLEAN NOT NULL,
  session_id TEXT NOT NULL,
  status TEXT NOT NULL,
  reason TEXT,
  placed BOOLEAN NOT NULL,
  first_seen_at BIGINT NOT NULL,
  fulfilled_at BIGINT,
  payment_status TEXT,
  currency TEXT,
  amount_total BIGINT,
  email TEXT,
  name TEXT,
  customer TEXT,
  client_reference_id TEXT,
  payment_intent TEXT,
  sale TEXT NOT NULL,
  raw TEXT,
  PRIMARY KEY (account, livemode, session_id)
);
CREATE INDEX orders_seen ON orders (account, livemode, first_seen_at, session_id);
CREATE INDEX orders_open ON orders (account, livemode, status, first_seen_at) WHERE status <> 'fulfilled';
CREATE INDEX orders_email ON orders (email) WHERE email IS NOT NULL;
CREATE INDEX orders_customer ON orders (customer) WHERE customer IS NOT NULL;
CREATE INDEX orders_reference ON orders (client_reference_id) WHERE client_reference_id IS NOT NULL;
CREATE INDEX orders_intent ON orders (payment_intent) WHERE payment_intent IS NOT NULL;

CREATE TABLE order_line (
  account TEXT NOT NULL,
  livemode BOOLEAN NOT NULL,
  session_id TEXT NOT NULL,
  position BIGINT NOT NULL,
  line_id TEXT NOT NULL,
  product TEXT,
  price TEXT,
  description TEXT,
  quantity BIGINT NOT NULL,
  amount_total BIGINT,
  PRIMARY KEY (account, livemode, session_id, line_id)
) {compact};

CREATE TABLE effect (
  account TEXT NOT NULL,
  livemode BOOLEAN NOT NULL,
  session_id TEXT NOT NULL,
  line_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  unit BIGINT NOT NULL,
  quantity BIGINT NOT NULL,
  status TEXT NOT NULL,
  subject TEXT NOT NULL,
  value TEXT,
  url TEXT,
  days BIGINT,
  expires_at BIGINT,
  held TEXT,
  backorder BOOLEAN NOT NULL,
  note TEXT,
  at BIGINT NOT NULL,
  PRIMARY KEY (account, livemode, session_id, line_id, kind, unit)
) {compact};
CREATE INDEX effect_held ON effect (account, livemode, kind, subject) WHERE status = 'held';

CREATE TABLE delivery (
  account TEXT NOT NULL,
  livemode BOOLEAN NOT NULL,
  session_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  line_id TEXT NOT NULL,
  owed BOOLEAN NOT NULL,
  status TEXT NOT NULL,
  due_at BIGINT,
  attempt BIGINT NOT NULL,
  input TEXT NOT NULL,
  said TEXT,
  PRIMARY KEY (account, livemode, session_id, kind, line_id)
) {compact};
CREATE INDEX delivery_due ON delivery (account, livemode, kind, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE timeline (
  account TEXT NOT NULL,
  livemode BOOLEAN NOT NULL,
  session_id TEXT NOT NULL,
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL,
  what TEXT NOT NULL,
  PRIMARY KEY (account, livemode, session_id, seq)
) {compact};

CREATE TABLE shelf (
  account TEXT NOT NULL,
  livemode BOOLEAN NOT NULL,
  sku TEXT NOT NULL,
  on_hand BIGINT NOT NULL,
  backordered BIGINT NOT NULL,
  opened BOOLEAN NOT NULL,
  releasing BOOLEAN NOT NULL,
  PRIMARY KEY (account, livemode, sku)
) {compact};

-- What came onto a shelf. What left it is in the effects.
CREATE TABLE stock_entry (
  account TEXT NOT NULL,
  livemode BOOLEAN NOT NULL,
  sku TEXT NOT NULL,
  entry TEXT NOT NULL,
  delta BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (account, livemode, sku, entry)
) {compact};

CREATE TABLE key_pool (
  account TEXT NOT NULL,
  livemode BOOLEAN NOT NULL,
  pool TEXT NOT NULL,
  releasing BOOLEAN NOT NULL,
  PRIMARY KEY (account, livemode, pool)
) {compact};

CREATE TABLE license_key (
  account TEXT NOT NULL,
  livemode BOOLEAN NOT NULL,
  pool TEXT NOT NULL,
  license_key TEXT NOT NULL,
  position BIGINT NOT NULL,
  session_id TEXT,
  line_id TEXT,
  unit BIGINT,
  PRIMARY KEY (account, livemode, pool, license_key)
) {compact};
CREATE INDEX license_key_free ON license_key (account, livemode, pool, position) WHERE session_id IS NULL;

-- Replicas that are alive.
CREATE TABLE node (
  id TEXT PRIMARY KEY,
  seen_at BIGINT NOT NULL
);

-- Small facts about the installation.
CREATE TABLE fact (
  name TEXT PRIMARY KEY,
  value BIGINT NOT NULL
);
