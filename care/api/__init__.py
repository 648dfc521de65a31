"""FHIR R4 Observations over REST: `/api/observations/`.

`doors` says who is calling and for whom they may write, `sending` takes what they send, `resources`
shows it again, `searching` finds it; `portal.api` is how everything that is wrong is said.
"""
