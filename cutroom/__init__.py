"""What the API, the workflows, the activities and the workers share."""

__version__ = "0.5.0"
