"""Read model: redemptions of coupons."""
