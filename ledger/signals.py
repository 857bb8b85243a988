from django.dispatch import Signal

# Sent after a transaction that filled the outbox has committed; notifications nudges its relay on it.
outbox_filled = Signal()
