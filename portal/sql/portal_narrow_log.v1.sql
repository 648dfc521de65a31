-- Events of invitations and calls were told to whoever was called to the patient as well. What is
-- kept of them goes to the care team.
UPDATE @events@
SET topics = ARRAY(SELECT regexp_replace(topic, '^care:', 'team:') FROM unnest(topics) AS topic)
WHERE kind = 'change' AND table_name IN ('access_grants', 'invitations')
