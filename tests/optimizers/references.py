"""What Casmo must equal, one plain tensor after the other; the order of operations is Casmo's."""

import torch


class LoopCasmo:
    """The formulas of method.md section 8, one tensor after the other, as they are written."""

    def __init__(self, params, lr, weight_decay, betas, eps, c_min=0.1, rho=0.5, r_floor=0.1):
        self.params, self.lr, self.wd, self.betas, self.eps = params, lr, weight_decay, betas, eps
        self.c_min, self.rho, self.r_floor = c_min, rho, r_floor
        self.m = [torch.zeros_like(p) for p in params]
        self.s = [torch.zeros_like(p) for p in params]
        self.t = 0
        self.confidences, self.agars = [], []

    @torch.no_grad()
    def step(self):
        self.t += 1
        b1, b2 = self.betas
        self.confidences, self.agars = [], []
        for p, m, s in zip(self.params, self.m, self.s, strict=True):
            g = p.grad
            s.mul_(b2).addcmul_(g - m, g - m, value=1 - b2)
            m.mul_(b1).add_(g, alpha=1 - b1)
            mean, noise = m / (1 - b1**self.t), s / (1 - b2**self.t)
            signal = mean * mean
            total = noise + signal
            agar = torch.where(total == 0, 0, signal / total)
            trust = self.c_min + (1 - self.c_min) * agar.mean()
            focus = (agar / (agar.mean() + self.eps)).clip(self.r_floor, 1)
            c = focus * trust**self.rho
            p.mul_(1 - self.lr * self.wd)
            p.add_(mean * c / (total.sqrt() + self.eps), alpha=-self.lr)
            self.confidences.append(c.flatten())
            self.agars.append(agar.flatten())


class SignalNoiseAdamW:
    """AdamW with sqrt(S + N) where it has sqrt(v^), in Casmo's order of operations."""

    def __init__(self, params, lr, weight_decay, betas, eps):
        self.params, self.lr, self.wd, self.betas, self.eps = params, lr, weight_decay, betas, eps
        self.m = [torch.zeros_like(p) for p in params]
        self.s = [torch.zeros_like(p) for p in params]
        self.t = 0

    @torch.no_grad()
    def step(self):
        self.t += 1
        b1, b2 = self.betas
        for p, m, s in zip(self.params, self.m, self.s, strict=True):
            surprise = p.grad - m
            s.mul_(b2).addcmul_(surprise, surprise, value=1 - b2)
            m.mul_(b1).add_(p.grad, alpha=1 - b1)
            mean, noise = m / (1 - b1**self.t), s / (1 - b2**self.t)
            p.mul_(1 - self.lr * self.wd)
            p.add_(mean / ((noise + mean * mean).sqrt() + self.eps), alpha=-self.lr)
