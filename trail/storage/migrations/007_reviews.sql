-- What people decided about findings, and the periods that they signed. Rows are only added.
create table decisions (
    finding_id varchar, decision varchar, note varchar, made_by varchar, made_at timestamp
);
create table signoffs (
    signoff_id integer, from_at timestamp, to_at timestamp, query varchar, events bigint,
    digest varchar, findings bigint, undecided bigint, reason varchar, signed_by varchar,
    signed_at timestamp
);
