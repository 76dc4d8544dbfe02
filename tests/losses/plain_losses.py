"""The losses once more, as loops over single cells that read like their definitions, and what compares with them."""

import math

import numpy as np
import torch

from mirante.losses._positives import Positives


def unit(*shape, seed):
    """Random float64 rows of length 1."""
    rows = np.random.default_rng(seed).normal(size=shape)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def sparse(table):
    """The form in which the trainer hands a truth on: its true cells."""
    return Positives(torch.from_numpy(np.argwhere(table)).reshape(-1, 2), table.shape)


def surprise(anchors, others, true, scale, smoothing=0.0):
    """Mean over anchors with a positive of −log p(positives), a share of it replaced by KL(even ‖ p)."""
    terms = []
    for anchor, row in zip(anchors, true, strict=True):
        if not any(row):
            continue
        weights = [math.exp(scale * float(anchor @ other)) for other in others]
        chances = [weight / sum(weights) for weight in weights]
        hits = sum(chance for chance, is_true in zip(chances, row, strict=True) if is_true)
        even = sum(math.log(1 / len(others) / chance) / len(others) for chance in chances)
        terms.append((1 - smoothing) * -math.log(hits) + smoothing * even)
    return sum(terms) / len(terms) if terms else 0.0


def infonce(images, texts, positives, *, scale, smoothing=0.0):
    """Of texts over images and of images over texts, the mean of both."""
    there = surprise(texts, images, positives, scale, smoothing)
    return (there + surprise(images, texts, positives.T, scale, smoothing)) / 2


def sigmoid(images, texts, positives, *, scale, bias):
    """−log σ(z) of every true cell and −log σ(−z) of every other, summed, over the number of texts."""
    total = 0.0
    for text, row in zip(texts, positives, strict=True):
        for image, is_true in zip(images, row, strict=True):
            z = scale * float(text @ image) + bias
            total += math.log(1 + math.exp(-z if is_true else z))
    return total / len(texts)


def triplet(images, texts, positives, *, margin):
    """Each true cell against its anchor's hardest negative; mean over cells, then over anchors; both ways, summed."""

    def one_way(anchors, others, true):
        terms = []
        for anchor, row in zip(anchors, true, strict=True):
            near = [float(anchor @ other) for other in others]
            false = [one for one, is_true in zip(near, row, strict=True) if not is_true]
            cells = [one for one, is_true in zip(near, row, strict=True) if is_true]
            if cells:
                terms.append(sum(max(0.0, margin + max(false, default=-9) - one) for one in cells) / len(cells))
        return sum(terms) / len(terms) if terms else 0.0

    return one_way(texts, images, positives) + one_way(images, texts, positives.T)


def selfsupervision(images, texts, positives, *, other_images, other_texts, temperature):
    """InfoNCE of two views of the pictures and of two views of the texts, the mean of both."""

    def akin(table):
        """Whether two rows of the table have a true cell in the same place."""
        return np.array([[any(a and b for a, b in zip(one, two, strict=True)) for two in table] for one in table])

    pairs = [(images, other_images, akin(positives.T)), (texts, other_texts, akin(positives))]
    return sum(infonce(one, two, same, scale=1 / temperature) for one, two, same in pairs) / 2


def neighbours(images, texts, positives, *, queue, temperature):
    """InfoNCE with each text replaced by its nearest of the queue; what is true of a neighbour is shared."""
    nearest = [max(range(len(queue)), key=lambda at: float(text @ queue[at])) for text in texts]
    shared = np.zeros_like(positives)
    for at, one in enumerate(nearest):
        for also, other in enumerate(nearest):
            if one == other:
                shared[at] |= positives[also]
    return infonce(images, queue[nearest], shared, scale=1 / temperature)


def distillation(images, texts, positives, *, teacher_images, teacher_texts, temperature):
    """Mean KL(teacher ‖ student) over texts, mean over images, the mean of both; `positives` say nothing."""
    del positives

    def chances(anchor, others):
        weights = [math.exp(float(anchor @ other) / temperature) for other in others]
        return [weight / sum(weights) for weight in weights]

    def one_way(anchors, others, old_anchors, old_others):
        terms = []
        for anchor, old in zip(anchors, old_anchors, strict=True):
            pairs = zip(chances(old, old_others), chances(anchor, others), strict=True)
            terms.append(sum(p * math.log(p / q) for p, q in pairs))
        return sum(terms) / len(terms)

    of_texts = one_way(texts, images, teacher_texts, teacher_images)
    return (of_texts + one_way(images, texts, teacher_images, teacher_texts)) / 2


def differences(function, at, step=1e-6):
    """The gradient of `function` at `at` by central differences."""
    found = np.zeros_like(at)
    for cell in np.ndindex(at.shape):
        up, down = at.copy(), at.copy()
        up[cell] += step
        down[cell] -= step
        found[cell] = (function(up) - function(down)) / (2 * step)
    return found


def graded(loss, rows, positives):
    """Value, and gradient of each of `rows` (zeros where none came), of a loss in float64."""
    leaves = {name: torch.tensor(one, requires_grad=True) for name, one in rows.items()}
    views = {name: leaf for name, leaf in leaves.items() if name not in ("images", "texts")}
    truth = torch.tensor(positives) if isinstance(positives, np.ndarray) else positives
    value = loss.double()(leaves["images"], leaves["texts"], truth, **views)
    if value.requires_grad:
        value.backward()
    zeros = {name: np.zeros_like(one) for name, one in rows.items()}
    return value.item(), zeros | {name: leaf.grad.numpy() for name, leaf in leaves.items() if leaf.grad is not None}
