-- jobs.db, version 13: checkpoints, from which whoever feeds a job can go on.

ALTER TABLE progress_raw ADD COLUMN checkpoint_sha256 TEXT;  -- a blob; NULL: none
ALTER TABLE progress_raw ADD COLUMN checkpoint_bytes INTEGER;
CREATE INDEX progress_checkpoint ON progress_raw (job) WHERE checkpoint_sha256 IS NOT NULL;
