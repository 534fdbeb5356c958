"""Command line, local servers, process supervisor, quickstart and demo."""
