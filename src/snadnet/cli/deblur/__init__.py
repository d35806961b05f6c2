"""``snadnet deblur``: photos in, the same photos with their faces deblurred out."""
