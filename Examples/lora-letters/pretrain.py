"""Trains the base model on the licences that every Debian system holds in /usr/share/common-licenses (package base-files).

    pretrain.py FOLDER [STEPS]

About 260,000 characters of English, none of them personal. The weights, in FOLDER, depend on the machine; LoRA's adapters are trained on
them, and the trainer names them to the engine by a digest.
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch
from language import CONTEXT, new_model, row_loss, tokens

LICENCES = Path("/usr/share/common-licenses")
BATCH = 16
RATE = 2e-3


def text():
    """All licences, each once: some names are links to others."""
    files = sorted(path for path in LICENCES.iterdir() if path.is_file() and not path.is_symlink())
    return "\n".join(" ".join(path.read_text(encoding="utf-8", errors="replace").split()) for path in files)


def main(folder, steps):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    stream = torch.tensor(tokens(text()))
    rng = np.random.default_rng(0)
    model = new_model()
    optimiser = torch.optim.AdamW(model.parameters(), RATE, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps, pct_start=0.1)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(stream):,} characters, {steps} steps of {BATCH}·{CONTEXT}")
    start = time.monotonic()
    for step in range(steps):
        first = torch.from_numpy(rng.integers(0, len(stream) - CONTEXT, BATCH))
        ids = stream[first[:, None] + torch.arange(CONTEXT)]
        loss = row_loss(model(input_ids=ids), {"input_ids": ids}, None).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if (step + 1) % 100 == 0:
            print(f"step {step + 1}: {loss.item():.3f} nats a character, {time.monotonic() - start:.0f} s", flush=True)
    model.save_pretrained(folder)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 600)
