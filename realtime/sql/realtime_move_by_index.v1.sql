-- realtime_move finds the oldest rows by their index, whatever the inbox was a moment ago.
--
-- The inbox is empty nearly always, and as large as its last burst until a vacuum has been there.
-- The planner, which then expects a full table, read all of its dead pages to find nothing or one
-- row: twice for each change, 1 ms each time after a burst of 100,000, more after a larger one.
ALTER FUNCTION realtime_move(bigint, integer, boolean) SET enable_seqscan = off;
