"""From clip vectors to quality: regressor, pooling, scale."""
