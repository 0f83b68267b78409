"""torch.utils.throughput_benchmark: how often a module can be called from several threads."""
import random
import threading
import time

__all__ = ["ExecutionStats", "ThroughputBenchmark"]


class ExecutionStats:
    """What was measured."""

    def __init__(self, latency_avg_ms, num_iters, seconds, benchmark_config):
        self.latency_avg_ms, self.num_iters, self.total_time_seconds = latency_avg_ms, num_iters, seconds
        self.benchmark_config = benchmark_config

    @property
    def iters_per_second(self):
        """Calls a second, of all threads together."""
        return self.num_iters / self.total_time_seconds

    def __str__(self):
        return f"Average latency per example: {self.latency_avg_ms:.3f} ms\nTotal number of iterations: {self.num_iters}\nTotal time: {self.total_time_seconds:.3f} s"

    __repr__ = __str__


class ThroughputBenchmark:
    """Calls a module with inputs that were given, from several threads at once.

    >>> bench = ThroughputBenchmark(model)
    >>> bench.add_input(x)
    >>> bench.benchmark(num_calling_threads=4, num_iters=1000).latency_avg_ms
    """

    def __init__(self, module):
        self._module, self._inputs = module, []

    def add_input(self, *args, **kwargs):
        """Arguments of a call, of which each call takes one at random."""
        self._inputs.append((args, kwargs))

    def run_once(self, *args, **kwargs):
        """The result of one call with these."""
        return self._module(*args, **kwargs)

    __call__ = run_once

    def benchmark(self, num_calling_threads=1, num_warmup_iters=10, num_iters=100, profiler_output_path=""):
        """Measure `num_iters` calls, after some by each thread to warm up.

        Raises:
            RuntimeError: no inputs were added.
        """
        if not self._inputs:
            raise RuntimeError("ThroughputBenchmark: no inputs: call add_input(...) first.")
        left, lock, times, errors = [num_iters], threading.Lock(), [], []
        ready = threading.Barrier(num_calling_threads + 1)

        def call(draw):
            args, kwargs = draw.choice(self._inputs)
            self._module(*args, **kwargs)

        def work(seed):
            draw, own = random.Random(seed), []
            try:
                for _ in range(num_warmup_iters):
                    call(draw)
                ready.wait()
                while True:
                    with lock:
                        if left[0] == 0:
                            break
                        left[0] -= 1
                    begin = time.perf_counter()
                    call(draw)
                    own.append(time.perf_counter() - begin)
            except threading.BrokenBarrierError:
                pass
            except Exception as error:
                errors.append(error)
                ready.abort()
            times.extend(own)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(num_calling_threads)]
        for thread in threads:
            thread.start()
        try:
            ready.wait()
        except threading.BrokenBarrierError:
            pass
        begin = time.perf_counter()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]
        config = {"num_calling_threads": num_calling_threads, "num_warmup_iters": num_warmup_iters, "num_iters": num_iters}
        return ExecutionStats(1000 * sum(times) / max(len(times), 1), len(times), time.perf_counter() - begin, config)
