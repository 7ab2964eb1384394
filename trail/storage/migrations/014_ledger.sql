-- What people decided and set, what each commit stored, and who used the product, as hash chains:
-- see trail/storage/ledger.py. `body` is JSON; the entries of a chain are numbered from 1.
create table ledger (
    chain varchar, number bigint, noted_at timestamp, book varchar, change varchar, digest varchar,
    body varchar, hash varchar
);
-- The first start records what is there already.
insert into marks values ('ledger.begin', 'due', now()::timestamp);
