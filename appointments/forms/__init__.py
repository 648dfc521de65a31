"""What people type when they set time aside."""

from appointments.forms.booking import CancelForm, ChosenTimeForm, QuestionsForm
from appointments.forms.waiting import WaitForm

__all__ = ["CancelForm", "ChosenTimeForm", "QuestionsForm", "WaitForm"]
