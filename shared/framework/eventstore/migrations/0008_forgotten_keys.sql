-- Idempotency keys are kept for some weeks, then forgotten a few at a time, oldest first (shared/process/forgetting.py).
CREATE INDEX idempotency_by_age ON idempotency (claimed_at);
