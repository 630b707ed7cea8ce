"""`python -m zhasr` is the command `zhasr`."""

import sys

from zhasr import cli

sys.exit(cli.main())
