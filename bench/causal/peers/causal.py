"""Runs one algorithm of a peer on a CSV file and writes what it found, and what it cost, as one line of JSON.

causal.py ALGORITHM FILE SETTINGS RUNS BUDGET: the settings are JSON; the algorithm runs until it has run RUNS times or used
BUDGET seconds of processor time. Only the call is timed: neither imports nor reading. With two runs or more the first
warms up and is not counted.
"""

import csv
import json
import sys
import time
from importlib.metadata import version

import numpy as np


def status(key):
    """Bytes that the system tells of this process; None where it does not."""
    try:
        with open("/proc/self/status", encoding="utf-8") as file:
            for line in file:
                if line.startswith(key):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def marks(graph):
    return np.asarray(graph).astype(int).tolist()


def prepare_pc(data, s):
    from causallearn.search.ConstraintBased.PC import pc

    def run():
        found = pc(data, s["alpha"], "fisherz", stable=True, uc_rule=0, uc_priority=2, show_progress=False)
        return {"graph": marks(found.G.graph), "numbers": []}

    return ["causal-learn"], run


def prepare_fci(data, s):
    from causallearn.search.ConstraintBased.FCI import fci

    def run():
        graph, _ = fci(data, "fisherz", s["alpha"], depth=-1, max_path_length=-1, show_progress=False)
        return {"graph": marks(graph.graph), "numbers": []}

    return ["causal-learn"], run


def prepare_ges(data, s):
    from causallearn.search.ScoreBased.GES import ges

    def run():
        found = ges(data, "local_score_BIC", maxP=None, parameters={"lambda_value": s["lambda"]})
        return {"graph": marks(found["G"].graph), "numbers": []}

    return ["causal-learn"], run


def weights(order, matrices):
    matrices = [np.asarray(m) for m in matrices]
    structure = [(m != 0).astype(int).tolist() for m in matrices]
    return {
        "graph": [[int(v) for v in order], structure],
        "numbers": [float(v) for m in matrices for v in m.ravel()],
    }


def prepare_direct_lingam(data, s):
    import lingam

    def run():
        model = lingam.DirectLiNGAM().fit(data)
        return weights(model.causal_order_, [model.adjacency_matrix_])

    return ["lingam"], run


def prepare_var_lingam(data, s):
    import lingam

    def run():
        model = lingam.VARLiNGAM(lags=s["lags"], criterion="bic", prune=True).fit(data)
        return weights(model.causal_order_, model.adjacency_matrices_)

    return ["lingam"], run


def links(found):
    return {
        "graph": found["graph"].tolist(),
        "numbers": [float(v) for v in found["val_matrix"].ravel()],
    }


def prepare_pcmci(data, s):
    from tigramite import data_processing as pp
    from tigramite.independence_tests.parcorr import ParCorr
    from tigramite.pcmci import PCMCI

    def run():
        model = PCMCI(pp.DataFrame(data.copy()), ParCorr(significance="analytic"), verbosity=0)
        return links(model.run_pcmci(tau_min=0, tau_max=s["max_lag"], pc_alpha=s["selection_alpha"],
                                     alpha_level=s["alpha"]))

    return ["tigramite"], run


def prepare_pcmci_plus(data, s):
    from tigramite import data_processing as pp
    from tigramite.independence_tests.parcorr import ParCorr
    from tigramite.pcmci import PCMCI

    def run():
        model = PCMCI(pp.DataFrame(data.copy()), ParCorr(significance="analytic"), verbosity=0)
        return links(model.run_pcmciplus(tau_min=0, tau_max=s["max_lag"], pc_alpha=s["alpha"]))

    return ["tigramite"], run


PREPARE = {
    "pc": prepare_pc,
    "fci": prepare_fci,
    "ges": prepare_ges,
    "direct-lingam": prepare_direct_lingam,
    "var-lingam": prepare_var_lingam,
    "pcmci": prepare_pcmci,
    "pcmci-plus": prepare_pcmci_plus,
}


def main():
    algorithm, path, settings, runs, budget = sys.argv[1:6]
    with open(path, encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        data = np.array([[float(cell) for cell in row] for row in rows])
    packages, run = PREPARE[algorithm](data, json.loads(settings))
    before = status("VmRSS:")
    times = []
    while not times or (len(times) < int(runs) and sum(times) < float(budget)):
        start = time.process_time()
        answer = run()
        times.append(time.process_time() - start)
    peak = status("VmHWM:")
    counted = times[1:] if len(times) > 1 else times
    libraries = ", ".join(f"{name} {version(name)}" for name in packages)
    print("\n" + json.dumps({"seconds": counted, "before": before, "peak": peak, "by": libraries, **answer}))


main()
