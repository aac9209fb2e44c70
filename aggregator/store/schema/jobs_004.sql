-- jobs.db, version 4: what each attempt cost, as its node reckons it. In millijoules, and not whole ones: the joules of
-- many short tasks must still add up.

ALTER TABLE attempts_raw ADD COLUMN energy_mj REAL;           -- NULL: not known
ALTER TABLE attempts_raw ADD COLUMN energy_measured_mj REAL;  -- the part of it that was measured, not modelled

DROP VIEW attempts;
CREATE VIEW attempts AS SELECT
  a.job, a.task, a.attempt, a.node,
  coalesce(a.outcome, iif(a.started_ms IS NULL, 'assigned', 'running')) AS outcome,
  a.attempt = t.committed_attempt AS committed,
  a.exit_code, a.signal, a.message,
  strftime('%Y-%m-%dT%H:%M:%SZ', a.assigned_ms / 1000, 'unixepoch') AS assigned,
  strftime('%Y-%m-%dT%H:%M:%SZ', a.started_ms / 1000, 'unixepoch') AS started,
  strftime('%Y-%m-%dT%H:%M:%SZ', a.ended_ms / 1000, 'unixepoch') AS ended,
  a.duration_ms / 1000.0 AS duration_s, a.cpu_ms / 1000.0 AS cpu_s, a.peak_memory_bytes,
  a.stdout_bytes, a.stderr_bytes, a.assigned_ms, a.started_ms, a.ended_ms,
  a.energy_mj / 1e3 AS energy_j, a.energy_measured_mj / 1e3 AS energy_measured_j
FROM attempts_raw a JOIN tasks_raw t USING (job, task);

-- Every attempt counts, not only the one that was committed: what was done twice was paid twice.
DROP VIEW tasks;
CREATE VIEW tasks AS SELECT
  job, task, state, attempts, failures,
  nullif(committed_attempt, 0) AS committed_attempt,
  stdin_sha256 AS input_blob, stdin_bytes AS input_bytes,
  (SELECT sum(energy_mj) / 1e3 FROM attempts_raw a WHERE a.job = t.job AND a.task = t.task) AS energy_j,
  (SELECT sum(energy_measured_mj) / 1e3 FROM attempts_raw a WHERE a.job = t.job AND a.task = t.task)
    AS energy_measured_j
FROM tasks_raw t;

DROP VIEW jobs;
CREATE VIEW jobs AS SELECT
  job, name, owner, state, total AS tasks, succeeded, failed, cancelled, priority,
  (SELECT group_concat(value, ' ') FROM json_each(argv)) AS command,
  strftime('%Y-%m-%dT%H:%M:%SZ', submitted_ms / 1000, 'unixepoch') AS submitted,
  strftime('%Y-%m-%dT%H:%M:%SZ', ended_ms / 1000, 'unixepoch') AS ended,
  (ended_ms - submitted_ms) / 1000.0 AS elapsed_s,
  cpus, memory_bytes, time_limit_ms / 1000.0 AS time_limit_s, retries, max_running, on_node_loss,
  submitted_ms, ended_ms, retried,
  (SELECT sum(energy_mj) / 1e3 FROM attempts_raw a WHERE a.job = jobs_raw.job) AS energy_j,
  (SELECT sum(energy_measured_mj) / 1e3 FROM attempts_raw a WHERE a.job = jobs_raw.job) AS energy_measured_j
FROM jobs_raw JOIN progress_raw USING (job) WHERE forgotten = 0;
