"""Read model: coupons."""
