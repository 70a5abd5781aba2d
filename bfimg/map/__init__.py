"""The map of an image: what each run of sectors is used for, as typed cells that text and pictures are made from."""
