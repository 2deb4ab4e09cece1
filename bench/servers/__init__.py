"""Servers and clients so small that they do not dominate what is measured."""
