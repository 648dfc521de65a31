-- What calls the functions beside this file.

CREATE TRIGGER notifications_queue_deliveries AFTER INSERT ON portal_notifications
    REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION notifications_queue_deliveries();

CREATE TRIGGER notifications_note_reading AFTER UPDATE ON portal_notifications
    REFERENCING OLD TABLE AS unseen NEW TABLE AS seen
    FOR EACH STATEMENT EXECUTE FUNCTION notifications_note_reading();

CREATE TRIGGER notifications_of_joining AFTER INSERT ON care_team_memberships
    FOR EACH ROW EXECUTE FUNCTION notifications_queue_occasion('care_team');

CREATE TRIGGER notifications_of_leaving AFTER UPDATE ON care_team_memberships
    FOR EACH ROW WHEN (OLD.ends_at IS DISTINCT FROM NEW.ends_at)
    EXECUTE FUNCTION notifications_queue_occasion('care_team');

CREATE TRIGGER notifications_of_invitation AFTER UPDATE ON invitations
    FOR EACH ROW WHEN (OLD.accepted_at IS NULL AND NEW.accepted_at IS NOT NULL)
    EXECUTE FUNCTION notifications_queue_occasion('invitation');
