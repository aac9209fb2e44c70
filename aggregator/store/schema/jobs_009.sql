-- jobs.db, version 9: tasks that are isolated, and what each node has to hold tasks to their limits.

ALTER TABLE jobs_raw ADD COLUMN isolate TEXT NOT NULL DEFAULT 'none';    -- none or sandbox
ALTER TABLE jobs_raw ADD COLUMN network INTEGER NOT NULL DEFAULT 0;      -- 1: in the sandbox, too
ALTER TABLE nodes_raw ADD COLUMN containment TEXT NOT NULL DEFAULT '{}';
