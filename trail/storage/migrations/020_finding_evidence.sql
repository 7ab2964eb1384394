-- Which events are behind the findings that people see, for the filter `finding`: those of the actor
-- with the action (null: with any) from `since` through `upto`. `state` is to_review or decided. The
-- findings fill it when they are refreshed next.
create table finding_evidence (
    finding_id varchar, state varchar, actor_id varchar, action varchar, since timestamp,
    upto timestamp
);
