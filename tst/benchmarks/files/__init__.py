"""Reading files into records, whatever their kind; nothing here knows what a record means."""

from tst.benchmarks.files.reading import read_file
from tst.benchmarks.files.records import Record

__all__ = ["Record", "read_file"]
