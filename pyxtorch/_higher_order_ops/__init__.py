"""Operations that take functions, which run as they are."""
from pyxtorch._higher_order_ops.associative_scan import associative_scan
from pyxtorch._symbols import cond, while_loop

__all__ = ["associative_scan", "cond", "while_loop"]
