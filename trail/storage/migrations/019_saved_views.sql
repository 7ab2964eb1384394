-- Named filters of Explore, what each user has marked of them, the short links to a page's state, and
-- the files that are written of a filter regularly: see trail/views/. `columns` is JSON.
create table saved_views (
    view_id varchar, name varchar, query varchar, columns varchar, owner varchar, owner_name varchar,
    shared boolean, former boolean, made_at timestamp, changed_at timestamp
);
create table view_marks (username varchar, view_id varchar, starred boolean, is_default boolean);
create table share_links (
    link_id varchar, page varchar, query varchar, fixed boolean, made_by varchar, made_at timestamp
);
create table scheduled_exports (
    export_id varchar, name varchar, query varchar, columns varchar, format varchar, cadence varchar,
    destination_id integer, made_by varchar, made_at timestamp, next_from timestamp,
    last_at timestamp, last_file varchar, last_rows bigint, last_bytes bigint, last_error varchar
);
