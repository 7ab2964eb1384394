-- Files of archived days that are removed, until they are deleted: not while something reads them.
create table cold_expired (file varchar);
