from tests.made_records import study  # noqa: F401
