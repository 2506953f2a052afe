"""Documents, their pages and the audio made from them."""
