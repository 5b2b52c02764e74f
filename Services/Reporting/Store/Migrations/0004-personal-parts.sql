-- Values about persons are not kept: an erasure would have to find them here too. Scores stand in `responses` while
-- their response counts; a rebuild takes them from the log of feedback, which knows what was erased.
drop table received_personal;
