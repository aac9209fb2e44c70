-- jobs.db, version 11: tasks that are batches of calls to a kernel.

ALTER TABLE jobs_raw ADD COLUMN call_limit_ms INTEGER;  -- of one call; NULL: tasks are commands, and the next two say nothing
ALTER TABLE jobs_raw ADD COLUMN call_idle_ms INTEGER;
ALTER TABLE jobs_raw ADD COLUMN call_retries INTEGER;
