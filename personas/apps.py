from django.apps import AppConfig


class PersonasConfig(AppConfig):
    name = "personas"
    verbose_name = "Personas"

    def ready(self) -> None:
        from personas import events, navigation  # noqa: F401
        from personas.states import Capability

        navigation.register(
            navigation.Entry("personas:register", "People and keys", "users", Capability.ADMINISTER, rank=90)
        )
