"""Many videos: their measures by person, span of interest and group, and SQL over their tables."""
