"""Several modules called at once, each in a thread of its own."""
import threading

import pyxtorch

__all__ = ["parallel_apply"]


def parallel_apply(modules, inputs, kwargs_tup=None, devices=None):
    """[module(*arguments, **named) ...], each in a thread; an error in one of them is raised here, with the number of its module.

    Raises:
        AssertionError: lists of different length.
    """
    named = kwargs_tup if kwargs_tup is not None else [{}] * len(modules)
    if not len(modules) == len(inputs) == len(named) or (devices is not None and len(devices) != len(modules)):
        raise AssertionError(f"The number of modules {len(modules)} is not equal to the number of inputs {len(inputs)}, of kwargs {len(named)} or of devices.")
    results, recording = [None] * len(modules), pyxtorch.is_grad_enabled()

    def call(i):
        try:
            with pyxtorch.set_grad_enabled(recording):
                arguments = inputs[i] if isinstance(inputs[i], tuple | list) else (inputs[i],)
                results[i] = True, modules[i](*arguments, **named[i])
        except Exception as error:
            results[i] = False, error

    threads = [threading.Thread(target=call, args=(i,)) for i in range(1, len(modules))]
    for thread in threads:
        thread.start()
    if modules:
        call(0)
    for thread in threads:
        thread.join()
    for i, (well, value) in enumerate(results):
        if not well:
            value.add_note(f"in replica {i}" + (f" on device {devices[i]}" if devices else ""))
            raise value
    return [value for _, value in results]
