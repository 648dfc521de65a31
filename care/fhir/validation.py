"""Is it FHIR R4? Asked of fhir.resources, resource by resource.

The package's R4B models are the nearest to R4: for all that we import the two releases have the
same elements (R4B changed medicinal products, evidence and subscriptions). Its default models are
R5, which renames elements and would refuse valid R4. A bundle is never validated as a whole: one
bad entry would refuse all.
"""

from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from care.fhir.errors import Refused

# More would not help the person who has to mend the file.
_MOST_REASONS = 3


class Invalid(Refused):
    """Not valid FHIR R4; `mistakes` are the places that are wrong, each with the reason."""

    def __init__(self, mistakes: list[tuple[str, str]]) -> None:
        self.mistakes = mistakes
        reasons = [f"{place or 'resource'}: {reason}" for place, reason in mistakes]
        more = f" (and {len(reasons) - _MOST_REASONS} more)" if len(reasons) > _MOST_REASONS else ""
        super().__init__("not valid FHIR R4: " + "; ".join(reasons[:_MOST_REASONS]) + more)


def validated(resource: dict[str, Any]) -> Any:
    """Return the R4B model of a raw resource; raises Invalid with the places that are wrong."""
    model = get_fhir_model_class(resource["resourceType"])
    try:
        return model.model_validate(resource)
    except ValidationError as error:
        # Never the offending value: it may be somebody's name or result.
        mistakes = [
            (".".join(map(str, mistake["loc"])), _plain(mistake))
            for mistake in error.errors(include_input=False, include_url=False)
        ]
        raise Invalid(mistakes) from None


def _plain(mistake: Any) -> str:
    """Pydantic's message when it is its own; a fixed sentence for those that quote the value."""
    if mistake["type"] in ("value_error", "assertion_error"):
        return "has a value that FHIR does not allow here"
    return str(mistake["msg"])
