-- jobs.db, version 10: where a job's tasks may run.

ALTER TABLE jobs_raw ADD COLUMN on_nodes TEXT NOT NULL DEFAULT '';  -- a node set, as pi[01-04]; empty: any
ALTER TABLE jobs_raw ADD COLUMN arch TEXT NOT NULL DEFAULT '';      -- as nodes tell it; empty: any
