-- Who used the audit trail itself, and for what. Apart from the events, and kept for its own time.
-- The id is the moment of the first time in microseconds since 1970, so that ids are in time order.
create table access_log (
    entry_id bigint, first_at timestamp, last_at timestamp, times integer,
    kind varchar, username varchar, role varchar, address varchar,
    what varchar, detail varchar,
    file_format varchar, row_count bigint, byte_count bigint, digest varchar
);
