CREATE TABLE event (
  seq {serial}, id TEXT NOT NULL UNIQUE, livemode BOOLEAN NOT NULL, session_id TEXT,
  type TEXT NOT NULL, received_at BIGINT NOT NULL, body {blob}
);
CREATE TABLE session (
  seq {serial}, id TEXT NOT NULL UNIQUE, due_at BIGINT, rung BIGINT NOT NULL, attempt BIGINT NOT NULL
);
CREATE TABLE orders (
  session BIGINT PRIMARY KEY, status TEXT NOT NULL, first_seen_at BIGINT NOT NULL, email TEXT,
  sale TEXT NOT NULL
);
CREATE INDEX orders_email ON orders (email);
CREATE TABLE effect (
  session BIGINT NOT NULL, line TEXT NOT NULL, kind TEXT NOT NULL, status TEXT NOT NULL,
  subject TEXT NOT NULL, value TEXT, PRIMARY KEY (session, line, kind)
);
CREATE TABLE delivery (
  session BIGINT NOT NULL, kind TEXT NOT NULL, status TEXT NOT NULL, input TEXT NOT NULL,
  PRIMARY KEY (session, kind)
);
CREATE TABLE timeline (
  session BIGINT NOT NULL, n BIGINT NOT NULL, at BIGINT NOT NULL, what TEXT NOT NULL,
  PRIMARY KEY (session, n)
);
CREATE TABLE shelf (sku BIGINT PRIMARY KEY, on_hand BIGINT NOT NULL)
