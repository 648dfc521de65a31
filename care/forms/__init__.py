"""What people type when they enter readings."""

from care.forms.correction import CorrectionForm, WithdrawalForm
from care.forms.reading import ReadingForm
from care.forms.round import RoundForm

__all__ = ["CorrectionForm", "ReadingForm", "RoundForm", "WithdrawalForm"]
