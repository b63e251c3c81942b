hadolint api/Dockerfile
