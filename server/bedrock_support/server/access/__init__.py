"""Who may use the server over HTTP: bearer tokens for programs, a sign-in for people who look at the page."""
