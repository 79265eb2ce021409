enum PlaceholderDiskImages {}
