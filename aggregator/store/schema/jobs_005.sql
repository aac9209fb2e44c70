-- jobs.db, version 5: how much power a node draws at rest and with all its cores busy, where a person has said so.

ALTER TABLE nodes_raw ADD COLUMN idle_w REAL;  -- NULL: the node goes by its board's figures
ALTER TABLE nodes_raw ADD COLUMN busy_w REAL;

-- The energy of a few days is asked for in a store of many.
CREATE INDEX attempts_ended ON attempts_raw (ended_ms) WHERE energy_mj > 0;

DROP VIEW nodes;
CREATE VIEW nodes AS SELECT
  node, online, drained, drain_reason, cores, memory_bytes, model, arch, version, labels, resources,
  strftime('%Y-%m-%dT%H:%M:%SZ', first_seen_ms / 1000, 'unixepoch') AS first_seen,
  strftime('%Y-%m-%dT%H:%M:%SZ', last_seen_ms / 1000, 'unixepoch') AS last_seen,
  reason AS offline_reason, machine_id, boot_id, agent_id, idle_w, busy_w
FROM nodes_raw;
