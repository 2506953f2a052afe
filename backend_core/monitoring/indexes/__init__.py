"""Indexes of the whole database: what each is for, whether it is used, whether it may go, and a proof before it does."""
