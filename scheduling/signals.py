from django.dispatch import Signal

# Sent after a slot hold has expired and the transaction has committed: stream_id, organization_id (of the center).
hold_expired = Signal()
