"""An audit: what several stress tests of one file say together, and what is to be mended."""
