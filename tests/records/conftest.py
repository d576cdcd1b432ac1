from tests.made_records import study as study
