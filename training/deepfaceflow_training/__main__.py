"""python3 -m deepfaceflow_training <command>; every command's --help tells its arguments."""
import sys

from .cli import main

sys.exit(main())
