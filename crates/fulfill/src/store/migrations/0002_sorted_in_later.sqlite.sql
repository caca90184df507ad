-- What arrives is only appended before it is acknowledged: nothing is looked up and no index of random
-- ids is written. Sorting it in comes afterwards. SQLite drops no column that is unique, so the inbox is
-- made anew.
ALTER TABLE event RENAME TO event_first;
DROP INDEX event_quarantined;

-- The inbox: every verified delivery, in the order it came. Bodies (lz4) are kept for a while.
CREATE TABLE event (
  seq {serial},
  id {text} NOT NULL,
  account {text} NOT NULL,
  livemode BOOLEAN NOT NULL,
  type {text} NOT NULL,
  object_id {text},
  created BIGINT,
  received_at BIGINT NOT NULL,
  disposition {text} NOT NULL,
  body {blob}
);

-- Events that have not been sorted in yet: written with the event, gone when its session is rung.
CREATE TABLE doorbell (
  event {number_key}
);

-- Events that were sorted in. An event is about one session for ever, so its id is unique behind the
-- session's number (0: it is about none that is ours): this index grows at its end. What comes twice
-- leaves the inbox again. Kept for ever.
CREATE TABLE heard (
  session BIGINT NOT NULL,
  id {text} NOT NULL,
  event BIGINT NOT NULL,
  PRIMARY KEY (session, id)
) {compact};

INSERT INTO heard (session, id, event) SELECT session, id, seq FROM event_first;
INSERT INTO event
  (seq, id, account, livemode, type, object_id, created, received_at, disposition, body)
  SELECT e.seq, e.id, e.account, e.livemode, e.type, COALESCE(e.object_id, s.id), e.created,
    e.received_at, e.disposition, e.body
  FROM event_first e LEFT JOIN session s ON s.seq = e.session;
DROP TABLE event_first;
CREATE INDEX event_quarantined ON event (seq) WHERE disposition = 'quarantined';
