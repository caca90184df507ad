-- The inbox: every verified delivery, once. Ids are kept for ever, bodies (lz4) for a while.
-- An event is about one session for ever, so its id is unique behind the session's number (0: it is
-- about none that is ours). That keeps the index growing at its end, where a unique index of random
-- ids would be written all over.
CREATE TABLE event (
  seq {serial},
  session BIGINT NOT NULL,
  id {text} NOT NULL,
  account {text} NOT NULL,
  livemode BOOLEAN NOT NULL,
  type {text} NOT NULL,
  object_id {text},
  created BIGINT,
  received_at BIGINT NOT NULL,
  disposition {text} NOT NULL,
  body {blob},
  UNIQUE (session, id)
);
CREATE INDEX event_quarantined ON event (seq) WHERE disposition = 'quarantined';

-- The register of Checkout Sessions: each has one row and one number, whatever rings it. The row is
-- the queue and the order's lock; all that belongs to the session hangs on its number, so that what
-- is written together lies together.
CREATE TABLE session (
  seq {serial},
  account {text} NOT NULL,
  livemode BOOLEAN NOT NULL,
  id {text} NOT NULL,
  first_rung_at BIGINT NOT NULL,
  due_at BIGINT,
  visitor BOOLEAN NOT NULL,
  guess BOOLEAN NOT NULL,
  told_succeeded BOOLEAN NOT NULL,
  told_failed BOOLEAN NOT NULL,
  rung BIGINT NOT NULL,
  seen BIGINT NOT NULL DEFAULT 0,
  looked_at BIGINT,
  lease_until BIGINT,
  attempt BIGINT NOT NULL DEFAULT 0,
  tries BIGINT NOT NULL DEFAULT 0,
  fence BIGINT NOT NULL DEFAULT 0,
  missing BOOLEAN NOT NULL DEFAULT FALSE,
  told BIGINT NOT NULL DEFAULT 0,
  trouble {text},
  UNIQUE (id, livemode, account)
);
CREATE INDEX session_due ON session (livemode, visitor, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE orders (
  session {number_key},
  livemode BOOLEAN NOT NULL,
  status {text} NOT NULL,
  reason {text},
  placed BOOLEAN NOT NULL,
  first_seen_at BIGINT NOT NULL,
  fulfilled_at BIGINT,
  email {text},
  name {text},
  customer {text},
  client_reference_id {text},
  sale {text} NOT NULL,
  raw {blob}
);
CREATE INDEX orders_open ON orders (livemode, status, session) WHERE status <> 'fulfilled';
CREATE INDEX orders_email ON orders (email) WHERE email IS NOT NULL;
CREATE INDEX orders_customer ON orders (customer) WHERE customer IS NOT NULL;
CREATE INDEX orders_reference ON orders (client_reference_id) WHERE client_reference_id IS NOT NULL;

CREATE TABLE effect (
  session BIGINT NOT NULL,
  line {text} NOT NULL,
  kind {text} NOT NULL,
  unit BIGINT NOT NULL,
  quantity BIGINT NOT NULL,
  status {text} NOT NULL,
  subject {text} NOT NULL,
  value {text},
  url {text},
  days BIGINT,
  expires_at BIGINT,
  held {text},
  backorder BOOLEAN NOT NULL,
  note {text},
  PRIMARY KEY (session, line, kind, unit)
) {compact};
CREATE INDEX effect_held ON effect (kind, subject, session) WHERE status = 'held';

CREATE TABLE delivery (
  session BIGINT NOT NULL,
  kind {text} NOT NULL,
  line {text} NOT NULL,
  livemode BOOLEAN NOT NULL,
  owed BOOLEAN NOT NULL,
  status {text} NOT NULL,
  due_at BIGINT,
  attempt BIGINT NOT NULL DEFAULT 0,
  forgiven BIGINT NOT NULL DEFAULT 0,
  input {text} NOT NULL,
  said {text},
  PRIMARY KEY (session, kind, line)
) {compact};
CREATE INDEX delivery_due ON delivery (livemode, kind, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_stuck ON delivery (livemode, session) WHERE status = 'stuck';

CREATE TABLE timeline (
  session BIGINT NOT NULL,
  n BIGINT NOT NULL,
  at BIGINT NOT NULL,
  what {text} NOT NULL,
  PRIMARY KEY (session, n)
) {compact};

CREATE TABLE shelf (
  account {text} NOT NULL,
  livemode BOOLEAN NOT NULL,
  sku {text} NOT NULL,
  on_hand BIGINT NOT NULL DEFAULT 0,
  backordered BIGINT NOT NULL DEFAULT 0,
  opened BOOLEAN NOT NULL DEFAULT FALSE,
  releasing BOOLEAN NOT NULL DEFAULT FALSE,
  PRIMARY KEY (account, livemode, sku)
) {compact};

CREATE TABLE key_pool (
  account {text} NOT NULL,
  livemode BOOLEAN NOT NULL,
  pool {text} NOT NULL,
  last_position BIGINT NOT NULL DEFAULT 0,
  releasing BOOLEAN NOT NULL DEFAULT FALSE,
  PRIMARY KEY (account, livemode, pool)
) {compact};

-- A key is drawn once: session, line and unit say by whom.
CREATE TABLE license_key (
  account {text} NOT NULL,
  livemode BOOLEAN NOT NULL,
  pool {text} NOT NULL,
  license_key {text} NOT NULL,
  position BIGINT NOT NULL,
  session BIGINT,
  line {text},
  unit BIGINT,
  PRIMARY KEY (account, livemode, pool, license_key)
) {compact};
CREATE INDEX license_key_free ON license_key (account, livemode, pool, position) WHERE session IS NULL;
CREATE UNIQUE INDEX license_key_drawn ON license_key (session, line, unit) WHERE session IS NOT NULL;
CREATE INDEX license_key_owner ON license_key (license_key) WHERE session IS NOT NULL;

-- Replicas that are alive.
CREATE TABLE node (
  id {text} PRIMARY KEY,
  seen_at BIGINT NOT NULL
);

-- Small facts about the installation.
CREATE TABLE fact (
  name {text} PRIMARY KEY,
  value BIGINT NOT NULL
);
