-- A fact that comes late asks whether anything was answered after it: in the normal order nothing was, and without this
-- index that is known only after every response of the experiment was looked at.
create index responses_by_touch on responses (experiment, touched_at);
