"""An audit: what several stress tests of one file say together, and which questions to mend."""
