-- The workspace of the token that a batch was polled with, empty where that is not known: records of
-- the Public API do not name their workspace.
alter table batches add column workspace_id varchar default '';
