-- Digests that are sent regularly: weekly on `weekday` (0 is Monday) or daily, at `hour` of the zone.
-- `next_at` is the next occasion (UTC); `last_period` the first day of the last digest that was sent.
create table digest_schedules (
    schedule_id varchar, name varchar, cadence varchar, weekday integer, hour integer, zone varchar,
    findings boolean, destination_id bigint, active boolean, made_by varchar, made_at timestamp,
    next_at timestamp, last_at timestamp, last_period date, last_error varchar
);
