"""One folder per feature; a page knows the parts it is made of, and nothing of other pages."""
