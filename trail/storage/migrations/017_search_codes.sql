-- Long ids of hex digits stand apart from the words of search texts, which are few without them: see
-- trail/storage/search_text.py.
create table split_texts as
select search_key,
    array_to_string(list_filter(string_split(search_text, chr(31)), lambda v:
        case when strlen(v) < 16 then true else not regexp_full_match(v, '[0-9a-f-]+') end), chr(31))
        as search_text,
    nullif(array_to_string(list_filter(string_split(search_text, chr(31)), lambda v:
        case when strlen(v) < 16 then false else regexp_full_match(v, '[0-9a-f-]+') end), chr(31)), '')
        as codes
from search_texts;
drop table search_texts;
alter table split_texts rename to search_texts;
