"""What one value of the file says about another: pure rules over a View, one list of them in every.py."""
