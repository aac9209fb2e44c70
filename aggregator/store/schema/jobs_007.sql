-- jobs.db, version 7: the power of nodes - what is wanted, what is observed, whether it is paused - and the audit log.

CREATE TABLE power_raw (
  node TEXT PRIMARY KEY,
  wish TEXT NOT NULL,           -- none, on or off
  how TEXT NOT NULL,            -- clean, asap or force
  by_person INTEGER NOT NULL,
  cycle INTEGER NOT NULL,       -- 1: on again when it is off
  who TEXT NOT NULL,
  why TEXT NOT NULL,
  asked_ms INTEGER NOT NULL,
  state TEXT NOT NULL,
  since_ms INTEGER NOT NULL,
  cause TEXT NOT NULL,
  was_on INTEGER NOT NULL,
  off_proved INTEGER NOT NULL,
  boot_before TEXT NOT NULL,
  presses INTEGER NOT NULL,     -- of its button or reset, ever
  press_open INTEGER NOT NULL,  -- 1: the last one has begun, and what came of it is not known
  boot_ms INTEGER NOT NULL,     -- learned; 0: not known
  starts INTEGER NOT NULL,      -- in a row without a node that stays up
  lines TEXT NOT NULL
) WITHOUT ROWID;

INSERT INTO meta VALUES ('power_paused', 0);
INSERT INTO meta VALUES ('power_paused_by', '');
INSERT INTO meta VALUES ('power_paused_why', '');
INSERT INTO meta VALUES ('power_paused_ms', 0);

-- Every request, change of state and switch; the oldest go when there are too many.
CREATE TABLE audit_raw (
  id INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  who TEXT NOT NULL,
  node TEXT NOT NULL,
  action TEXT NOT NULL,
  why TEXT NOT NULL,
  result TEXT NOT NULL
);

CREATE VIEW power AS SELECT
  node, state, nullif(wish, 'none') AS desired, how, iif(wish = 'none', NULL, who) AS who,
  iif(wish = 'none', NULL, why) AS why, cause, cycle, off_proved, starts, nullif(boot_ms, 0) / 1000.0 AS boot_s, lines,
  strftime('%Y-%m-%dT%H:%M:%SZ', since_ms / 1000, 'unixepoch') AS since,
  iif(wish = 'none', NULL, strftime('%Y-%m-%dT%H:%M:%SZ', asked_ms / 1000, 'unixepoch')) AS asked
FROM power_raw;

CREATE VIEW audit AS SELECT
  id, strftime('%Y-%m-%dT%H:%M:%SZ', at_ms / 1000, 'unixepoch') AS at, who, node, action, why, result, at_ms
FROM audit_raw;
