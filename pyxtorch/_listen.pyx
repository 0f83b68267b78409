"""The listener of the process (see _listen.pxd): nobody, until `_recorder` takes the place."""
from libc.string cimport memset

memset(&listener, 0, sizeof(listener))
