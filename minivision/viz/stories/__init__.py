"""Stories: players of what is no array operation, such as boxes that are suppressed or regions that merge."""
