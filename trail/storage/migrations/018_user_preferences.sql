-- What the pages remember for each user, such as the columns of a table. `value` is JSON.
create table user_preferences (username varchar, name varchar, value varchar, changed_at timestamp);
