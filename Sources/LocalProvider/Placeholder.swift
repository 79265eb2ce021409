enum PlaceholderLocalProvider {}
