"""The field's still images with directions in degrees, and any builder measured on them."""
