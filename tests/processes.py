"""Functions and commands in processes of their own, forked from one that has loaded the package.

To start Python and load it takes seconds each time; whatever ends a process ends these alike.
"""

import multiprocessing
import os
import sys

from beliefs.cli.app import entry

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["pytest", "beliefs.cli.runs", "beliefs.records.ledger.register"])


def begun(function, *arguments):
    """Begin a function; return its process, and a reader of what it writes to both outputs."""
    reader, writer = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=_run, args=(writer, function, arguments))
    process.start()
    writer.close()
    return process, os.fdopen(os.dup(reader.fileno()))


def ended(process, output):
    """Wait for the end of a process; return its exit code and what it wrote since the last look."""
    with output:
        said = output.read()
    process.join()
    return process.exitcode, said


def _run(writer, function, arguments):
    for number in (1, 2):
        os.dup2(writer.fileno(), number)
    writer.close()
    function(*arguments)


def command(*arguments):
    """Run a command of `beliefs`, which ends the process with its exit code."""
    sys.argv = ["beliefs", *map(str, arguments)]
    entry()
