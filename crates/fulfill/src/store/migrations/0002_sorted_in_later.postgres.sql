-- What arrives is only appended before it is acknowledged: nothing is looked up and no index of random
-- ids is written. Sorting it in comes afterwards. The file for SQLite says what the tables are.
SET LOCAL statement_timeout = 0;
CREATE TABLE doorbell (
  event {number_key}
);
CREATE TABLE heard (
  session BIGINT NOT NULL,
  id {text} NOT NULL,
  event BIGINT NOT NULL,
  PRIMARY KEY (session, id)
);
INSERT INTO heard (session, id, event) SELECT session, id, seq FROM event;
UPDATE event SET object_id = session.id FROM session
  WHERE session.seq = event.session AND event.object_id IS NULL;
-- With it goes its unique index.
ALTER TABLE event DROP COLUMN session;
-- Bodies that are packed already are kept in the row, not packed again and laid elsewhere.
ALTER TABLE event SET (toast_tuple_target = 8160);
ALTER TABLE orders SET (toast_tuple_target = 8160);
