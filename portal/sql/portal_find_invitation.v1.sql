-- portal_find_invitation(digest) returns (invitation_id, organization_id, patient_id)
--
-- Whoever holds a link is nobody yet, so no policy shows them the invitation. The digest of the
-- link's token finds it: three identifiers and nothing else, no row for a digest that is not there.
-- SECURITY DEFINER for this one question.
CREATE OR REPLACE FUNCTION portal_find_invitation(digest text)
RETURNS TABLE (invitation_id uuid, organization_id uuid, patient_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT id, invitations.organization_id, invitations.patient_id
    FROM invitations WHERE token_digest = digest
$$;
