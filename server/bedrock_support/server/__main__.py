"""`python -m bedrock_support.server` is the command bedrock-support."""

from __future__ import annotations

import sys

from bedrock_support.server.cli import main

sys.exit(main())
