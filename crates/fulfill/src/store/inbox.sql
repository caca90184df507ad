-- PostgreSQL takes a whole commit of arrivals as one statement: a single journey. It does what
-- inbox.rs does step by step for SQLite, where a step costs no journey.
WITH a (rang, session_id, succeeded, failed, id, account, livemode, type, object_id, created, received_at, disposition, body) AS ({rows}),
wanted AS (
  SELECT session_id COLLATE "C" AS id, livemode, MIN(received_at) AS at, COUNT(*) AS n,
    BOOL_OR(succeeded) AS succeeded, BOOL_OR(failed) AS failed
  FROM a WHERE rang GROUP BY session_id, livemode
),
known AS (
  SELECT s.seq, s.id FROM session s
  JOIN wanted w ON s.id = w.id AND s.livemode = w.livemode AND s.account = ''
),
-- All that is about a new session is new: it is rung by being made.
made AS (
  INSERT INTO session (account, livemode, id, first_rung_at, due_at, visitor, guess, told_succeeded, told_failed, rung)
  SELECT '', livemode, id, at, at, FALSE, FALSE, succeeded, failed, n FROM wanted w
  WHERE NOT EXISTS (SELECT 1 FROM known k WHERE k.id = w.id) ORDER BY id
  {ring}
  RETURNING seq, id
),
numbered AS (SELECT seq, id FROM made UNION ALL SELECT seq, id FROM known),
new AS (
  INSERT INTO event (session, id, account, livemode, type, object_id, created, received_at, disposition, body)
  SELECT COALESCE(n.seq, 0), a.id, a.account, a.livemode, a.type, a.object_id, a.created, a.received_at, a.disposition, a.body
  FROM a LEFT JOIN numbered n ON a.rang AND n.id = a.session_id COLLATE "C"
  ORDER BY a.id COLLATE "C"
  ON CONFLICT (session, id) DO NOTHING
  RETURNING session, id, type, received_at
),
again AS (
  UPDATE session s SET
    rung = s.rung + c.n,
    guess = FALSE,
    told_succeeded = s.told_succeeded OR c.succeeded,
    told_failed = s.told_failed OR c.failed,
    due_at = CASE WHEN s.lease_until > c.at THEN s.due_at WHEN s.due_at < c.at THEN s.due_at ELSE c.at END
  FROM (
    SELECT new.session, COUNT(*) AS n, MIN(new.received_at) AS at,
      BOOL_OR(new.type = 'checkout.session.async_payment_succeeded') AS succeeded,
      BOOL_OR(new.type = 'checkout.session.async_payment_failed') AS failed
    FROM new JOIN known ON known.seq = new.session GROUP BY new.session
  ) c
  WHERE s.seq = c.session
)
SELECT id FROM new
