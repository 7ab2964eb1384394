-- Spans in which alert rules send nothing: once from `starts_at` to `ends_at` (UTC), or weekly on
-- `weekday` (0 is Monday) from `start_time` to `end_time` on the clock of `zone`. Without `rule_ids`
-- all rules. `held` counts the matches that were held back, the last one at `held_at`.
create table maintenance_windows (
    window_id varchar, name varchar, weekly boolean, starts_at timestamp, ends_at timestamp,
    weekday integer, start_time varchar, end_time varchar, zone varchar, rule_ids bigint[],
    reason varchar, made_by varchar, made_at timestamp, held bigint, held_at timestamp
);
