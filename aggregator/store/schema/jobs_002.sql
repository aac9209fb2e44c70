-- jobs.db, version 2: jobs whose tasks were queued again, and jobs that are forgotten.

ALTER TABLE progress_raw ADD COLUMN retried INTEGER NOT NULL DEFAULT 0;    -- times that ended tasks were queued again
ALTER TABLE progress_raw ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;  -- 1: not shown; its rows are being removed
CREATE INDEX progress_forgotten ON progress_raw (job) WHERE forgotten = 1;
CREATE INDEX progress_ended ON progress_raw (ended_ms) WHERE ended_ms IS NOT NULL AND forgotten = 0;

-- Inputs that are kept for another try: of tasks that ended without success, and of such jobs.
CREATE INDEX tasks_inputs ON tasks_raw (stdin_sha256, stdin_bytes)
  WHERE stdin_sha256 IS NOT NULL AND state IN ('failed', 'cancelled');
CREATE INDEX jobs_inputs ON jobs_raw (stdin_sha256, stdin_bytes) WHERE stdin_sha256 IS NOT NULL;

-- The highest number ever given to a job that was removed: numbers are never used twice.
INSERT INTO meta VALUES ('last_removed_job', 0);

DROP VIEW jobs;
CREATE VIEW jobs AS SELECT
  job, name, owner, state, total AS tasks, succeeded, failed, cancelled, priority,
  (SELECT group_concat(value, ' ') FROM json_each(argv)) AS command,
  strftime('%Y-%m-%dT%H:%M:%SZ', submitted_ms / 1000, 'unixepoch') AS submitted,
  strftime('%Y-%m-%dT%H:%M:%SZ', ended_ms / 1000, 'unixepoch') AS ended,
  (ended_ms - submitted_ms) / 1000.0 AS elapsed_s,
  cpus, memory_bytes, time_limit_ms / 1000.0 AS time_limit_s, retries, max_running, on_node_loss,
  submitted_ms, ended_ms, retried
FROM jobs_raw JOIN progress_raw USING (job) WHERE forgotten = 0;
