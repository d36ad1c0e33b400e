from __future__ import annotations

from django.dispatch import Signal

# Sent after a refresh was stored, once per row, with
#   account: the UnipileAccount as it is now,
#   changes: {field: Change(old, new)}, empty when Unipile said what was stored already,
#   door: the Door it came through.
# A receiver that fails is logged. It cannot undo the refresh.
account_refreshed = Signal()
