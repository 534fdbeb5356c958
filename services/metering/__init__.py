"""Metering: turns usage into quantities per meter, hour and group; it has no prices."""
