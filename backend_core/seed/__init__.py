"""Realistic sample data of three sizes."""
