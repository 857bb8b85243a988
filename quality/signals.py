from django.dispatch import Signal

# Sent after a stop of many orders was signed and the transaction has committed: stop_id.
stop_signed = Signal()
