"""``python -m tst``: as ``tst``, where pip's scripts are not on the path."""

from tst.cli.console_script import main

main()
