"""Usage events: their form, the rules by which one is rejected, and how a repeated one is recognised."""
