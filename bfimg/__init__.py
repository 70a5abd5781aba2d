"""Image surgery for bare-metal builds: build, inspect, patch and boot disk images."""

__version__ = "0.1.0"
