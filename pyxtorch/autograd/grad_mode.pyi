# Written by tools/stubs.py; do not edit.

from pyxtorch._tape.modes import enable_grad as enable_grad
from pyxtorch._tape.modes import inference_mode as inference_mode
from pyxtorch._tape.modes import no_grad as no_grad
from pyxtorch._tape.modes import set_grad_enabled as set_grad_enabled
