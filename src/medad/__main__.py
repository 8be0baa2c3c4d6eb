"""`python -m medad`."""

from medad.cli.main import main

raise SystemExit(main())
