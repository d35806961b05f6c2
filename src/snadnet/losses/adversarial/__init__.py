"""Adversarial losses: relativistic (SNADNet), relativistic average (DeblurGAN-v2), Wasserstein (DeblurGAN)."""
