from django.apps import AppConfig
from django.db.models.signals import post_migrate


class LedgerConfig(AppConfig):
    name = "ledger"
    verbose_name = "Ledger"

    def ready(self) -> None:
        from ledger import checks, events, installation  # noqa: F401

        post_migrate.connect(installation.install_after_migrate, sender=self, dispatch_uid="ledger.installation")
