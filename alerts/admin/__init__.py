"""What an administrator sets about alerts: rotas, rules, policies; and what the auditor found.

Alerts themselves are not here: they are about patients, and an administrator reads no record. How
fast they were answered is in the report, in numbers.
"""

from alerts.admin import alarms, policies, rotas, rules

__all__ = ["alarms", "policies", "rotas", "rules"]
