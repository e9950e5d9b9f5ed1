-- The counts of the flood control of changes: `domain::flood::RecentSenders`. Without one nobody has changed anything lately.
ALTER TABLE conversations ADD COLUMN recent_changes jsonb;
