"""What people do to accounts, sessions, invitations and memberships: every write, by subject."""
