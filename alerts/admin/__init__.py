"""What an administrator sets about alerts: rotas, rules, policies; and what became of them."""

from alerts.admin import rotas

__all__ = ["rotas"]
