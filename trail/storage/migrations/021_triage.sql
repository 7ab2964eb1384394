-- What people do about incidents, findings, sources and the like: who takes care of it (assign, with
-- the user name in `value`, empty for nobody), comments, and until when it is muted (mute, with the
-- reason in `value`; null in `until` ends it). Rows are only added; the latest one counts.
create table triage (
    subject varchar, action varchar, value varchar, until timestamp, made_by varchar,
    made_at timestamp
);
