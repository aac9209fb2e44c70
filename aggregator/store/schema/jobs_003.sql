-- jobs.db, version 3: leases, the crash limit, and which sessions are of a node's present agent and boot.

ALTER TABLE jobs_raw ADD COLUMN crash_limit INTEGER NOT NULL DEFAULT 3;
ALTER TABLE jobs_raw ADD COLUMN lease_ms INTEGER NOT NULL DEFAULT 0;   -- 0: its tasks have none
ALTER TABLE tasks_raw ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;   -- attempts during which the node went down
ALTER TABLE nodes_raw ADD COLUMN agent_session INTEGER NOT NULL DEFAULT 0;
ALTER TABLE nodes_raw ADD COLUMN boot_session INTEGER NOT NULL DEFAULT 0;
