"""Signals that are ignored, or held back, where we were started: by nohup, or by a script for its background."""

import signal

# With a handler for these, the kernel lets a background process try for ever what they keep it from.
_OF_TERMINALS = {signal.SIGTTIN, signal.SIGTTOU}
_PYTHON_S_OWN = {signal.SIGPIPE, signal.SIGXFSZ}  # which it ignores itself, and gives back to what it starts


def pass_on_none() -> None:
    """Ignore what is ignored by a handler that does nothing: it ends with exec, so what we start is as usual.

    Being ignored would be passed on, for good: Ctrl-C would never reach a program that does not ask for it. Signals
    that are held back are let through.
    """
    for number in signal.valid_signals() - _OF_TERMINALS - _PYTHON_S_OWN:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
