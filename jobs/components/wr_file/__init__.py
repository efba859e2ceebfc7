"""The component `wr-file`: tables into files of a folder that the administrator allows."""
