"""Sample photos, fake networks and other inputs that several tests share."""
