"""The words: frozen values and enums that all rooms speak."""
