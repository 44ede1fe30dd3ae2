"""All SQL. A repository function takes a session and plain values, and never commits."""
