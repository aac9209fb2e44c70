-- jobs.db, version 12: input files, of all tasks of a job and of single appended ones.

ALTER TABLE jobs_raw ADD COLUMN files TEXT;   -- JSON array of {"name", "sha256", "size_bytes"}; NULL: none
ALTER TABLE tasks_raw ADD COLUMN files TEXT;  -- the same: the task's own

-- Inputs that are kept for another try, as in version 2.
CREATE INDEX tasks_files ON tasks_raw (job, task) WHERE files IS NOT NULL AND state IN ('failed', 'cancelled');
CREATE INDEX jobs_files ON jobs_raw (job) WHERE files IS NOT NULL;
