-- Who changed an alert rule or a scheduled digest last, and when; null if nobody did since then.
alter table rules add column edited_by varchar;
alter table rules add column edited_at timestamp;
alter table digest_schedules add column edited_by varchar;
alter table digest_schedules add column edited_at timestamp;
