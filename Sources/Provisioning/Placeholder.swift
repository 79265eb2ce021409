enum PlaceholderProvisioning {}
