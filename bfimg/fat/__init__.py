"""FAT12, FAT16 and FAT32 volumes: geometry, table, names, directories, reading, writing, formatting."""
