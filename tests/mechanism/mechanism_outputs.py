"""Everything the system computes, by name."""

import numpy as np


def outputs(case, params, columns=None, start=None):
    """Everything the system computes, by name."""
    from beliefs.theory import system

    columns = case.columns if columns is None else columns
    run = system.evaluate(np, params, columns, case.structure, start)
    logs = system.log_likelihoods(np, params, columns, case.structure, run)
    return {
        "logit_belief": run.logit_belief,
        "audience": run.audience,
        "surplus": run.surplus,
        "onset": run.onset,
        "continuation": run.continuation,
        "log_talks": logs["talks"],
        "log_reading": logs["reading"],
    }
