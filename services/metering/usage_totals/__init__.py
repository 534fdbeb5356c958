"""Usage totals."""
