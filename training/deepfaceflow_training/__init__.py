"""Training of DFFNet: face pairs with exact 3D flow, networks, trainer, evaluation, export."""
