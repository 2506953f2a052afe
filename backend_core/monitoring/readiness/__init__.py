"""Is this installation ready? Answered by checks that look at the real thing, each with its value, its threshold and its age."""
