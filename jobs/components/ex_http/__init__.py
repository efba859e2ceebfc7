"""The component `ex-http`: files from the web or from an allowed folder into tables."""
