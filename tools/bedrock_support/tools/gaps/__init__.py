"""Finding what is claimed but not there: facts per file, the whole tree's context, calibrated findings."""
