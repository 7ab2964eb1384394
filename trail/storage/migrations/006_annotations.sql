-- What people know and events do not tell: deploys, freezes, incidents elsewhere.
create table annotations (
    at_time timestamp, until_time timestamp, label varchar, made_by varchar, made_at timestamp
);
