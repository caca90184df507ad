-- People: who may sign in, what they did, what they look for.
SET LOCAL statement_timeout = 0;

-- Who did it, where that was a person.
ALTER TABLE timeline ADD COLUMN who {text};

-- How often a person asked for it again; part of the key under which it then runs.
ALTER TABLE delivery ADD COLUMN resent BIGINT NOT NULL DEFAULT 0;

CREATE TABLE person (
  seq {serial},
  name {text} NOT NULL UNIQUE,
  -- argon2id, as a PHC string.
  password {text} NOT NULL,
  created_at BIGINT NOT NULL
);

-- Tokens are kept as their SHA-256 in hex, never themselves.
CREATE TABLE invitation (
  token {text} PRIMARY KEY,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  invited_by {text}
);
CREATE TABLE login (
  token {text} PRIMARY KEY,
  person BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
-- A token works in one mode, as Stripe's keys do.
CREATE TABLE api_token (
  seq {serial},
  livemode BOOLEAN NOT NULL,
  name {text} NOT NULL,
  token {text} NOT NULL UNIQUE,
  created_by {text} NOT NULL,
  created_at BIGINT NOT NULL,
  used_at BIGINT,
  revoked_at BIGINT
);

-- Secrets of the installation, made once: what links to buyers are signed with.
CREATE TABLE secret (
  name {text} PRIMARY KEY,
  value {text} NOT NULL
);

-- Every change of a shelf, in its order; without a session it was a person, or the opening stock.
CREATE TABLE stock_movement (
  seq {serial},
  livemode BOOLEAN NOT NULL,
  sku {text} NOT NULL,
  at BIGINT NOT NULL,
  change BIGINT NOT NULL,
  on_hand BIGINT NOT NULL,
  backordered BIGINT NOT NULL,
  session BIGINT,
  who {text},
  why {text}
);

-- One narrow row an order, so that searching and counting need not read the orders themselves.
CREATE TABLE digest (
  session {number_key},
  livemode BOOLEAN NOT NULL,
  placed_at BIGINT,
  fulfilled_at BIGINT,
  currency {text},
  amount BIGINT,
  -- Everything a person may have in hand, in lower case, separated by spaces.
  haystack {text} NOT NULL
);
INSERT INTO digest (session, livemode, placed_at, fulfilled_at, currency, amount, haystack)
  SELECT o.session, o.livemode, CASE WHEN o.placed THEN o.first_seen_at END, o.fulfilled_at,
    o.sale::json->>'currency', (o.sale::json->>'amount_total')::BIGINT,
    LOWER(s.id || ' ' || COALESCE(o.name, '') || ' ' || COALESCE(o.email, '') || ' '
      || COALESCE(o.customer, '') || ' ' || COALESCE(o.client_reference_id, ''))
  FROM orders o JOIN session s ON s.seq = o.session;

-- One mail a day to the merchant: a day's row is the promise that it goes out once.
CREATE TABLE summary (
  livemode BOOLEAN NOT NULL,
  day {text} NOT NULL,
  status {text} NOT NULL,
  due_at BIGINT,
  attempt BIGINT NOT NULL,
  said {text},
  PRIMARY KEY (livemode, day)
);
CREATE INDEX effect_to_ship ON effect (session) WHERE status = 'to_ship';
CREATE INDEX stock_movement_of ON stock_movement (livemode, sku, seq);
CREATE INDEX digest_placed ON digest (livemode, placed_at) WHERE placed_at IS NOT NULL;
