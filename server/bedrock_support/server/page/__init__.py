"""The page: live state of a server, for people, without anything from elsewhere."""
