"""Importers: read → validate → report → load. Each ends in one transaction, and works for any city."""
