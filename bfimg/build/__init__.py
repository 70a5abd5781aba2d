"""From kernel sources and files to an image: layout, compilation, assembly."""
