"""The outside world for rehearsal: twins of Meta's Graph API, of the model's API and of an ERP.

Nothing here imports the product, and the product knows these twins only as addresses: one process,
one port, `/graph`, `/anthropic`, `/erp`, the hand that moves them at `/control` (documented at
`/control/docs`) and the phone page at `/sandbox`.
"""
