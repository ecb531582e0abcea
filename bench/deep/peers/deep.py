"""Runs training steps and forecasts with PyTorch and writes the processor time of each as one line of JSON.

Standard input: {"cases": [{"model", "work": {"kind": "step" or "forecast", ...}}], "runs", "series": [...]}. The networks
are written out here in the sizes of the case, with the losses and the optimizer of the other side: windows are drawn and
normalised in numpy, gradients clipped by their common norm, AdamW in its fastest form for the processor. A run is ten
steps or one forecast; the first is left out.
"""

import json
import math
import sys
import time
from importlib.metadata import version

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(1)


class NHits(nn.Module):
    def __init__(self, work):
        super().__init__()
        sizes, self.horizon, self.levels = work["sizes"], work["horizon"], len(work["levels"])
        count, hidden = sizes["stacks"], sizes["hidden"]
        self.input, self.pools = work["input"], sizes["pool_sizes"]
        self.blocks, self.forecasts, self.backcasts = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for stack, pool in enumerate(self.pools):
            every = max(1, round(self.horizon ** ((count - 1 - stack) / count)))
            width, layers = math.ceil(self.input / pool), []
            for _ in range(sizes["layers"]):
                layers += [nn.Linear(width, hidden), nn.ReLU()]
                width = hidden
            self.blocks.append(nn.Sequential(*layers))
            self.forecasts.append(nn.Linear(hidden, self.levels * math.ceil(self.horizon / every)))
            if stack + 1 < count:
                self.backcasts.append(nn.Linear(hidden, math.ceil(self.input / every)))

    def forward(self, window):
        residual, total = window, 0.0
        for stack, (block, forecast, pool) in enumerate(zip(self.blocks, self.forecasts, self.pools)):
            pooled = F.max_pool1d(residual.unsqueeze(1), pool, pool, ceil_mode=True).squeeze(1) if pool > 1 else residual
            state = block(pooled)
            knots = forecast(state).reshape(len(window), self.levels, -1)
            total = total + F.interpolate(knots, size=self.horizon, mode="linear", align_corners=True)
            if stack < len(self.backcasts):
                knots = self.backcasts[stack](state).unsqueeze(1)
                residual = residual - F.interpolate(knots, size=self.input, mode="linear", align_corners=True).squeeze(1)
        return total


class DLinear(nn.Module):
    def __init__(self, work):
        super().__init__()
        self.width = work["sizes"]["moving_average"]
        outputs = len(work["levels"]) * work["horizon"]
        self.trend, self.rest = nn.Linear(work["input"], outputs), nn.Linear(work["input"], outputs)
        self.shape = (-1, len(work["levels"]), work["horizon"])

    def forward(self, window):
        half = (self.width - 1) // 2
        padded = torch.cat([window[:, :1].repeat(1, half), window, window[:, -1:].repeat(1, half)], 1)
        trend = F.avg_pool1d(padded.unsqueeze(1), self.width, 1).squeeze(1)
        return (self.trend(trend) + self.rest(window - trend)).reshape(self.shape)


class Layer(nn.Module):
    def __init__(self, hidden, heads, wide):
        super().__init__()
        self.heads, self.attention, self.joined = heads, nn.Linear(hidden, 3 * hidden), nn.Linear(hidden, hidden)
        self.first, self.second = nn.BatchNorm1d(hidden), nn.BatchNorm1d(hidden)
        self.widen, self.narrow = nn.Linear(hidden, wide), nn.Linear(wide, hidden)

    def forward(self, state):
        batch, patches, hidden = state.shape
        split = self.attention(state).reshape(batch, patches, 3, self.heads, hidden // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(batch, patches, hidden)
        state = self.first((state + self.joined(mixed)).reshape(-1, hidden))
        state = self.second(state + self.narrow(F.gelu(self.widen(state))))
        return state.reshape(batch, patches, hidden)


class PatchTST(nn.Module):
    def __init__(self, work):
        super().__init__()
        sizes = work["sizes"]
        self.patch, self.stride, hidden = sizes["patch"], sizes["stride"], sizes["hidden"]
        patches = (work["input"] - self.patch) // self.stride + 2
        self.embedding = nn.Linear(self.patch, hidden)
        self.positions = nn.Parameter(torch.empty(patches, hidden).uniform_(-0.02, 0.02))
        make = lambda: Layer(hidden, sizes["heads"], sizes["feed_forward"])
        self.layers = nn.Sequential(*[make() for _ in range(sizes["layers"])])
        self.head = nn.Linear(patches * hidden, len(work["levels"]) * work["horizon"])
        self.shape = (-1, len(work["levels"]), work["horizon"])

    def forward(self, window):
        padded = torch.cat([window, window[:, -1:].repeat(1, self.stride)], 1)
        state = self.embedding(padded.unfold(1, self.patch, self.stride)) + self.positions
        return self.head(self.layers(state).flatten(1)).reshape(self.shape)


class DeepAR(nn.Module):
    def __init__(self, work):
        super().__init__()
        sizes = work["sizes"]
        self.recurrent = nn.LSTM(1, sizes["hidden"], sizes["layers"], batch_first=True)
        self.head = nn.Linear(sizes["hidden"], 3)

    def forward(self, values):
        return self.head(self.recurrent(values[:, :-1].unsqueeze(2))[0])


def student_t(outputs, values):
    scale = F.softplus(outputs[..., 1]) + 1e-3
    freedom = 2.0 + 98.0 * torch.sigmoid(outputs[..., 2])
    error = (values - outputs[..., 0]) / scale
    power = 0.5 * freedom + 0.5
    constant = torch.lgamma(0.5 * freedom) - torch.lgamma(power) + 0.5 * torch.log(math.pi * freedom)
    return (constant + torch.log(scale) + power * torch.log1p(error * error / freedom)).mean()


def steps(model, work, series, runs):
    nets = {"nhits": NHits, "dlinear-net": DLinear, "patchtst": PatchTST, "deepar": DeepAR}
    net = nets[model](work)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-4, fused=True)
    levels = torch.tensor(work["levels"]).reshape(1, -1, 1)
    length, random = work["input"] + work["horizon"], np.random.default_rng(1)
    offsets = np.arange(length)

    def step():
        starts = random.integers(0, len(series) - length, work["batch"])
        cut = series[starts[:, None] + offsets]
        window = cut[:, : work["input"]]
        if model == "deepar":
            cut = cut / np.abs(window).mean(1, keepdims=True)
        else:
            cut = (cut - window.mean(1, keepdims=True)) / window.std(1, keepdims=True)
        values = torch.from_numpy(cut.astype(np.float32))
        optimizer.zero_grad(set_to_none=True)
        if model == "deepar":
            loss = student_t(net(values), values[:, 1:])
        else:
            error = values[:, work["input"] :].unsqueeze(1) - net(values[:, : work["input"]])
            loss = torch.maximum(levels * error, (levels - 1.0) * error).mean()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()

    def ten():
        for _ in range(10):
            step()

    return [seconds / 10 for seconds in timed(ten, runs)]


def timed(call, runs):
    call()
    seconds = []
    for _ in range(runs):
        start = time.process_time()
        call()
        seconds.append(time.process_time() - start)
    return seconds


def forecast(model, work, series, runs):
    history = np.asarray(series[: work["length"]], dtype=np.float32)
    if model == "chronos-bolt":
        from chronos import BaseChronosPipeline

        pipeline = BaseChronosPipeline.from_pretrained(work["weights"], device_map="cpu", dtype=torch.float32)
        context = torch.from_numpy(np.stack([history] * work["series"]))
        levels = [level / 10 for level in range(1, 10)]
        with torch.inference_mode():
            return timed(
                lambda: pipeline.predict_quantiles(context, prediction_length=work["horizon"], quantile_levels=levels),
                runs,
            )
    from fracast import FracastModel

    network = FracastModel.from_pretrained(weights="fp32") if hasattr(FracastModel, "from_pretrained") else FracastModel(weights="fp32")
    return timed(lambda: network.forecast(history, horizon=work["horizon"]), runs)


def main():
    task = json.load(sys.stdin)
    series = np.asarray(task["series"], dtype=np.float64)
    seconds = {}
    for case in task["cases"]:
        work = case["work"]
        measure = steps if work["kind"] == "step" else forecast
        seconds[case["model"]] = measure(case["model"], work, series, task["runs"])
    by = f"PyTorch {torch.__version__}, chronos-forecasting {version('chronos-forecasting')}, fracast {version('fracast')}"
    print("\n" + json.dumps({"by": by, "seconds": seconds}))


main()
