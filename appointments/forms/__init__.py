"""What people type when they set time aside."""

from appointments.forms.booking import CancelForm, ChosenTimeForm, QuestionsForm

__all__ = ["CancelForm", "ChosenTimeForm", "QuestionsForm"]
