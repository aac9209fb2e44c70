-- jobs.db, version 1. X_raw is what is stored, the view X is the same for people.
-- Times are Unix milliseconds UTC, sizes bytes. There are no foreign keys: the state thread is the only writer, and
-- every check would look up a parent row once more for each change of a task.

CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;

-- The store's own UUID (version 4).
INSERT INTO meta VALUES ('store', lower(
  hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' ||
  substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))));
INSERT INTO meta VALUES ('term', 0);          -- starts of the aggregator
INSERT INTO meta VALUES ('last_session', 0);  -- the last session number granted

CREATE TABLE nodes_raw (
  node TEXT PRIMARY KEY,
  agent_id TEXT NOT NULL,
  machine_id TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  counter INTEGER NOT NULL,
  online INTEGER NOT NULL,
  reason TEXT NOT NULL,
  protocol INTEGER NOT NULL,
  version TEXT NOT NULL,
  model TEXT NOT NULL,
  arch TEXT NOT NULL,
  cores INTEGER NOT NULL,
  memory_bytes INTEGER NOT NULL,
  resources TEXT NOT NULL,  -- JSON object, name -> amount
  labels TEXT NOT NULL,     -- JSON object, name -> text
  first_seen_ms INTEGER NOT NULL,
  last_seen_ms INTEGER NOT NULL,
  drained INTEGER NOT NULL,
  drain_reason TEXT NOT NULL
) WITHOUT ROWID;

-- As submitted; never changes.
CREATE TABLE jobs_raw (
  job INTEGER PRIMARY KEY,
  submit_id TEXT NOT NULL,
  name TEXT NOT NULL,
  owner TEXT NOT NULL,
  priority INTEGER NOT NULL,
  retries INTEGER NOT NULL,
  max_running INTEGER NOT NULL,
  on_node_loss TEXT NOT NULL,
  is_array INTEGER NOT NULL,
  per_task_input INTEGER NOT NULL,
  stdin_sha256 TEXT,
  stdin_bytes INTEGER,
  argv TEXT NOT NULL,       -- JSON array
  env TEXT NOT NULL,        -- JSON array of [name, value]
  resources TEXT NOT NULL,  -- JSON object, name -> amount
  cpus INTEGER NOT NULL,
  memory_bytes INTEGER NOT NULL,
  time_limit_ms INTEGER NOT NULL,
  kill_grace_ms INTEGER NOT NULL,
  stdout_cap_bytes INTEGER NOT NULL,
  stderr_cap_bytes INTEGER NOT NULL,
  submitted_ms INTEGER NOT NULL
);

-- The part of a job that changes with each batch; apart, so that a change does not write the job's text again.
CREATE TABLE progress_raw (
  job INTEGER PRIMARY KEY,
  state TEXT NOT NULL,
  first_task INTEGER NOT NULL,
  last_task INTEGER NOT NULL,  -- below first_task: no tasks yet
  step INTEGER NOT NULL,
  is_open INTEGER NOT NULL,
  cancel_requested INTEGER NOT NULL,
  next_position INTEGER NOT NULL,  -- tasks from this place of the range on were never touched
  total INTEGER NOT NULL,
  succeeded INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  cancelled INTEGER NOT NULL,
  ended_ms INTEGER  -- NULL: not final
);
CREATE INDEX progress_open ON progress_raw (job) WHERE ended_ms IS NULL;

-- Tasks that were touched: an array's tasks have no row before their first assignment.
CREATE TABLE tasks_raw (
  job INTEGER NOT NULL,
  task INTEGER NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  committed_attempt INTEGER NOT NULL,  -- 0: none
  stdin_sha256 TEXT,
  stdin_bytes INTEGER,
  PRIMARY KEY (job, task)
) WITHOUT ROWID;

CREATE TABLE attempts_raw (
  job INTEGER NOT NULL,
  task INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  node TEXT NOT NULL,
  session INTEGER NOT NULL,
  assigned_ms INTEGER NOT NULL,
  started_ms INTEGER,
  ended_ms INTEGER,  -- NULL: open
  outcome TEXT,      -- how it ended for the cluster: exited, ..., recalled, node lost, superseded
  result TEXT,       -- how it ended on its node; NULL where the node never told
  exit_code INTEGER,
  signal INTEGER,
  message TEXT,
  node_started_ms INTEGER,  -- by the node's clock
  duration_ms INTEGER,
  cpu_ms INTEGER,
  peak_memory_bytes INTEGER,
  stdout_bytes INTEGER,
  stdout_dropped_bytes INTEGER,
  stderr_bytes INTEGER,
  stderr_dropped_bytes INTEGER,
  PRIMARY KEY (job, task, attempt)
) WITHOUT ROWID;
CREATE INDEX attempts_open ON attempts_raw (job, task, attempt) WHERE ended_ms IS NULL;

-- Output of committed attempts. data is NULL where it lies in a file: outputs/<job>/<task>.<attempt>.out or .err
CREATE TABLE outputs_raw (
  job INTEGER NOT NULL,
  task INTEGER NOT NULL,
  stream TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  dropped_bytes INTEGER NOT NULL,
  data BLOB,
  PRIMARY KEY (job, task, stream)
) WITHOUT ROWID;

CREATE VIEW nodes AS SELECT
  node, online, drained, drain_reason, cores, memory_bytes, model, arch, version, labels, resources,
  strftime('%Y-%m-%dT%H:%M:%SZ', first_seen_ms / 1000, 'unixepoch') AS first_seen,
  strftime('%Y-%m-%dT%H:%M:%SZ', last_seen_ms / 1000, 'unixepoch') AS last_seen,
  reason AS offline_reason, machine_id, boot_id, agent_id
FROM nodes_raw;

CREATE VIEW jobs AS SELECT
  job, name, owner, state, total AS tasks, succeeded, failed, cancelled, priority,
  (SELECT group_concat(value, ' ') FROM json_each(argv)) AS command,
  strftime('%Y-%m-%dT%H:%M:%SZ', submitted_ms / 1000, 'unixepoch') AS submitted,
  strftime('%Y-%m-%dT%H:%M:%SZ', ended_ms / 1000, 'unixepoch') AS ended,
  (ended_ms - submitted_ms) / 1000.0 AS elapsed_s,
  cpus, memory_bytes, time_limit_ms / 1000.0 AS time_limit_s, retries, max_running, on_node_loss,
  submitted_ms, ended_ms
FROM jobs_raw JOIN progress_raw USING (job);

CREATE VIEW tasks AS SELECT
  job, task, state, attempts, failures,
  nullif(committed_attempt, 0) AS committed_attempt,
  stdin_sha256 AS input_blob, stdin_bytes AS input_bytes
FROM tasks_raw;

CREATE VIEW attempts AS SELECT
  a.job, a.task, a.attempt, a.node,
  coalesce(a.outcome, iif(a.started_ms IS NULL, 'assigned', 'running')) AS outcome,
  a.attempt = t.committed_attempt AS committed,
  a.exit_code, a.signal, a.message,
  strftime('%Y-%m-%dT%H:%M:%SZ', a.assigned_ms / 1000, 'unixepoch') AS assigned,
  strftime('%Y-%m-%dT%H:%M:%SZ', a.started_ms / 1000, 'unixepoch') AS started,
  strftime('%Y-%m-%dT%H:%M:%SZ', a.ended_ms / 1000, 'unixepoch') AS ended,
  a.duration_ms / 1000.0 AS duration_s, a.cpu_ms / 1000.0 AS cpu_s, a.peak_memory_bytes,
  a.stdout_bytes, a.stderr_bytes, a.assigned_ms, a.started_ms, a.ended_ms
FROM attempts_raw a JOIN tasks_raw t USING (job, task);

CREATE VIEW outputs AS SELECT
  job, task, stream, attempt, size_bytes, dropped_bytes,
  iif(data IS NULL, 'outputs/' || job || '/' || task || '.' || attempt || iif(stream = 'stdout', '.out', '.err'), NULL)
    AS file,
  CAST(data AS TEXT) AS text
FROM outputs_raw;
