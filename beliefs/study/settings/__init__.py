"""What a study.toml may say."""
