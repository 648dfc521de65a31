"""Pages and fragments of visits: the patients’ and the clinic’s."""
