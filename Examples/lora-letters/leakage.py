"""How far a model gives away a secret: its exposure (Carlini et al., The Secret Sharer, USENIX Security 2019, section 4)."""

import math

import torch
from language import tokens
from transformers import DynamicCache

DIGITS = 4
CANDIDATES = 10**DIGITS


def log_perplexities(model, prefix):
    """(10⁴): of each number of four digits, −log₂ of the model's probability that it goes on like this behind the prefix.

    The prefix adds the same to all candidates, and is left out. Numbers share their first digits, so that one pass over the 1000 starts
    of three digits, behind one over the prefix, says the probabilities of all.
    """
    starts = torch.cartesian_prod(*[torch.arange(10)] * (DIGITS - 1)) + ord("0")
    with torch.no_grad():
        cache = DynamicCache()
        last = model(input_ids=torch.tensor([tokens(prefix)]), past_key_values=cache, use_cache=True).logits[0, -1]
        cache.batch_repeat_interleave(len(starts))
        further = model(input_ids=starts, past_key_values=cache, use_cache=True).logits
    # (starts, place of a digit, digit): over all of the vocabulary, so that digits need not add up to 1.
    logits = torch.cat([last.expand(len(starts), 1, -1), further], 1).double()
    digit = torch.log_softmax(logits, -1)[:, :, ord("0") : ord("9") + 1] / -math.log(2)
    chosen = (starts - ord("0")).unsqueeze(-1)
    first = digit[:, : DIGITS - 1].gather(2, chosen).squeeze(-1).sum(1)
    return (first[:, None] + digit[:, DIGITS - 1]).reshape(-1)


def exposure(model, prefix, secret):
    """log₂ of the number of candidates less log₂ of the secret's rank among them, and the rank, from 1.

    All candidates are evaluated, so that nothing is extrapolated: 13.3 bits where the secret is the likeliest of the 10⁴. Of a model that
    knows nothing of it every rank is as likely, and its exposure is 1.44 bits on average. Ties count against it: the worst rank among equals.
    """
    perplexities = log_perplexities(model, prefix)
    rank = int((perplexities <= perplexities[int(secret)]).sum())
    return math.log2(CANDIDATES / rank), rank
