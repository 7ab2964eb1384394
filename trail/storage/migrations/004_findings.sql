-- What the detectors read, small beside the events: one row for each day, actor and action, and one
-- for each target of these. `hours` has a bit for each UTC hour. `folded` says which days are in.
create table daily_actions (
    day date, actor_key integer, action_key integer, n bigint, targets bigint, hours integer,
    first_at timestamp, last_at timestamp
);
create table daily_targets (
    day date, actor_key integer, action_key integer, target_key integer, n integer
);
create table daily_chains (
    day date, actor_key integer, chain varchar, n integer, since timestamp, upto timestamp
);
create table folded (day date, events bigint);
-- How large each detector's items were, day by day: a detector that cries wolf is muted by this.
create table item_sizes (day date, detector varchar, bits double);
create table findings (
    finding_id varchar, day date, actor_id varchar, actor_type varchar, score integer,
    reasons varchar, state varchar, risk_version integer, scored_at timestamp
);
-- The newest row of an action counts; a null risk gives back the catalogue's.
create table risk_overrides (
    version integer, action varchar, risk tinyint, reason varchar, made_by varchar,
    made_at timestamp
);
-- What people said is expected of an actor: familiar from the day after `since` through `until`.
create table taught (
    actor_id varchar, action varchar, since date, until date, reason varchar, made_by varchar,
    made_at timestamp
);
create table rule_switches (rule varchar, is_on boolean, made_by varchar, made_at timestamp);
