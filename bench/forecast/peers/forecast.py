"""Forecasts with statsforecast and writes what came out, and what it cost, as one line of JSON.

Standard input: {"models": [{"name", "seasons", "arguments", "ids"}], "horizon", "levels", "series": {id: [...]}}. With
levels, intervals are asked for too. Processor time is measured for each series, fit and forecast together; each model
first runs on one series that is not counted, to warm up.
"""

import json
import math
import sys
import time
from importlib.metadata import version

import numpy as np
from statsforecast import models


def build(model):
    seasons = model["seasons"]
    season = seasons if len(seasons) > 1 else seasons[0]
    return getattr(models, model["name"])(season_length=season, **model["arguments"])


def numbers(values):
    """As a list; what is not finite is null."""
    return [float(v) if math.isfinite(v) else None for v in np.asarray(values, dtype=float)]


def main():
    task = json.load(sys.stdin)
    horizon, levels = task["horizon"], task["levels"]
    series = {key: np.asarray(values, dtype=float) for key, values in task["series"].items()}
    names = {"mean": "mean"} | {f"{side}-{level}": f"{side}-{level}" for level in levels for side in ("lo", "hi")}

    def one(model, values):
        built = build(model)
        start = time.process_time()
        try:
            found = built.forecast(y=values, h=horizon, level=levels or None)
        except Exception as error:  # a model may refuse a series; that is an answer
            return {"seconds": time.process_time() - start, "error": str(error)[:200]}
        spent = time.process_time() - start
        return {"seconds": spent, **{key: numbers(found[name]) for key, name in names.items() if name in found}}

    answers = {}
    for model in task["models"]:
        ids = model["ids"]
        one(model, min((series[key] for key in ids), key=len))
        answers[model["name"]] = {key: one(model, series[key]) for key in ids}
    print("\n" + json.dumps({"by": f"statsforecast {version('statsforecast')}", "models": answers}))


main()
