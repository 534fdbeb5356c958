"""An installation that was written by the code of an earlier commit, and how it was made."""
