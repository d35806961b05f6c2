"""Training and test faces: folders, splits, the degradations of training, the protocols of tests."""
