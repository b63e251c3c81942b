"""What each platform tells a job about its event."""
