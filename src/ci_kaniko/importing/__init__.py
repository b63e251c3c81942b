"""Import of existing pipelines: what their kaniko jobs do, as a spec."""
